//! One of the brokers that are compared, running.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use highwater_target::{Target, TargetOptions, TargetSpec};
use tempfile::TempDir;

use super::Site;
use crate::bench::error::BenchError;
use crate::bench::process;

pub(crate) const DEV: &str = "dev broker";
pub(crate) const KAFKA: &str = "Apache Kafka";

/// A broker with a directory of its own, both gone when this is dropped.
pub(crate) struct Arm {
    pub(crate) name: &'static str,
    pub(crate) target: Target,
    _directory: TempDir,
}

impl Arm {
    pub(crate) fn start(spec: &TargetSpec, site: &Site<'_>) -> Result<Self, BenchError> {
        let file = |source| BenchError::File {
            path: site.directory.clone(),
            source,
        };
        std::fs::create_dir_all(&site.directory).map_err(file)?;
        let directory = tempfile::tempdir_in(&site.directory).map_err(file)?;
        let options = TargetOptions {
            dir: directory.path().to_owned(),
            highwater: site.highwater.to_owned(),
            bugs: Vec::new(),
            kafka_home: None,
            observer: Arc::new(|_| {}),
            interrupted: Arc::new(AtomicBool::new(false)),
        };
        Ok(Self {
            name: if *spec == TargetSpec::Dev { DEV } else { KAFKA },
            target: Target::start(spec, options)?,
            _directory: directory,
        })
    }

    pub(crate) fn bootstrap(&self) -> &str {
        self.target.bootstrap()
    }

    fn pid(&self) -> Result<u32, BenchError> {
        let process = self.target.processes().into_iter().next();
        process
            .map(|process| process.pid)
            .ok_or(BenchError::Missing("the broker's process"))
    }

    /// CPU seconds of the broker since it was started.
    pub(crate) fn cpu_seconds(&self) -> Result<f64, BenchError> {
        process::cpu_seconds_of(self.pid()?).ok_or(BenchError::Missing("the broker in /proc"))
    }

    /// Resident memory of the broker now.
    pub(crate) fn resident_bytes(&self) -> Result<u64, BenchError> {
        process::memory_of(self.pid()?, "VmRSS:").ok_or(BenchError::Missing("the broker in /proc"))
    }
}
