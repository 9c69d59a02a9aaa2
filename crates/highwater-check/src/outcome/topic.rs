//! CreateTopics and DeleteRecords.

use super::{Api, Applied, Row, error};

const CONTROLLER: &str = "ReplicationControlManager.createTopics";
const DELETES: &str = "ReplicaManager.deleteRecordsOnLocalLog";
const WAITS: &str = "DelayedDeleteRecords.tryComplete";

const fn not_made(code: i16, name: &'static str, reason: &'static str) -> Row {
    error(Api::CreateTopics, code, name, Applied::Failed, reason, CONTROLLER)
}

const fn deletion(
    code: i16,
    name: &'static str,
    applied: Applied,
    reason: &'static str,
    source: &'static str,
) -> Row {
    error(Api::DeleteRecords, code, name, applied, reason, source)
}

pub(super) const ROWS: &[Row] = &[
    error(
        Api::CreateTopics,
        36,
        "TOPIC_ALREADY_EXISTS",
        Applied::Unknown,
        "there before; or made by this request, which the broker sent to the controller a second time",
        "NodeToControllerChannelManagerImpl",
    )
    .provoked(),
    error(
        Api::CreateTopics,
        7,
        "REQUEST_TIMED_OUT",
        Applied::Unknown,
        "the controller may have decided, or may still decide",
        "QuorumController",
    ),
    error(
        Api::CreateTopics,
        41,
        "NOT_CONTROLLER",
        Applied::Unknown,
        "refused, or the controller lost its office before its decision was copied, and the next one may have it",
        "QuorumController",
    ),
    not_made(17, "INVALID_TOPIC_EXCEPTION", "no topic can have this name").provoked(),
    not_made(37, "INVALID_PARTITIONS", "no such number of partitions").provoked(),
    not_made(38, "INVALID_REPLICATION_FACTOR", "more replicas than brokers").provoked(),
    not_made(
        39,
        "INVALID_REPLICA_ASSIGNMENT",
        "brokers that are not there, or named twice",
    ),
    not_made(40, "INVALID_CONFIG", "a setting that topics do not have").provoked(),
    not_made(44, "POLICY_VIOLATION", "a policy of the cluster forbids it"),
    not_made(
        89,
        "THROTTLING_QUOTA_EXCEEDED",
        "too many for the quota (KIP-599)",
    ),
    deletion(
        7,
        "REQUEST_TIMED_OUT",
        Applied::Unknown,
        "the leader has deleted, the other replicas were not in time",
        WAITS,
    ),
    deletion(
        6,
        "NOT_LEADER_OR_FOLLOWER",
        Applied::Unknown,
        "refused, or the leadership moved while the replicas were waited for",
        WAITS,
    )
    .provoked(),
    deletion(
        3,
        "UNKNOWN_TOPIC_OR_PARTITION",
        Applied::Unknown,
        "not there, or deleted while the replicas were waited for",
        WAITS,
    ),
    deletion(
        56,
        "KAFKA_STORAGE_ERROR",
        Applied::Unknown,
        "the disk failed before or after",
        "KIP-112",
    ),
    deletion(
        1,
        "OFFSET_OUT_OF_RANGE",
        Applied::Failed,
        "above the high watermark, or negative",
        DELETES,
    )
    .provoked(),
    deletion(
        44,
        "POLICY_VIOLATION",
        Applied::Failed,
        "a topic that is only compacted keeps its front",
        DELETES,
    )
    .provoked(),
    deletion(
        17,
        "INVALID_TOPIC_EXCEPTION",
        Applied::Failed,
        "an internal topic keeps its front",
        DELETES,
    ),
];
