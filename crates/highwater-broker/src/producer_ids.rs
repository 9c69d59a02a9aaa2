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
    /// Reads how far ids are used; only a data directory that `is_new` begins with the first.
    ///
    /// # Errors
    /// [`BrokerError::Damaged`], as an id that is given away twice makes the broker take a new batch for a
    /// copy of an old one.
    pub(crate) fn open(root: &Path, durability: Durability, is_new: bool) -> Result<Self, BrokerError> {
        let path = root.join("producer-ids.json");
        let damaged = |reason: String| BrokerError::Damaged {
            path: path.clone(),
            reason,
        };
        let reserved = match read_json::<Reserved>(&path)? {
            Some(reserved) if reserved.next < 0 => {
                return Err(damaged(format!("the next id is {}", reserved.next)));
            }
            Some(reserved) => reserved,
            None if is_new => {
                write_json(&path, &Reserved::default(), durability)?;
                Reserved::default()
            }
            None => return Err(damaged("it is missing".to_owned())),
        };
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
