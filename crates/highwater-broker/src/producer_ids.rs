//! Giving away producer ids, each once in the life of the data directory.
//!
//! Invariant: an id is given away only after a file says that ids up to and beyond it are used.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::data_dir::{Durability, read_json, write_json};
use crate::error::BrokerError;
use crate::lock::LockExt;

/// Ids reserved by one write of the file; Kafka's controller hands out blocks of the same size.
const BLOCK: i64 = 1_000;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Reserved {
    next: i64,
}

#[derive(Debug)]
pub(crate) struct ProducerIds {
    path: PathBuf,
    durability: Durability,
    /// Next id to give away, and the first one that is not reserved.
    range: Mutex<(i64, i64)>,
}

impl ProducerIds {
    pub(crate) fn open(root: &Path, durability: Durability) -> Result<Self, BrokerError> {
        let path = root.join("producer-ids.json");
        let reserved: Reserved = read_json(&path)?.unwrap_or_default();
        Ok(Self {
            path,
            durability,
            range: Mutex::new((reserved.next, reserved.next)),
        })
    }

    pub(crate) fn next(&self) -> Result<i64, BrokerError> {
        let mut range = self.range.guard();
        if range.0 == range.1 {
            let next = range.1 + BLOCK;
            write_json(&self.path, &Reserved { next }, self.durability)?;
            range.1 = next;
        }
        let id = range.0;
        range.0 += 1;
        Ok(id)
    }
}
