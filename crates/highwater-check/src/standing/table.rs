//! The rows, gravest first, as the anomalies themselves.

use super::{Promise, Row};
use crate::Anomaly;
use crate::Anomaly as A;

const EVERYTHING_PROCESSED: &str = "every record is processed";
const LEFT_OUT: &str = "a record to be left out";
const DONE_WITH_OUTPUTS: &str = "an input counts as done only when its outputs are written";
const DONE_BEFORE_OUTPUTS: &str = "an input to count as done before its outputs are written";
const NOT_PROCESSED_TWICE: &str = "no record is processed twice";
const PROCESSED_AGAIN: &str = "records to be processed again after a failure";
const NOT_READ_TWICE: &str = "a reader does not get a record twice";
const READ_AGAIN: &str = "a reader to get records again";
const NAMED_OFFSET: &str = "an acknowledgement promises the offset it names, under every contract";
const WHOLE_TRANSACTIONS: &str =
    "read_committed promises whole, committed transactions, under every contract";
const ORDER_IN_PARTITION: &str =
    "ordered-per-partition promises that records of one producer keep their order in a partition";
const INTERLEAVING: &str =
    "Kafka promises nothing about how the writes of two transactions interleave; counted";

const BEFORE_STORED: &str = "records acknowledged before they were stored (acks=0 or 1) when a broker died";
const COMMITTED_UNDONE: &str = "records between the processed and the committed offset at a failure";
const IN_FLIGHT: &str =
    "batches in flight when an answer was lost: what a producer without idempotence retries";
const SINCE_COMMIT: &str =
    "records since the last commit at a failure or a rebalance; more is redelivery-outside-window";

const fn missing(
    anomaly: Anomaly,
    promised: &'static str,
    allowed: &'static str,
    bounded_by: &'static str,
) -> Row {
    Row {
        anomaly,
        promise: Promise::Everything,
        acknowledged: false,
        promised,
        allowed,
        bounded_by,
    }
}

const fn again(
    anomaly: Anomaly,
    promised: &'static str,
    allowed: &'static str,
    bounded_by: &'static str,
) -> Row {
    Row {
        promise: Promise::Once,
        ..missing(anomaly, promised, allowed, bounded_by)
    }
}

const fn always(anomaly: Anomaly, promised: &'static str) -> Row {
    Row {
        promise: Promise::Always,
        ..missing(anomaly, promised, "", "")
    }
}

const fn acknowledged(row: Row) -> Row {
    Row {
        acknowledged: true,
        ..row
    }
}

const fn order(
    anomaly: Anomaly,
    promise: Promise,
    promised: &'static str,
    not_promised: &'static str,
) -> Row {
    Row {
        promise,
        ..missing(anomaly, promised, not_promised, "")
    }
}

const fn nobody_promised(anomaly: Anomaly, why: &'static str) -> Row {
    Row {
        promise: Promise::Nothing,
        ..missing(anomaly, why, "", "")
    }
}

