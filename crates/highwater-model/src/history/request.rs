use serde::{Deserialize, Serialize};

use super::BatchFacts;

/// What a request asks, as far as a history needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum RequestFacts {
    /// Produce.
    Produce(ProduceFacts),
    /// Fetch; also ShareFetch, with the group and member.
    Fetch(FetchFacts),
    /// JoinGroup.
    JoinGroup {
        /// Group, member, generation (none yet).
        group: GroupFacts,
        /// `session.timeout.ms`.
        session_timeout_ms: i32,
        /// `max.poll.interval.ms`.
        rebalance_timeout_ms: i32,
        /// Topics subscribed to, if the metadata could be read.
        topics: Vec<String>,
        /// Names of the assignors offered, best first.
        assignors: Vec<String>,
    },
    /// SyncGroup.
    SyncGroup {
        /// Group, member, generation.
        group: GroupFacts,
        /// From the leader: who gets what.
        assignments: Vec<super::MemberFact>,
    },
    /// Heartbeat.
    Heartbeat(GroupFacts),
    /// LeaveGroup; one for each member that leaves.
    LeaveGroup {
        /// Group.
        group_id: String,
        /// Members.
        members: Vec<String>,
    },
    /// ConsumerGroupHeartbeat (KIP-848) and ShareGroupHeartbeat (KIP-932).
    ConsumerGroupHeartbeat {
        /// Group, member, member epoch as generation.
        group: GroupFacts,
        /// Topics subscribed to, when told.
        topics: Option<Vec<String>>,
        /// Partitions owned, when told.
        owned: Option<Vec<(String, i32)>>,
    },
    /// OffsetCommit, and TxnOffsetCommit with its transaction.
    OffsetCommit(CommitFacts),
    /// OffsetFetch.
    OffsetFetch {
        /// Groups asked for.
        groups: Vec<String>,
        /// Whether only stable offsets were asked for (KIP-447).
        require_stable: bool,
    },
    /// InitProducerId.
    InitProducerId(InitProducerFacts),
    /// AddPartitionsToTxn.
    AddPartitionsToTxn(AddPartitionsFacts),
    /// AddOffsetsToTxn.
    AddOffsetsToTxn {
        /// The transaction.
        transaction: TransactionFacts,
        /// Group whose offsets will be part of it.
        group_id: String,
    },
    /// EndTxn.
    EndTxn(EndTxnFacts),
    /// FindCoordinator.
    FindCoordinator {
        /// 0 group, 1 transaction, 2 share.
        key_type: i8,
        /// Group or transactional ids.
        keys: Vec<String>,
    },
    /// ListOffsets.
    ListOffsets {
        /// Isolation level.
        isolation: Isolation,
        /// Topic, partition, and the timestamp asked for (-1 latest, -2 earliest).
        partitions: Vec<(String, i32, i64)>,
    },
    /// Anything else: name and size are enough.
    Other,
}

/// Produce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProduceFacts {
    /// Transactional id.
    pub transactional_id: Option<String>,
    /// 0, 1, or -1 for all.
    pub acks: i16,
    /// How long the broker may wait for replicas.
    pub timeout_ms: i32,
    /// What is written where.
    pub partitions: Vec<ProducedPartition>,
}

/// Batches for one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProducedPartition {
    /// Topic; its id in hexadecimal as long as nobody told its name.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// The batches; exactly one from today's clients.
    pub batches: Vec<BatchFacts>,
}

/// Isolation level of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// Everything up to the high watermark.
    ReadUncommitted,
    /// Committed transactions, up to the last stable offset.
    ReadCommitted,
}

/// Fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchFacts {
    /// -1 for consumers, else the broker that follows.
    pub replica_id: i32,
    /// Isolation level.
    pub isolation: Isolation,
    /// Of a share group: group and member.
    pub share_group: Option<GroupFacts>,
    /// Fetch session; 0 without.
    pub session_id: i32,
    /// Position in the session; -1 without.
    pub session_epoch: i32,
    /// Positions asked for; of a session only those that changed.
    pub positions: Vec<FetchPosition>,
    /// Partitions taken out of the session.
    pub forgotten: Vec<(String, i32)>,
}

/// Where a reader is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchPosition {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Next offset wanted; -1 for share groups.
    pub offset: i64,
    /// Epoch of the leader as the reader knows it; -1 if not.
    pub leader_epoch: i32,
}

/// Who speaks for a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupFacts {
    /// Group.
    pub group_id: String,
    /// Member id; empty before the first join.
    pub member_id: String,
    /// `group.instance.id` (KIP-345).
    pub instance_id: Option<String>,
    /// Generation, or member epoch; -1 for none.
    pub generation: i32,
}

/// OffsetCommit and TxnOffsetCommit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitFacts {
    /// Who commits.
    pub group: GroupFacts,
    /// The transaction, for TxnOffsetCommit.
    pub transaction: Option<TransactionFacts>,
    /// What.
    pub offsets: Vec<CommittedOffset>,
}

/// A committed offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommittedOffset {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Next offset to be read.
    pub offset: i64,
}

/// Who speaks for a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionFacts {
    /// Transactional id.
    pub transactional_id: String,
    /// Producer id.
    pub producer_id: i64,
    /// Producer epoch.
    pub producer_epoch: i16,
}

/// InitProducerId.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitProducerFacts {
    /// None: idempotence only.
    pub transactional_id: Option<String>,
    /// `transaction.timeout.ms`.
    pub transaction_timeout_ms: i32,
    /// Producer id that the client has already; -1 for none.
    pub producer_id: i64,
    /// Its epoch; -1 for none.
    pub producer_epoch: i16,
}

/// AddPartitionsToTxn; one for each transaction of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddPartitionsFacts {
    /// The transactions, each with what is added.
    pub transactions: Vec<(TransactionFacts, Vec<(String, i32)>)>,
}

/// EndTxn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndTxnFacts {
    /// The transaction.
    pub transaction: TransactionFacts,
    /// True to commit, false to abort.
    pub commit: bool,
}
