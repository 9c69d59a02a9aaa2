//! Produce: are the records in the log?
//!
//! With `acks=all` a batch is appended first and waited for afterwards; whatever ends the wait is answered although
//! the leader has the batch, and a new leader may have it too.

use super::{Api, Applied, Row, error};

const WAITS: &str = "DelayedProduce.tryComplete";

const fn refused(code: i16, name: &'static str, reason: &'static str, source: &'static str) -> Row {
    error(Api::Produce, code, name, Applied::Failed, reason, source)
}

const fn unknown(code: i16, name: &'static str, reason: &'static str, source: &'static str) -> Row {
    error(Api::Produce, code, name, Applied::Unknown, reason, source)
}

pub(super) const ROWS: &[Row] = &[
    unknown(
        7,
        "REQUEST_TIMED_OUT",
        "the leader has it, the other replicas were not in time",
        WAITS,
    )
    .provoked(),
    unknown(
        20,
        "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
        "written, and then the in-sync replicas became too few",
        "Partition.checkEnoughReplicasReachOffset",
    ),
    refused(
        19,
        "NOT_ENOUGH_REPLICAS",
        "the in-sync replicas are counted before the append; a transaction that could not be verified is told so too",
        "Partition.appendRecordsToLeader, KIP-890",
    )
    .provoked(),
    unknown(
        6,
        "NOT_LEADER_OR_FOLLOWER",
        "refused by a broker that does not lead, or the leadership moved while the replicas were waited for",
        WAITS,
    )
    .provoked(),
    refused(
        6,
        "NOT_LEADER_OR_FOLLOWER",
        "with acks=1 nothing is waited for after the append, so nothing was appended",
        "ReplicaManager.delayedProduceRequestRequired",
    )
    .with_acks(1)
    .provoked(),
    unknown(
        3,
        "UNKNOWN_TOPIC_OR_PARTITION",
        "not there, or deleted while the replicas were waited for",
        WAITS,
    ),
    refused(
        3,
        "UNKNOWN_TOPIC_OR_PARTITION",
        "with acks=1 nothing is waited for after the append, so nothing was appended",
        "ReplicaManager.delayedProduceRequestRequired",
    )
    .with_acks(1)
    .provoked(),
    refused(100, "UNKNOWN_TOPIC_ID", "the name of the topic is looked up first", "KIP-516"),
    unknown(
        56,
        "KAFKA_STORAGE_ERROR",
        "the disk failed before, during or after the append",
        "KIP-112",
    ),
    error(
        Api::Produce,
        46,
        "DUPLICATE_SEQUENCE_NUMBER",
        Applied::Ok,
        "an attempt before was written; clients take it for success, without an offset",
        "Sender.completeBatch",
    ),
    refused(
        45,
        "OUT_OF_ORDER_SEQUENCE_NUMBER",
        "this request is not written; an attempt that is more than five batches old is answered so as well",
        "ProducerAppendInfo.checkSequence, KAFKA-5494",
    )
    .provoked(),
    refused(
        47,
        "INVALID_PRODUCER_EPOCH",
        "an older epoch than the one that has written or been fenced",
        "ProducerAppendInfo.checkProducerEpoch",
    )
    .provoked(),
    refused(90, "PRODUCER_FENCED", "the transaction was verified before the append", "KIP-890"),
    refused(
        59,
        "UNKNOWN_PRODUCER_ID",
        "the broker has forgotten the producer and writes nothing of it",
        "KIP-360",
    ),
    refused(
        48,
        "INVALID_TXN_STATE",
        "the partition is in no open transaction of the producer",
        "KIP-890",
    )
    .provoked(),
    refused(
        120,
        "TRANSACTION_ABORTABLE",
        "the partition is in no open transaction of the producer",
        "KIP-890",
    ),
    refused(
        49,
        "INVALID_PRODUCER_ID_MAPPING",
        "the transactional id has another producer",
        "KIP-890",
    ),
    refused(
        51,
        "CONCURRENT_TRANSACTIONS",
        "the transaction before it is not complete; looked at before the append",
        "KIP-890",
    ),
    refused(
        10,
        "MESSAGE_TOO_LARGE",
        "its size is looked at before the append",
        "UnifiedLog.append",
    )
    .provoked(),
    refused(
        18,
        "RECORD_LIST_TOO_LARGE",
        "larger than a segment may be",
        "UnifiedLog.append",
    ),
    refused(
        2,
        "CORRUPT_MESSAGE",
        "its checksum is looked at before the append",
        "UnifiedLog.analyzeAndValidateRecords",
    )
    .provoked(),
    refused(
        87,
        "INVALID_RECORD",
        "its content is looked at before the append",
        "LogValidator, KIP-467",
    )
    .provoked(),
    refused(
        32,
        "INVALID_TIMESTAMP",
        "its time is looked at before the append",
        "LogValidator, KIP-937",
    )
    .provoked(),
    refused(
        43,
        "UNSUPPORTED_FOR_MESSAGE_FORMAT",
        "the format of the log can't hold it",
        "LogValidator",
    ),
    refused(
        76,
        "UNSUPPORTED_COMPRESSION_TYPE",
        "its codec is looked at before the append",
        "KIP-110",
    ),
    refused(
        17,
        "INVALID_TOPIC_EXCEPTION",
        "an internal topic, or a name that no topic can have",
        "ReplicaManager.appendToLocalLog",
    ),
    refused(
        21,
        "INVALID_REQUIRED_ACKS",
        "acks is looked at first",
        "ReplicaManager.appendRecords",
    )
    .provoked(),
    refused(44, "POLICY_VIOLATION", "refused before the append", "KIP-108"),
];
