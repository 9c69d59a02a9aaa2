use serde::{Deserialize, Serialize};

use super::{BatchFacts, CommittedOffset};

/// What an answer says, as far as a history needs it. Error codes are Kafka's numbers; 0 is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "response", rename_all = "kebab-case")]
pub enum ResponseFacts {
    /// Produce, OffsetCommit, TxnOffsetCommit, AddPartitionsToTxn, ListOffsets: a result for each partition.
    Partitions {
        /// Error of the whole answer, where there is one.
        error: i16,
        /// Results.
        results: Vec<PartitionResult>,
    },
    /// Fetch and ShareFetch.
    Fetched {
        /// Error of the whole answer.
        error: i16,
        /// Fetch session.
        session_id: i32,
        /// What was read.
        partitions: Vec<FetchedPartition>,
    },
    /// JoinGroup.
    Joined(JoinedFacts),
    /// SyncGroup and ConsumerGroupHeartbeat: what the member gets.
    Assigned {
        /// Error.
        error: i16,
        /// Member id, where the answer gives one.
        member_id: Option<String>,
        /// Member epoch, where the answer gives one.
        member_epoch: Option<i32>,
        /// The partitions; none if the answer does not change them.
        partitions: Option<Vec<(String, i32)>>,
    },
    /// OffsetFetch.
    CommittedOffsets {
        /// First error of a group.
        error: i16,
        /// Group, and what was committed; -1 for nothing.
        groups: Vec<(String, Vec<CommittedOffset>)>,
    },
    /// InitProducerId; EndTxn from version 5 on.
    Producer {
        /// Error.
        error: i16,
        /// Producer id; -1 with an error.
        producer_id: i64,
        /// Producer epoch.
        producer_epoch: i16,
    },
    /// Everything that says no more than an error.
    Error {
        /// Error; the first that is not 0.
        error: i16,
    },
    /// Not looked into.
    Other,
}

/// The result for one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionResult {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Error.
    pub error: i16,
    /// Produce: offset of the first record; ListOffsets: the offset found; else -1.
    pub offset: i64,
}

/// What a fetch brought of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchedPartition {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Error.
    pub error: i16,
    /// High watermark; -1 where the answer has none.
    pub high_watermark: i64,
    /// Last stable offset; -1 where the answer has none.
    pub last_stable_offset: i64,
    /// First offset of the log; -1 where the answer has none.
    pub log_start_offset: i64,
    /// Aborted transactions that the reader must leave out.
    pub aborted: Vec<AbortedFact>,
    /// The whole batches; a cut one at the end is left out, as clients do.
    pub batches: Vec<BatchFacts>,
    /// Of a share group: first and last offset, and how often they were delivered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acquired: Vec<(i64, i64, i16)>,
}

/// An aborted transaction in a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbortedFact {
    /// Its producer.
    pub producer_id: i64,
    /// Its first offset.
    pub first_offset: i64,
}

/// JoinGroup's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedFacts {
    /// Error.
    pub error: i16,
    /// The new generation; -1 with an error.
    pub generation: i32,
    /// Assignor that was chosen.
    pub assignor: Option<String>,
    /// Member id of the leader.
    pub leader: String,
    /// Member id of who asked.
    pub member_id: String,
    /// For the leader: all members.
    pub members: Vec<String>,
}

/// A member and its partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberFact {
    /// Member id.
    pub member_id: String,
    /// What it is given.
    pub partitions: Vec<(String, i32)>,
}
