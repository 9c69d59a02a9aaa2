//! What a delivery error of the client means for the record.
//!
//! Invariant: [`Outcome::Failed`] is said only where the record certainly is not in the log. Whatever may have
//! reached a broker is [`Outcome::Unknown`]: a request that timed out, or whose connection broke, may have been
//! appended, and the error that ends its retries tells of the last attempt only, not of the ones before (the
//! ambiguity that KAFKA-13574 and KIP-691 describe). An error that a broker sends before it appends, and that no
//! retry can change, is certain: every attempt would have met it.
//!
//! A record purged from the client's queue is unknown too: librdkafka puts batches whose connection broke back
//! into the queue, and purges them from there under the same name as records that never left the process.

use highwater_model::Outcome;
use rdkafka::error::RDKafkaErrorCode;

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Certainty {
    /// The client's error.
    pub error: RDKafkaErrorCode,
    /// What it means for the record.
    pub outcome: Outcome,
    /// Why, for people.
    pub reason: &'static str,
}

/// The errors with a meaning that is known; every other one means [`Outcome::Unknown`].
pub const TABLE: &[Certainty] = &[
    failed(
        RDKafkaErrorCode::MessageSizeTooLarge,
        "larger than the client or the topic allows",
    ),
    failed(
        RDKafkaErrorCode::InvalidMessageSize,
        "the broker refused its size",
    ),
    failed(
        RDKafkaErrorCode::MessageBatchTooLarge,
        "its batch is larger than a segment",
    ),
    failed(RDKafkaErrorCode::InvalidRecord, "the broker refused its content"),
    failed(
        RDKafkaErrorCode::InvalidTimestamp,
        "the broker refused its timestamp",
    ),
    failed(
        RDKafkaErrorCode::UnsupportedCompressionType,
        "the broker does not know its codec",
    ),
    failed(
        RDKafkaErrorCode::UnsupportedForMessageFormat,
        "the topic's format can't hold it",
    ),
    failed(
        RDKafkaErrorCode::PolicyViolation,
        "a policy of the broker forbids it",
    ),
    failed(RDKafkaErrorCode::InvalidTopic, "the topic can't be written to"),
    failed(
        RDKafkaErrorCode::InvalidRequiredAcks,
        "the broker does not know this kind of acks",
    ),
    failed(
        RDKafkaErrorCode::TopicAuthorizationFailed,
        "no permission to write to the topic",
    ),
    failed(
        RDKafkaErrorCode::ClusterAuthorizationFailed,
        "no permission to write to the cluster",
    ),
    failed(RDKafkaErrorCode::QueueFull, "the client's queue had no room"),
    unknown(
        RDKafkaErrorCode::UnknownTopic,
        "the topic is gone; an attempt may have been written before",
    ),
    unknown(
        RDKafkaErrorCode::UnknownPartition,
        "the partition is gone; an attempt may have been written before",
    ),
    unknown(
        RDKafkaErrorCode::UnknownTopicOrPartition,
        "a broker that starts knows no topic yet; an attempt may have been written before",
    ),
    unknown(
        RDKafkaErrorCode::MessageTimedOut,
        "not acknowledged in time; an attempt may have been written",
    ),
    unknown(
        RDKafkaErrorCode::RequestTimedOut,
        "the replicas were not in time; the leader has it",
    ),
    unknown(
        RDKafkaErrorCode::OperationTimedOut,
        "the broker did not answer in time",
    ),
    unknown(
        RDKafkaErrorCode::BrokerTransportFailure,
        "the connection broke before the answer",
    ),
    unknown(
        RDKafkaErrorCode::AllBrokersDown,
        "no broker could be reached; an attempt may have been written",
    ),
    unknown(
        RDKafkaErrorCode::NotEnoughReplicas,
        "refused for now; an attempt before may have been written",
    ),
    unknown(
        RDKafkaErrorCode::NotEnoughReplicasAfterAppend,
        "written, but not to enough replicas",
    ),
    unknown(
        RDKafkaErrorCode::NotLeaderForPartition,
        "the leader moved; an attempt may have been written",
    ),
    unknown(
        RDKafkaErrorCode::OutOfOrderSequenceNumber,
        "the broker missed a record or forgot one",
    ),
    unknown(
        RDKafkaErrorCode::UnknownProducerId,
        "the broker forgot the producer",
    ),
    unknown(
        RDKafkaErrorCode::InvalidProducerEpoch,
        "fenced; an attempt may have been written",
    ),
    unknown(
        RDKafkaErrorCode::Fatal,
        "the client gave up; an attempt may have been written",
    ),
    unknown(
        RDKafkaErrorCode::PurgeQueue,
        "given up while queued; an attempt may have been written",
    ),
    unknown(RDKafkaErrorCode::PurgeInflight, "given up while in flight"),
];

const fn failed(error: RDKafkaErrorCode, reason: &'static str) -> Certainty {
    Certainty {
        error,
        outcome: Outcome::Failed,
        reason,
    }
}

const fn unknown(error: RDKafkaErrorCode, reason: &'static str) -> Certainty {
    Certainty {
        error,
        outcome: Outcome::Unknown,
        reason,
    }
}

/// What a delivery error means for the record.
#[must_use]
pub fn of_delivery_error(error: RDKafkaErrorCode) -> Outcome {
    TABLE
        .iter()
        .find(|line| line.error == error)
        .map_or(Outcome::Unknown, |line| line.outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certain_errors_mean_failed() {
        let cases = [
            (RDKafkaErrorCode::MessageSizeTooLarge, Outcome::Failed),
            (RDKafkaErrorCode::TopicAuthorizationFailed, Outcome::Failed),
            (RDKafkaErrorCode::InvalidRecord, Outcome::Failed),
            (RDKafkaErrorCode::MessageTimedOut, Outcome::Unknown),
            (RDKafkaErrorCode::PurgeQueue, Outcome::Unknown),
            (RDKafkaErrorCode::PurgeInflight, Outcome::Unknown),
            (RDKafkaErrorCode::BrokerTransportFailure, Outcome::Unknown),
            (RDKafkaErrorCode::NotEnoughReplicasAfterAppend, Outcome::Unknown),
            // Not in the table.
            (RDKafkaErrorCode::KafkaStorageError, Outcome::Unknown),
        ];
        for (error, outcome) in cases {
            assert_eq!(of_delivery_error(error), outcome, "{error:?}");
        }
    }

    #[test]
    fn the_table_names_each_error_once_and_never_says_acknowledged() {
        for (place, line) in TABLE.iter().enumerate() {
            assert!(
                TABLE[..place].iter().all(|before| before.error != line.error),
                "{line:?}"
            );
            assert!(
                matches!(line.outcome, Outcome::Failed | Outcome::Unknown),
                "{line:?}"
            );
        }
    }
}
