//! What the account is given: the ledger of attempts, and what was read.
//!
//! The ledger belongs to whoever offered the load. The account only reads it and marks what it found.

use highwater_model::{Outcome, RecordId};

/// What is known about one record from the sending side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// What the client was told. A record that is still [`Outcome::Pending`] at the end counts as unknown if
    /// it was handed over, and as failed if it never was.
    pub outcome: Outcome,
    /// Partition it was sent to; negative if the client chose and never said.
    pub partition: i32,
    /// Offset of the acknowledgement, if it named one.
    pub offset: Option<i64>,
    /// Moment of the acknowledgement since the start of the run.
    pub acknowledged_at_ns: Option<u64>,
    /// The client took it. What was never handed over can't be in the log.
    pub handed_over: bool,
}

/// Where a record had been found before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// How many times it had been found before this time.
    pub times_before: u32,
    /// Offset of the first time, if the ledger keeps it. A ledger that keeps the offset of the acknowledgement
    /// instead gives none.
    pub first_offset: Option<i64>,
    /// Partition of the first time, as for the offset.
    pub first_partition: i32,
}

/// The ledger of a run. Rows are interior: every method takes `&self`; `Sync`, so that an account can be kept
/// in a task.
pub trait Attempts: Sync {
    /// The row of a record; `None` if the run has no such record.
    fn attempt(&self, id: RecordId) -> Option<Attempt>;

    /// Notes that a record was found in the log and tells where it had been found before. Called once for
    /// each place at which it is found.
    fn mark_found(&self, id: RecordId, partition: i32, offset: i64) -> Found;

    /// Visits every row with the number of times it was found, in a fixed order.
    fn for_each(&self, visit: &mut dyn FnMut(RecordId, Attempt, u32));
}

/// A record as it was read from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// A sound record of this run.
    Record(RecordId),
    /// A record without a stamp of this run.
    Foreign,
    /// A stamp or a payload whose checksum is wrong, with the identity if the stamp itself is sound.
    Corrupt(Option<RecordId>),
}

/// Bounds of a partition as read back, and how far it was read. Offsets are those of the next record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionEnd {
    /// Partition.
    pub partition: i32,
    /// First offset that the log still holds.
    pub log_start: i64,
    /// High watermark.
    pub high_watermark: i64,
    /// Last stable offset.
    pub last_stable_offset: i64,
    /// Everything below was read.
    pub read_to: i64,
}

impl PartitionEnd {
    /// True if it was read up to its high watermark.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.read_to >= self.high_watermark
    }
}
