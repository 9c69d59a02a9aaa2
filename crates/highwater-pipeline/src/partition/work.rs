//! What goes out of a partition to be done, and what comes back.

use std::time::Duration;

use crate::deadletter::RetryRecord;
use crate::lanes::{IntakeLimits, Ordering, Permit};
use crate::offset::Ticket;
use crate::retry::{Alert, Attempts, CapLimits, ErrorClass, GiveUp, ParkKey, ParkedPermit, RetryPolicy};

/// What this crate must know of a record. Everything else of it is the caller's.
pub trait Record {
    /// Its key. Records without one have no order among each other.
    fn key(&self) -> Option<&[u8]>;
    /// What it counts against the limits of the intake, in bytes.
    fn bytes(&self) -> usize;
}

/// How a partition is run.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// What may run at the same time. Default: one record of each key.
    pub ordering: Ordering,
    /// When intake pauses.
    pub intake: IntakeLimits,
    /// When intake pauses because of what is parked.
    pub parked: IntakeLimits,
    /// Attempts and pauses.
    pub retry: RetryPolicy,
    /// When giving up pauses the partition.
    pub cap: CapLimits,
    /// The pause after a retry record or dead letter that could not be written. Default: none.
    pub write_pause: Duration,
}

/// What is to be done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Run the handler and make its effect.
    Run,
    /// Write a retry record with [`Work::attempts`]; done when it is acknowledged.
    Park,
    /// Write a dead letter; done when it is acknowledged.
    DeadLetter(GiveUp),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Lane { permit: Permit, ticket: Ticket },
    Lot(ParkedPermit),
}

/// A record and what is to be done with it. Bring it back with [`Partition::finish`](super::Partition::finish).
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a work that is lost keeps its key waiting for ever"]
pub struct Work<T> {
    /// The record.
    pub record: T,
    /// Its offset in the source partition.
    pub offset: i64,
    /// What is to be done.
    pub task: Task,
    /// What was tried before, and when the next attempt is due.
    pub attempts: Attempts,
    pub(super) origin: Origin,
    pub(super) epoch: u64,
}

impl<T> Work<T> {
    /// What the headers of its retry record say, for [`Task::Park`].
    #[must_use]
    pub fn retry_record(&self, topic: &str, partition: i32) -> RetryRecord {
        RetryRecord {
            topic: topic.to_owned(),
            partition,
            offset: self.offset,
            attempts: self.attempts,
        }
    }

    /// Whether the record comes from the retry topic.
    #[must_use]
    pub fn parked(&self) -> bool {
        matches!(self.origin, Origin::Lot(_))
    }
}

/// How a work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The effect, the retry record or the dead letter is acknowledged.
    Done,
    /// It failed. For a write that failed the class does not matter: it is repeated.
    Failed(ErrorClass),
}

/// What follows from how a work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Finished {
    /// The record is complete.
    Completed,
    /// The record is complete in the source; it is parked until that moment.
    Parked {
        /// When it is due.
        due: Duration,
    },
    /// It runs again in its lane.
    Retries {
        /// When it is due.
        due: Duration,
    },
    /// The next work of this record writes it to the retry topic.
    WillPark {
        /// When it will be due.
        due: Duration,
    },
    /// The next work of this record writes it to the dead letters.
    WillGiveUp(GiveUp),
    /// The partition is paused until it is resumed. The record stays.
    Halted(Alert),
    /// A retry record or dead letter could not be written. The record stays and is written again; raise an alert.
    Unwritten(Alert),
    /// The handler asked the pipeline to stop. The record stays.
    Stopped,
    /// The work is from before a rewind, or its partition is no longer ours. Its effect must not be made.
    Stale,
}

/// A record in its lane.
#[derive(Debug)]
pub(super) struct Queued<T> {
    pub(super) record: T,
    pub(super) offset: i64,
    pub(super) ticket: Ticket,
    pub(super) attempts: Attempts,
    pub(super) task: Task,
}

/// A record in the lot.
#[derive(Debug)]
pub(super) struct Held<T> {
    pub(super) record: T,
    pub(super) attempts: Attempts,
    pub(super) task: Task,
}

/// What a record waits together with when it is parked.
pub(super) fn park_key<T: Record>(ordering: Ordering, record: &T, offset: i64) -> ParkKey {
    match (ordering, record.key()) {
        (Ordering::Partition, _) => ParkKey::Partition,
        (Ordering::Key, Some(key)) => ParkKey::Key(key.into()),
        (Ordering::Key, None) | (Ordering::Unordered, _) => ParkKey::Alone(offset),
    }
}
