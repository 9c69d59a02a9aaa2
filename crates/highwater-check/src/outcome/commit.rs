//! OffsetCommit and TxnOffsetCommit: are the offsets there?
//!
//! The coordinator checks, applies to its memory, appends, and answers when the replicas have it. What ends that wait
//! is told in the errors of coordinators.

use super::{Api, Applied, Row, error};

const CHECKS: &str = "OffsetMetadataManager";
const SERVICE: &str = "CoordinatorOperationExceptionHelper, KIP-848";

const fn refused(api: Api, code: i16, name: &'static str, reason: &'static str, source: &'static str) -> Row {
    error(api, code, name, Applied::Failed, reason, source)
}

/// What both have.
const fn both(api: Api) -> [Row; 11] {
    [
        error(
            api,
            15,
            "COORDINATOR_NOT_AVAILABLE",
            Applied::Unknown,
            "appended, and not copied in time; or refused with too few in-sync replicas",
            SERVICE,
        ),
        error(
            api,
            16,
            "NOT_COORDINATOR",
            Applied::Unknown,
            "refused by another node, or the coordinator moved while the replicas were waited for",
            "CoordinatorRuntime",
        )
        .provoked(),
        error(
            api,
            7,
            "REQUEST_TIMED_OUT",
            Applied::Unknown,
            "appended, and not copied in time",
            SERVICE,
        ),
        refused(
            api,
            14,
            "COORDINATOR_LOAD_IN_PROGRESS",
            "it does not write before it has read its log; so is an unverified transaction answered",
            "CoordinatorRuntime",
        ),
        refused(
            api,
            22,
            "ILLEGAL_GENERATION",
            "of another generation of the group",
            CHECKS,
        ),
        refused(
            api,
            25,
            "UNKNOWN_MEMBER_ID",
            "of somebody who is not in the group",
            CHECKS,
        ),
        refused(
            api,
            82,
            "FENCED_INSTANCE_ID",
            "of a static member that was replaced",
            "KIP-345",
        ),
        refused(
            api,
            113,
            "STALE_MEMBER_EPOCH",
            "of an older epoch of the member",
            "KIP-848",
        ),
        refused(
            api,
            12,
            "OFFSET_METADATA_TOO_LARGE",
            "looked at before the append",
            CHECKS,
        ),
        refused(api, 24, "INVALID_GROUP_ID", "looked at first", CHECKS),
        refused(
            api,
            3,
            "UNKNOWN_TOPIC_OR_PARTITION",
            "topics are looked up before the coordinator is asked",
            "KafkaApis",
        ),
    ]
}

const OFFSET_COMMIT: [Row; 11] = both(Api::OffsetCommit);
const TXN_OFFSET_COMMIT: [Row; 11] = both(Api::TxnOffsetCommit);

pub(super) const ROWS: &[Row] = &[
    OFFSET_COMMIT[0],
    OFFSET_COMMIT[1],
    OFFSET_COMMIT[2],
    OFFSET_COMMIT[3],
    OFFSET_COMMIT[4].provoked(),
    OFFSET_COMMIT[5],
    OFFSET_COMMIT[6],
    OFFSET_COMMIT[7],
    OFFSET_COMMIT[8].provoked(),
    OFFSET_COMMIT[9],
    OFFSET_COMMIT[10].provoked(),
    refused(
        Api::OffsetCommit,
        27,
        "REBALANCE_IN_PROGRESS",
        "the group is between two generations",
        CHECKS,
    ),
    refused(
        Api::OffsetCommit,
        69,
        "GROUP_ID_NOT_FOUND",
        "there is no such group, and this commit does not make one",
        "KIP-848",
    ),
    refused(
        Api::OffsetCommit,
        28,
        "INVALID_COMMIT_OFFSET_SIZE",
        "too large for the log of the coordinator",
        SERVICE,
    ),
    TXN_OFFSET_COMMIT[0],
    TXN_OFFSET_COMMIT[1],
    TXN_OFFSET_COMMIT[2],
    TXN_OFFSET_COMMIT[3],
    TXN_OFFSET_COMMIT[4],
    TXN_OFFSET_COMMIT[5],
    TXN_OFFSET_COMMIT[6],
    TXN_OFFSET_COMMIT[7],
    TXN_OFFSET_COMMIT[8],
    TXN_OFFSET_COMMIT[9],
    TXN_OFFSET_COMMIT[10],
    refused(
        Api::TxnOffsetCommit,
        47,
        "INVALID_PRODUCER_EPOCH",
        "of an older epoch of the producer",
        "ProducerAppendInfo.checkProducerEpoch",
    ),
    refused(
        Api::TxnOffsetCommit,
        49,
        "INVALID_PRODUCER_ID_MAPPING",
        "the transactional id has another producer",
        "KIP-890",
    ),
    refused(
        Api::TxnOffsetCommit,
        48,
        "INVALID_TXN_STATE",
        "the group is in no open transaction of the producer",
        "KIP-890",
    ),
    refused(
        Api::TxnOffsetCommit,
        120,
        "TRANSACTION_ABORTABLE",
        "the group is in no open transaction of the producer",
        "KIP-890",
    ),
    refused(
        Api::TxnOffsetCommit,
        51,
        "CONCURRENT_TRANSACTIONS",
        "the transaction before it is not complete; looked at before the append",
        "KIP-890",
    ),
];
