//! `offsets.json` in a partition's directory: what the segments alone do not say.
//!
//! Invariant: either the old or the new one, whole; without it the log begins with its first segment
//! and was never compacted.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::LogError;
use crate::data_dir::{Durability, write_whole};

const FILE: &str = "offsets.json";

/// Offsets that are kept beside the segments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptOffsets {
    /// Nothing below it may be read, also where a segment still has it.
    #[serde(default)]
    pub(super) start: i64,
    /// Every key below it was compacted with all records below it.
    #[serde(default)]
    pub(super) cleaned: i64,
}

impl KeptOffsets {
    /// Reads them in the directory of a partition.
    pub(super) fn read(dir: &Path) -> Result<Self, LogError> {
        let path = dir.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => {
                return Err(LogError::Io {
                    action: "read",
                    path,
                    source,
                });
            }
        };
        serde_json::from_slice(&bytes).map_err(|error| LogError::Offsetless {
            path,
            reason: error.to_string(),
        })
    }

    /// Writes them.
    pub(super) fn write(&self, dir: &Path, durability: Durability) -> Result<(), LogError> {
        let path = dir.join(FILE);
        serde_json::to_vec(self)
            .map_err(io::Error::from)
            .and_then(|bytes| write_whole(&path, &bytes, durability))
            .map_err(|source| LogError::Io {
                action: "write",
                path,
                source,
            })
    }
}
