//! The broker that all tools are pointed at.

use std::path::{Path, PathBuf};
use std::process::Command;

use highwater_load::admin;

use super::error::BenchError;
use super::process;

pub(crate) struct Broker {
    pub(crate) bootstrap: String,
    pub(crate) description: String,
    /// The program that stops it, if it was started here.
    stopped_by: Option<PathBuf>,
}

impl Broker {
    pub(crate) fn existing(bootstrap: &str) -> Self {
        Self {
            bootstrap: bootstrap.to_owned(),
            description: format!("cluster at {bootstrap}"),
            stopped_by: None,
        }
    }

    /// Starts Apache Kafka through the program; leaves one alone that ran already.
    pub(crate) fn start(highwater: &Path) -> Result<Self, BenchError> {
        eprintln!("starting Apache Kafka");
        let ended = process::run(Command::new(highwater).args(["up", "kafka"]))?.successful()?;
        let first = ended.output.lines().find(|line| line.contains(" runs at "));
        let Some((description, bootstrap)) = first.and_then(|line| line.split_once(" runs at ")) else {
            return Err(ended.not_understood());
        };
        let bootstrap = bootstrap.split_whitespace().next().unwrap_or_default().to_owned();
        let ran_already = description.ends_with(" already");
        Ok(Self {
            description: description.trim_end_matches(" already").to_owned(),
            bootstrap,
            stopped_by: (!ran_already).then(|| highwater.to_owned()),
        })
    }

    /// Makes a topic for the time of `work`, unless the tool makes its own.
    pub(crate) fn with_topic<T>(
        &self,
        topic: &str,
        partitions: u32,
        tool_makes_it: bool,
        work: impl FnOnce() -> Result<T, BenchError>,
    ) -> Result<T, BenchError> {
        if tool_makes_it {
            return work();
        }
        admin::create_topic(&self.bootstrap, topic, partitions, 1, &[])?;
        let result = work();
        admin::delete_topic(&self.bootstrap, topic)?;
        result
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(highwater) = &self.stopped_by
            && let Err(error) = process::output(Command::new(highwater).arg("down"))
        {
            eprintln!("stopping Apache Kafka: {error}");
        }
    }
}
