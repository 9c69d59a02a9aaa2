use std::fmt;

use serde::{Deserialize, Serialize};

/// Identifies a run in every record it writes and in the names of its topics; 6 hexadecimal digits or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06x}", self.0)
    }
}

/// The identity of a record: which producer of the run, and its place in that producer's sequence, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordId {
    /// Index of the producer in the run, from 0.
    pub producer: u32,
    /// Place in the producer's sequence, from 0.
    pub sequence: u64,
}

impl RecordId {
    /// Stands where no identity could be read: a foreign record, or one whose stamp is damaged.
    ///
    /// No producer of a run has this index.
    pub const UNSTAMPED: Self = Self {
        producer: u32::MAX,
        sequence: u64::MAX,
    };
}

/// What the client was told about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Due or handed over, and nothing heard yet.
    Pending,
    /// Acknowledged by the broker.
    Acknowledged,
    /// Certainly not in the log.
    Failed,
    /// May be in the log or not; neither is a violation.
    Unknown,
}

/// One partition of one topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: String,
    /// Partition number.
    pub partition: i32,
}
