//! The data directory: who has it, what format it has, and small files written in one piece.
//!
//! ```text
//! lock                      held while a broker runs
//! meta.json                 format and cluster id
//! starts.json               how often a broker was started here, for leader epochs
//! producer-ids.json         first producer id that was never given away
//! group-offsets.jsonl       committed offsets, and those of open transactions
//! transactions.jsonl        states of transactional ids
//! topics/<name>.json        a topic: id, partitions, who leads them, settings
//! topics/<name>-<n>/        its n-th partition
//! orphaned/                 partition directories found without their topic, moved aside
//! bugs.jsonl                journal of the bug switches
//! ```
//!
//! Invariant: a small file is either the old or the new one, whole, whenever the process dies.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::BrokerConfig;
use crate::error::BrokerError;

/// The longest topic name leaves no room for a suffix within the 255 bytes of a file name.
const MAX_TEMPORARY_NAME: usize = 200;

/// The format written and the newest one read.
const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Meta {
    format: u32,
    cluster_id: String,
}

/// A data directory that this process has to itself.
#[derive(Debug)]
pub(crate) struct DataDir {
    pub(crate) root: PathBuf,
    pub(crate) cluster_id: String,
    /// Whether no topics were ever kept in it.
    pub(crate) is_new: bool,
    /// Unlocked by the system when it is closed, also when the process is killed.
    _lock: File,
}

impl DataDir {
    /// Takes the directory, making it if needed.
    ///
    /// # Errors
    /// [`BrokerError::InUse`], [`BrokerError::Format`], [`BrokerError::Damaged`], [`BrokerError::DataDir`].
    pub(crate) fn open(root: &Path, durability: Durability) -> Result<Self, BrokerError> {
        create_dir(root)?;
        let lock = take_lock(root)?;
        let path = root.join("meta.json");
        let is_new = !root.join("topics").exists();
        let meta = match read_json::<Meta>(&path)? {
            Some(meta) => meta,
            None if !is_new => {
                return Err(BrokerError::Damaged {
                    path,
                    reason: "it is missing beside data".to_owned(),
                });
            }
            None => {
                let meta = Meta {
                    format: FORMAT,
                    cluster_id: Uuid::new_v4().simple().to_string(),
                };
                write_json(&path, &meta, durability)?;
                meta
            }
        };
        if meta.format > FORMAT {
            return Err(BrokerError::Format {
                path,
                found: meta.format,
                known: FORMAT,
            });
        }
        Ok(Self {
            root: root.to_owned(),
            cluster_id: meta.cluster_id,
            is_new,
            _lock: lock,
        })
    }
}

fn take_lock(root: &Path) -> Result<File, BrokerError> {
    let path = root.join("lock");
    let error = |source| BrokerError::DataDir {
        action: "lock",
        path: path.clone(),
        source,
    };
    let file = File::create(&path).map_err(error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BrokerError::InUse {
            path: root.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(error(source)),
    }
}

/// Makes a directory and those above it.
pub(crate) fn create_dir(path: &Path) -> Result<(), BrokerError> {
    fs::create_dir_all(path).map_err(|source| BrokerError::DataDir {
        action: "create",
        path: path.to_owned(),
        source,
    })
}

/// Reads a small JSON file; `None` when it is not there.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, BrokerError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(BrokerError::DataDir {
                action: "read",
                path: path.to_owned(),
                source,
            });
        }
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| BrokerError::Damaged {
            path: path.to_owned(),
            reason: error.to_string(),
        })
}

/// What must not undo a write that was reported as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The death of the process: the system has the bytes.
    Process,
    /// The death of the machine: the disk has them.
    Machine,
}

impl Durability {
    /// As the broker's settings say.
    pub(crate) fn of(config: &BrokerConfig) -> Self {
        if config.fsync {
            Self::Machine
        } else {
            Self::Process
        }
    }

    /// Makes the content of a file that was written to as durable as this.
    pub(crate) fn settle(self, file: &File) -> io::Result<()> {
        match self {
            Self::Process => Ok(()),
            Self::Machine => file.sync_data(),
        }
    }

    /// Makes the name of a new or renamed file as durable as this.
    pub(crate) fn settle_entry(self, path: &Path) -> io::Result<()> {
        match (self, path.parent()) {
            (Self::Machine, Some(dir)) => File::open(dir)?.sync_all(),
            (Self::Machine, None) | (Self::Process, _) => Ok(()),
        }
    }
}

/// Writes a small JSON file in one piece: a new file beside it takes its name.
pub(crate) fn write_json<T: Serialize>(
    path: &Path,
    value: &T,
    durability: Durability,
) -> Result<(), BrokerError> {
    let written = serde_json::to_vec_pretty(value)
        .map_err(io::Error::from)
        .and_then(|bytes| write_whole(path, &bytes, durability));
    written.map_err(|source| BrokerError::DataDir {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

/// Writes a file under another name and renames it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let front: String = name.chars().take(MAX_TEMPORARY_NAME).collect();
    let temporary = path.with_file_name(format!("{front}.tmp"));
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    durability.settle(&file)?;
    drop(file);
    fs::rename(&temporary, path)?;
    durability.settle_entry(path)
}
