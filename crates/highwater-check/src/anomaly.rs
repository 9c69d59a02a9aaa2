//! The kinds of anomalies: their names, and what is said about them.
//!
//! Names follow Jepsen's checker for Kafka where it has one. What a contract says about each is in
//! [`standing`](crate::standing).

use highwater_measure::quantity::count;

/// A kind of anomaly. The order is the order of gravity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anomaly {
    /// Acknowledged, below the end of the log, and not readable anywhere.
    LostWrite,
    /// An input without the output it must have.
    PipelineLoss,
    /// A group never delivered a record, and went on behind it.
    GroupSkip,
    /// Offsets of inputs were committed without the outputs they belong to.
    OffsetsWithoutOutputs,
    /// An offset was committed past records that were not processed.
    CommitAhead,
    /// A reader went on behind a record that it never got.
    PollSkip,
    /// As `poll-skip`, inside one operation.
    IntPollSkip,
    /// In the log with a stamp or a payload that is not what was sent.
    CorruptPayload,
    /// Readable, but not at the offset it was acknowledged as; two records at one offset.
    InconsistentOffsets,
    /// An offset that was given away was given to another record later.
    ReusedOffset,
    /// A committed read saw a record of an aborted transaction (Adya: G1a).
    AbortedRead,
    /// Committed with a partition missing, or aborted with one present.
    TornTransaction,
    /// A transaction read its own record before it was committed.
    PrecommittedRead,
    /// A reader saw part of a committed transaction and not the rest, though it read past it.
    FracturedRead,
    /// Transactions that read from each other in a circle (Adya: G1c).
    InformationCycle,
    /// A write or a commit with an old epoch or generation was accepted.
    FencingViolation,
    /// The last stable offset stands, or stood, still for a transaction without an owner, or one that was told to be over.
    HangingTransaction,
    /// Two members own a partition in one generation.
    DualOwnership,
    /// The leader epoch goes back inside a partition.
    LeaderEpochRegression,
    /// Compaction kept an older value of a key and dropped the newer one.
    StaleCompaction,
    /// In the log without ever having been sent.
    Phantom,
    /// An output without an input.
    PipelinePhantom,
    /// In the log more than once.
    Duplicate,
    /// Delivered again although nothing happened that makes that legal.
    RedeliveryOutsideWindow,
    /// An input with an output too many.
    PipelineDuplicate,
    /// Outputs were committed without the offsets of the inputs they belong to.
    OutputsWithoutOffsets,
    /// A committed offset went back.
    CommitRegression,
    /// A reader went back without a reason.
    NonmonotonicPoll,
    /// As `nonmonotonic-poll`, inside one operation.
    IntNonmonotonicPoll,
    /// Behind a later record of the same producer in the same partition.
    NonmonotonicSend,
    /// As `nonmonotonic-send`, inside one operation.
    IntNonmonotonicSend,
    /// Outputs of one key in another order than its inputs.
    PipelineReorder,
    /// Outputs of one key in two partitions.
    KeyMoved,
    /// Transactions whose writes stand in a circle (Adya: G0). Kafka allows it.
    WriteCycle,
    /// Records of others stand between those of one operation. Kafka allows it.
    IntSendSkip,
    /// Reported as failed by the client, and yet in the log.
    ClientMisclassification,
}

impl Anomaly {
    /// All of them, gravest first.
    pub const ALL: [Self; 36] = [
        Self::LostWrite,
        Self::PipelineLoss,
        Self::GroupSkip,
        Self::OffsetsWithoutOutputs,
        Self::CommitAhead,
        Self::PollSkip,
        Self::IntPollSkip,
        Self::CorruptPayload,
        Self::InconsistentOffsets,
        Self::ReusedOffset,
        Self::AbortedRead,
        Self::TornTransaction,
        Self::PrecommittedRead,
        Self::FracturedRead,
        Self::InformationCycle,
        Self::FencingViolation,
        Self::HangingTransaction,
        Self::DualOwnership,
        Self::LeaderEpochRegression,
        Self::StaleCompaction,
        Self::Phantom,
        Self::PipelinePhantom,
        Self::Duplicate,
        Self::RedeliveryOutsideWindow,
        Self::PipelineDuplicate,
        Self::OutputsWithoutOffsets,
        Self::CommitRegression,
        Self::NonmonotonicPoll,
        Self::IntNonmonotonicPoll,
        Self::NonmonotonicSend,
        Self::IntNonmonotonicSend,
        Self::PipelineReorder,
        Self::KeyMoved,
        Self::WriteCycle,
        Self::IntSendSkip,
        Self::ClientMisclassification,
    ];

