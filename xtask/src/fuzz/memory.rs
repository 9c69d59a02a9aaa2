//! What the process holds, and the input that it holds last.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::error::FuzzError;

/// Largest resident memory so far.
pub(crate) fn peak_resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}

/// An allocation above this ends the process.
pub(crate) fn limit_address_space(bytes: u64) -> Result<(), FuzzError> {
    let limit = Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    setrlimit(Resource::As, limit).map_err(FuzzError::Limit)
}

/// A file with the input that is being offered: number and length, 8 bytes each, then the bytes.
pub(crate) struct Kept {
    seed: u64,
    path: PathBuf,
    file: File,
}

impl Kept {
    pub(crate) fn open(directory: &Path, seed: u64) -> Result<Self, FuzzError> {
        let path = directory.join(format!("seed-{seed}.input"));
        let failed = |source| FuzzError::File {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(directory).map_err(failed)?;
        let file = File::create(&path).map_err(failed)?;
        Ok(Self { seed, path, file })
    }

    pub(crate) fn keep(&self, number: u64, bytes: &[u8]) -> Result<(), FuzzError> {
        let mut front = [0; 16];
        front[..8].copy_from_slice(&number.to_be_bytes());
        front[8..].copy_from_slice(&(bytes.len() as u64).to_be_bytes());
        let written = self
            .file
            .write_all_at(&front, 0)
            .and_then(|()| self.file.write_all_at(bytes, front.len() as u64));
        written.map_err(|source| FuzzError::File {
            path: self.path.clone(),
            source,
        })
    }

    pub(crate) fn found(&self, number: u64, what: &str) -> FuzzError {
        FuzzError::Found {
            what: what.to_owned(),
            seed: self.seed,
            number,
            file: self.path.clone(),
        }
    }

    /// Nothing was found.
    pub(crate) fn done(self) {
        drop(fs::remove_file(&self.path));
        if let Some(directory) = self.path.parent() {
            super::remove_if_empty(directory);
        }
    }
}
