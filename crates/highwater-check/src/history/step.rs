/// A partition of a topic (Jepsen: a key), numbered by [`Names`](super::Names).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u32);

/// What a record is known by: equal for two copies of a record, different for two records.
///
/// Who makes steps sees to that. Where two different records can't be told apart (same bytes, written twice on
/// purpose), they get values of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u64);

/// A client that does one thing after another: a producer, a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Process(pub u32);

/// A consumer group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group(pub u32);

/// A member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member(pub u32);

/// Producer id and epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Producer {
    /// Producer id.
    pub id: i64,
    /// Epoch.
    pub epoch: i16,
}

/// One step of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number in the history it came from (of a completion, an answer); findings name it. Ascends.
    pub index: u64,
    /// Moment on the clock of the history, in nanoseconds; -1 if it has none.
    pub at_ns: i64,
    /// What happened.
    pub what: What,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// An operation of a client came to its end.
    Operation(Operation),
    /// From now on a client reads these partitions; positions in those it had before and keeps stay.
    Subscribed {
        /// The client.
        process: Process,
        /// All that it reads from now on.
        partitions: Vec<Partition>,
        /// Whether positions may jump although a partition stays: a group gave it out anew, or a seek.
        repositioned: bool,
    },
    /// A producer got an id and an epoch: older epochs of the id are fenced from here on.
    Initialised {
        /// Its transactional id is the same for all of them, if it has one.
        producer: Producer,
    },
    /// Something about a group.
    Group(GroupStep),
    /// Something read back from the log when all was over.
    Log(LogStep),
    /// A moment around which redelivery is legal: a fault fired, a process was killed, a connection was lost.
    Disturbed,
}

/// An operation of a client: one send, one poll, or a transaction of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Number of the step in the source at which it began.
    pub began: u64,
    /// Who.
    pub process: Process,
    /// How it ended.
    pub outcome: Outcome,
    /// What kind.
    pub kind: Kind,
    /// Producer id and epoch of its sends, if they have them.
    pub producer: Option<Producer>,
    /// What was done, in order.
    pub actions: Vec<Action>,
}

/// What kind of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sends and polls, each for itself.
    Plain,
    /// All or nothing.
    Transaction,
}

/// How an operation ended, as the client was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It happened.
    Ok,
    /// It certainly did not happen. Reads of it were seen all the same.
    Failed,
    /// It may have happened or not, or may happen later.
    Unknown,
}

/// Part of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A record was sent.
    Send {
        /// Where to.
        partition: Partition,
        /// The record.
        value: Value,
        /// The offset it was acknowledged as, if told.
        offset: Option<i64>,
        /// Hash of its key, if it has one and it is known.
        key: Option<u64>,
    },
    /// Records were handed to the reader.
    Poll {
        /// What the reader may see.
        isolation: Isolation,
        /// By partition, each in the order in which they came.
        reads: Vec<(Partition, Vec<Read>)>,
    },
    /// While the operation went on, these partitions were given out anew: positions in them may jump, also inside
    /// of the operation.
    Repositioned {
        /// The partitions.
        partitions: Vec<Partition>,
    },
    /// Offsets were committed as part of the transaction.
    Commit {
        /// For this group.
        group: Group,
        /// The partition read.
        partition: Partition,
        /// Next offset to be read.
        offset: i64,
    },
}

/// A record that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// Offset; -1 if not told.
    pub offset: i64,
    /// The record.
    pub value: Value,
}

/// What a reader may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Everything.
    Uncommitted,
    /// Only records of committed transactions, and those of none.
    Committed,
}

/// Something about a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupStep {
    /// A member was given partitions in a generation (of the newer protocol: a member epoch).
    Assigned {
        /// Group.
        group: Group,
        /// Member.
        member: Member,
        /// Generation.
        generation: i32,
        /// All that it owns from now on.
        partitions: Vec<Partition>,
    },
    /// A member is gone: it left, or was put out.
    Left {
        /// Group.
        group: Group,
        /// Member.
        member: Member,
    },
    /// A member goes on from here: it asked for what was committed, or was told to begin here.
    Positioned {
        /// Group.
        group: Group,
        /// Member.
        member: Member,
        /// Partition.
        partition: Partition,
        /// Next offset to be read.
        offset: i64,
    },
    /// Records from `first` to `last` were handed to a member.
    Delivered {
        /// Group.
        group: Group,
        /// Member.
        member: Member,
        /// Partition.
        partition: Partition,
        /// First offset.
        first: i64,
        /// Last offset.
        last: i64,
    },
    /// A commit of offsets outside of transactions, or the offsets of a transaction that was committed.
    Committed {
        /// Group.
        group: Group,
        /// Member; none for a commit from outside of the group.
        member: Option<Member>,
        /// Generation that the committer spoke for; -1 for none.
        generation: i32,
        /// Partition.
        partition: Partition,
        /// Next offset to be read.
        offset: i64,
        /// How it ended.
        outcome: Outcome,
    },
}

/// Something read back from the log when all was over. Of each partition in ascending offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogStep {
    /// A record, whether its transaction was committed or not.
    Record(LogRecord),
    /// The marker that ends a transaction in a partition.
    Marker {
        /// Partition.
        partition: Partition,
        /// Offset.
        offset: i64,
        /// Whose transaction.
        producer: Producer,
        /// Committed or aborted.
        commit: bool,
        /// Epoch of the leader that wrote it.
        leader_epoch: i32,
    },
    /// A record that a reader of committed records gets.
    Committed {
        /// Partition.
        partition: Partition,
        /// Offset.
        offset: i64,
        /// The record.
        value: Value,
    },
    /// The end of a partition. Comes last of its partition; without it the tail is unseen.
    End {
        /// Partition.
        partition: Partition,
        /// First offset that is still there.
        log_start: i64,
        /// Offset after the last record.
        high_watermark: i64,
        /// Offset after the last record that no open transaction holds back.
        last_stable_offset: i64,
        /// Whether the topic is compacted: gaps, and only the newest value of a key.
        compacted: bool,
        /// Whether the partition was read to its end at both isolation levels.
        whole: bool,
    },
}

/// A record in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogRecord {
    /// Partition.
    pub partition: Partition,
    /// Offset.
    pub offset: i64,
    /// The record.
    pub value: Value,
    /// Hash of its key, if it has one.
    pub key: Option<u64>,
    /// Who wrote it, if idempotent.
    pub producer: Option<Producer>,
    /// Sequence, if idempotent; -1 otherwise.
    pub sequence: i32,
    /// Part of a transaction.
    pub transactional: bool,
    /// Epoch of the leader that wrote it; -1 if not told.
    pub leader_epoch: i32,
    /// False if its checksum, or what it says of itself, does not agree with its bytes.
    pub intact: bool,
}