static ROWS: [Row; Anomaly::ALL.len()] = [
    acknowledged(missing(
        A::LostWrite,
        "an acknowledged record can be read",
        "an acknowledged record to be missing",
        BEFORE_STORED,
    )),
    missing(A::PipelineLoss, EVERYTHING_PROCESSED, LEFT_OUT, COMMITTED_UNDONE),
    missing(A::GroupSkip, EVERYTHING_PROCESSED, LEFT_OUT, COMMITTED_UNDONE),
    missing(
        A::OffsetsWithoutOutputs,
        DONE_WITH_OUTPUTS,
        DONE_BEFORE_OUTPUTS,
        COMMITTED_UNDONE,
    ),
    missing(
        A::CommitAhead,
        DONE_WITH_OUTPUTS,
        DONE_BEFORE_OUTPUTS,
        "what a member had been handed and not yet finished when it committed",
    ),
    missing(A::PollSkip, EVERYTHING_PROCESSED, LEFT_OUT, COMMITTED_UNDONE),
    missing(A::IntPollSkip, EVERYTHING_PROCESSED, LEFT_OUT, COMMITTED_UNDONE),
    acknowledged(always(
        A::CorruptPayload,
        "every contract promises that a record is read as it was sent",
    )),
    acknowledged(always(A::InconsistentOffsets, NAMED_OFFSET)),
    acknowledged(always(A::ReusedOffset, NAMED_OFFSET)),
    always(A::AbortedRead, WHOLE_TRANSACTIONS),
    acknowledged(always(
        A::TornTransaction,
        "a transaction ends the same way in all of its partitions, under every contract",
    )),
    always(A::PrecommittedRead, WHOLE_TRANSACTIONS),
    missing(
        A::FracturedRead,
        "a reader that goes past a committed transaction sees all of it",
        "a reader to leave out part of a transaction",
        COMMITTED_UNDONE,
    ),
    always(A::InformationCycle, WHOLE_TRANSACTIONS),
    always(
        A::FencingViolation,
        "the cluster promises that an old epoch or generation is refused, under every contract",
    ),
    always(
        A::HangingTransaction,
        "a transaction ends at the latest with its timeout; until then committed readers stand still",
    ),
    always(
        A::DualOwnership,
        "a group promises one owner for each partition and generation",
    ),
    always(A::LeaderEpochRegression, "leader epochs only go up in a log"),
    acknowledged(always(
        A::StaleCompaction,
        "compaction promises to keep the newest value of every key",
    )),
    always(
        A::Phantom,
        "the topic belongs to this run, and no contract allows records that nobody sent",
    ),
    always(
        A::PipelinePhantom,
        "no contract allows outputs that no input asked for",
    ),
    again(
        A::Duplicate,
        "no record is in the log twice",
        "a retry to write a record again",
        IN_FLIGHT,
    ),
    always(
        A::RedeliveryOutsideWindow,
        "records may come again only after a failure or a rebalance, and only since the last commit",
    ),
    again(
        A::PipelineDuplicate,
        NOT_PROCESSED_TWICE,
        PROCESSED_AGAIN,
        SINCE_COMMIT,
    ),
    again(
        A::OutputsWithoutOffsets,
        NOT_PROCESSED_TWICE,
        PROCESSED_AGAIN,
        "one commit interval of a member at a failure",
    ),
    again(
        A::CommitRegression,
        NOT_PROCESSED_TWICE,
        PROCESSED_AGAIN,
        "what two members had committed around a rebalance",
    ),
    again(A::NonmonotonicPoll, NOT_READ_TWICE, READ_AGAIN, SINCE_COMMIT),
    again(A::IntNonmonotonicPoll, NOT_READ_TWICE, READ_AGAIN, SINCE_COMMIT),
    order(
        A::NonmonotonicSend,
        Promise::OrderInPartition,
        ORDER_IN_PARTITION,
        "order",
    ),
    order(
        A::IntNonmonotonicSend,
        Promise::OrderInPartition,
        ORDER_IN_PARTITION,
        "order",
    ),
    order(
        A::PipelineReorder,
        Promise::OrderOfKeys,
        "the contract promises that outputs keep the order of their inputs",
        "order",
    ),
    order(
        A::KeyMoved,
        Promise::PlaceOfKeys,
        "ordered-per-key promises that a key stays in one partition",
        "order",
    ),
    nobody_promised(A::WriteCycle, INTERLEAVING),
    nobody_promised(A::IntSendSkip, INTERLEAVING),
    nobody_promised(
        A::ClientMisclassification,
        "the cluster kept the record; the client was wrong to report it as certainly not written",
    ),
];

#[cfg(test)]
pub(super) fn rows() -> &'static [Row] {
    &ROWS
}

/// The row of an anomaly: rows stand in the order of the anomalies, which a test sees to.
pub(super) fn row(anomaly: Anomaly) -> &'static Row {
    &ROWS[anomaly as usize]
}
