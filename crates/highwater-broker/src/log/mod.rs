//! One partition's log: record batches as they came, in segment files.
//!
//! Invariant: everything below the end offset is in a file (write(2) has returned) and readable; a
//! batch that could not be written whole is cut off again before the error is reported.
//! It knows no topics, no producers, no sockets and no clock.

mod compaction;
mod config;
mod error;
mod index;
mod kept;
mod open;
mod read;
mod recovery;
mod retention;
mod scan;
mod seal;
mod segment;
mod store;

pub(crate) use compaction::KeysBug;
pub(crate) use config::LogConfig;
pub use error::LogError;
pub(crate) use read::ReadPlan;
pub(crate) use recovery::{Recovery, SnapshotError};
pub(crate) use store::{LastBatch, Log, TimestampOffset};

#[cfg(test)]
mod compaction_tests;
#[cfg(test)]
mod recovery_tests;
#[cfg(test)]
mod retention_tests;
#[cfg(test)]
mod tests;
