//! What stands in the topics of a connector.

use super::{Field, Operation, Row};

/// A place in what a connector sends. Changes are sent in the order of commits, so that their own positions in the
/// write-ahead log go back and forth where transactions overlap; these only go up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Position of the last commit before it, in bytes.
    pub committed: u64,
    /// Position of the change itself.
    pub change: u64,
}

/// An event of a connector about one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeEvent {
    /// The table.
    pub table: String,
    /// The row's primary key, as the key of the record has it.
    pub key: Field,
    /// What was done.
    pub operation: Operation,
    /// The row before it; none of an insert and of a snapshot.
    pub before: Option<Row>,
    /// The row after it; none of a delete.
    pub after: Option<Row>,
    /// Position in the write-ahead log, in bytes; of a snapshot the position at which it was taken.
    pub wal_position: Option<u64>,
    /// Where it stands in what the connector sends.
    pub position: Option<Position>,
    /// Transaction that made the change.
    pub transaction: Option<u64>,
}

/// Where a record stands, and when it came there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At<'a> {
    /// Topic.
    pub topic: &'a str,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// The record's timestamp: when the broker appended it, in milliseconds of wall-clock time.
    pub at_ms: i64,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// An event.
    Change(Box<ChangeEvent>),
    /// A key without a value: compaction may forget the row.
    Tombstone {
        /// The table.
        table: String,
        /// Primary key.
        key: Field,
    },
    /// Something that is no event of these tables, and why.
    Unreadable(String),
}
