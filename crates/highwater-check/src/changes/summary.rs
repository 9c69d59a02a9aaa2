//! What an account of change events adds up to, beside its anomalies.

use crate::PartitionEnd;

/// How far a partition of a topic was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeEnd {
    /// Topic.
    pub topic: String,
    /// Its end, and how far it was read.
    pub end: PartitionEnd,
}

/// Totals of an account. Counted, not judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeSummary {
    /// Records read.
    pub records: u64,
    /// Committed changes that arrived as events of their own.
    pub streamed: u64,
    /// Committed changes that the snapshot stands for.
    pub in_snapshot: u64,
    /// Rows that came with the snapshot.
    pub snapshot_rows: u64,
    /// Records that repeat an earlier one.
    pub repeated: u64,
    /// How often the connector went back, over all partitions.
    pub rewinds: u64,
    /// Longest repeat, in records of one partition.
    pub longest_repeat: u64,
    /// Tombstones.
    pub tombstones: u64,
    /// Deletes whose tombstone is not the next record of their key.
    pub tombstones_missing: u64,
}