    /// The name in reports and in `anomalies.jsonl`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// The anomaly of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|anomaly| anomaly.name() == name)
    }

    /// The headline for that many occurrences.
    #[must_use]
    pub fn headline(self, occurrences: u64) -> String {
        let (_, singular, plural) = self.words();
        let words = if occurrences == 1 { singular } else { plural };
        format!("{} {words}", count(occurrences))
    }

    /// Name, and what is said of one and of several.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::LostWrite => (
                "lost-write",
                "acknowledged record cannot be read",
                "acknowledged records cannot be read",
            ),
            Self::PipelineLoss => ("pipeline-loss", "input has no output", "inputs have no output"),
            Self::GroupSkip => (
                "group-skip",
                "record was never delivered to its group",
                "records were never delivered to their group",
            ),
            Self::OffsetsWithoutOutputs => (
                "offsets-without-outputs",
                "commit of inputs lacks its outputs",
                "commits of inputs lack their outputs",
            ),
            Self::CommitAhead => (
                "commit-ahead",
                "commit went past unprocessed records",
                "commits went past unprocessed records",
            ),
            Self::PollSkip => (
                "poll-skip",
                "reader skipped records",
                "times a reader skipped records",
            ),
            Self::IntPollSkip => (
                "int-poll-skip",
                "operation skipped records between its reads",
                "operations skipped records between their reads",
            ),
            Self::CorruptPayload => ("corrupt-payload", "record is damaged", "records are damaged"),
            Self::InconsistentOffsets => (
                "inconsistent-offsets",
                "record is not at the offset it was acknowledged as",
                "records are not at the offsets they were acknowledged as",
            ),
            Self::ReusedOffset => (
                "reused-offset",
                "offset was given away again",
                "offsets were given away again",
            ),
            Self::AbortedRead => (
                "aborted-read",
                "record of an aborted transaction was read as committed",
                "records of aborted transactions were read as committed",
            ),
            Self::TornTransaction => (
                "torn-transaction",
                "transaction is in the log in part",
                "transactions are in the log in part",
            ),
            Self::PrecommittedRead => (
                "precommitted-read",
                "record was read by its own transaction before the commit",
                "records were read by their own transactions before the commit",
            ),
            Self::FracturedRead => (
                "fractured-read",
                "transaction was seen in part by a reader",
                "transactions were seen in part by a reader",
            ),
            Self::InformationCycle => (
                "information-cycle",
                "circle of transactions that read from each other",
                "circles of transactions that read from each other",
            ),
            Self::FencingViolation => (
                "fencing-violation",
                "write of a fenced producer or member was accepted",
                "writes of fenced producers or members were accepted",
            ),
            Self::HangingTransaction => (
                "hanging-transaction",
                "transaction without an owner holds readers back",
                "transactions without an owner hold readers back",
            ),
            Self::DualOwnership => (
                "dual-ownership",
                "partition had two owners in a generation",
                "partitions had two owners in a generation",
            ),
            Self::LeaderEpochRegression => (
                "leader-epoch-regression",
                "record has an older leader epoch than one before it",
                "records have older leader epochs than ones before them",
            ),
            Self::StaleCompaction => (
                "stale-compaction",
                "key has an older value after compaction",
                "keys have older values after compaction",
            ),
            Self::Phantom => (
                "phantom",
                "record is in the log that was never sent",
                "records are in the log that were never sent",
            ),
            Self::PipelinePhantom => ("pipeline-phantom", "output has no input", "outputs have no input"),
            Self::Duplicate => (
                "duplicate",
                "record is in the log more than once",
                "records are in the log more than once",
            ),
            Self::RedeliveryOutsideWindow => (
                "redelivery-outside-window",
                "record was delivered again without a reason",
                "records were delivered again without a reason",
            ),
            Self::PipelineDuplicate => (
                "pipeline-duplicate",
                "input has its output more than once",
                "inputs have their outputs more than once",
            ),
            Self::OutputsWithoutOffsets => (
                "outputs-without-offsets",
                "commit of outputs lacks its inputs",
                "commits of outputs lack their inputs",
            ),
            Self::CommitRegression => (
                "commit-regression",
                "committed offset went back",
                "committed offsets went back",
            ),
            Self::NonmonotonicPoll => (
                "nonmonotonic-poll",
                "reader went back",
                "times a reader went back",
            ),
            Self::IntNonmonotonicPoll => (
                "int-nonmonotonic-poll",
                "operation read backwards",
                "operations read backwards",
            ),
            Self::NonmonotonicSend => (
                "nonmonotonic-send",
                "record stands behind a later one of the same producer",
                "records stand behind later ones of the same producer",
            ),
            Self::IntNonmonotonicSend => (
                "int-nonmonotonic-send",
                "operation wrote its records in another order",
                "operations wrote their records in another order",
            ),
            Self::PipelineReorder => (
                "pipeline-reorder",
                "output stands behind a later one of its key",
                "outputs stand behind later ones of their key",
            ),
            Self::KeyMoved => (
                "key-moved",
                "key is in more than one partition",
                "keys are in more than one partition",
            ),
            Self::WriteCycle => (
                "write-cycle",
                "circle of transactions in the order of writes",
                "circles of transactions in the order of writes",
            ),
            Self::IntSendSkip => (
                "int-send-skip",
                "operation has records of others between its own",
                "operations have records of others between their own",
            ),
            Self::ClientMisclassification => (
                "client-misclassification",
                "record that the client reported as failed is in the log",
                "records that the client reported as failed are in the log",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_the_anomaly() {
        for anomaly in Anomaly::ALL {
            assert_eq!(Anomaly::named(anomaly.name()), Some(anomaly));
        }
        assert_eq!(Anomaly::named("loss"), None);
    }

    #[test]
    fn all_are_there_once_gravest_first() {
        assert!(Anomaly::ALL.is_sorted());
        assert!(Anomaly::ALL.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
