//! What can go wrong with a log.

use std::io;
use std::path::PathBuf;

use highwater_wire::batch::BatchError;
use highwater_wire::records::RecordsError;

/// An error of a partition's log, with the file.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The system refused an operation.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried: "open", "read", "write", "truncate", "list", "create".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Bytes before the end of the log are damaged, so cutting the tail would lose good batches.
    #[error(
        "{} is damaged at byte {position}, and good batches follow; restore the file from a copy, or move its partition directory away to start that partition empty",
        path.display()
    )]
    Damaged {
        /// The segment file.
        path: PathBuf,
        /// Where the damage begins.
        position: u64,
        /// What is wrong there.
        source: BatchError,
    },
    /// A batch has an offset that does not follow the one before.
    #[error(
        "{} has offset {found} at byte {position} where at least {expected} follows; restore the file from a copy, or move its partition directory away",
        path.display()
    )]
    Offsets {
        /// The segment file.
        path: PathBuf,
        /// Where the batch begins.
        position: u64,
        /// Its base offset.
        found: i64,
        /// The end of the batch before it.
        expected: i64,
    },
    /// The small file beside the segments does not read back.
    #[error(
        "{} is damaged ({reason}); remove it, and the log begins with its first segment",
        path.display()
    )]
    Offsetless {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A segment that is not at the front of the log is not there; its seal is.
    #[error(
        "{} is missing; restore the file from a copy, or move its partition directory away to start that partition empty",
        path.display()
    )]
    Missing {
        /// The segment file.
        path: PathBuf,
    },
    /// An earlier failed write could not be cut off, so nothing may be appended any more.
    #[error("{} has a partial batch at its end that could not be cut off", path.display())]
    Unusable {
        /// The segment file.
        path: PathBuf,
    },
    /// The records of a batch do not read back.
    #[error("records of {}", path.display())]
    Records {
        /// The segment file.
        path: PathBuf,
        /// What is wrong with them.
        source: RecordsError,
    },
    /// The batch is not one that [`highwater_wire::batch::check`] accepts.
    #[error("record batch")]
    Batch(#[from] BatchError),
}
