//! InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn and EndTxn: has the transaction taken the step?
//!
//! The coordinator writes each step to its log with all replicas before it answers. A step that was written while the
//! coordinator lost its partition is answered with an error, and the next coordinator reads it.

use super::{Api, Applied, Row, error};

const LOG: &str = "TransactionStateManager.appendTransactionToLog";
const STEP: &str = "TransactionCoordinator";

const fn refused(api: Api, code: i16, name: &'static str, reason: &'static str) -> Row {
    error(api, code, name, Applied::Failed, reason, STEP)
}

const fn unavailable(api: Api) -> Row {
    error(
        api,
        15,
        "COORDINATOR_NOT_AVAILABLE",
        Applied::Unknown,
        "written, and not copied in time; or refused with too few in-sync replicas",
        LOG,
    )
}

const fn elsewhere(api: Api) -> Row {
    error(
        api,
        16,
        "NOT_COORDINATOR",
        Applied::Unknown,
        "refused by another node, or the coordinator moved after the step was written",
        LOG,
    )
}

const fn loading(api: Api) -> Row {
    error(
        api,
        14,
        "COORDINATOR_LOAD_IN_PROGRESS",
        Applied::Unknown,
        "refused, or loading began after the step was written",
        LOG,
    )
}

pub(super) const ROWS: &[Row] = &[
    unavailable(Api::EndTxn),
    elsewhere(Api::EndTxn).provoked(),
    loading(Api::EndTxn),
    error(
        Api::EndTxn,
        51,
        "CONCURRENT_TRANSACTIONS",
        Applied::Unknown,
        "an attempt before is decided and its markers are not written yet, or another step is in work",
        "TransactionCoordinator.endTransaction",
    ),
    refused(
        Api::EndTxn,
        48,
        "INVALID_TXN_STATE",
        "there is no open transaction, or it has ended the other way",
    )
    .provoked(),
    refused(
        Api::EndTxn,
        90,
        "PRODUCER_FENCED",
        "of an older epoch; with version 2 so is a late attempt whose first one was applied",
    )
    .provoked(),
    refused(Api::EndTxn, 47, "INVALID_PRODUCER_EPOCH", "as PRODUCER_FENCED, below version 2"),
    refused(
        Api::EndTxn,
        49,
        "INVALID_PRODUCER_ID_MAPPING",
        "the transactional id is unknown or has another producer",
    )
    .provoked(),
    unavailable(Api::InitProducerId),
    elsewhere(Api::InitProducerId).provoked(),
    loading(Api::InitProducerId),
    error(
        Api::InitProducerId,
        51,
        "CONCURRENT_TRANSACTIONS",
        Applied::Unknown,
        "no epoch is given, but the open transaction is being aborted and its producer fenced; or another step is in work",
        "TransactionCoordinator.handleInitProducerId",
    )
    .provoked(),
    refused(
        Api::InitProducerId,
        90,
        "PRODUCER_FENCED",
        "somebody else has a newer epoch (KIP-360)",
    )
    .provoked(),
    refused(
        Api::InitProducerId,
        47,
        "INVALID_PRODUCER_EPOCH",
        "as PRODUCER_FENCED, below version 4",
    ),
    refused(
        Api::InitProducerId,
        50,
        "INVALID_TRANSACTION_TIMEOUT",
        "longer than the broker allows",
    )
    .provoked(),
    unavailable(Api::AddPartitionsToTxn),
    elsewhere(Api::AddPartitionsToTxn),
    loading(Api::AddPartitionsToTxn),
    refused(
        Api::AddPartitionsToTxn,
        51,
        "CONCURRENT_TRANSACTIONS",
        "the transaction before it is not complete, or another step is in work",
    ),
    refused(Api::AddPartitionsToTxn, 90, "PRODUCER_FENCED", "of an older epoch").provoked(),
    refused(
        Api::AddPartitionsToTxn,
        47,
        "INVALID_PRODUCER_EPOCH",
        "as PRODUCER_FENCED, below version 2",
    ),
    refused(
        Api::AddPartitionsToTxn,
        49,
        "INVALID_PRODUCER_ID_MAPPING",
        "the transactional id is unknown or has another producer",
    ),
    refused(
        Api::AddPartitionsToTxn,
        3,
        "UNKNOWN_TOPIC_OR_PARTITION",
        "topics are looked up before the coordinator is asked",
    )
    .provoked(),
    refused(
        Api::AddPartitionsToTxn,
        55,
        "OPERATION_NOT_ATTEMPTED",
        "another partition of the request was refused, so none was added",
    )
    .provoked(),
    refused(
        Api::AddPartitionsToTxn,
        120,
        "TRANSACTION_ABORTABLE",
        "asked by a broker whether it is in, and it is not",
    ),
    unavailable(Api::AddOffsetsToTxn),
    elsewhere(Api::AddOffsetsToTxn),
    loading(Api::AddOffsetsToTxn),
    refused(
        Api::AddOffsetsToTxn,
        51,
        "CONCURRENT_TRANSACTIONS",
        "the transaction before it is not complete, or another step is in work",
    ),
    refused(Api::AddOffsetsToTxn, 90, "PRODUCER_FENCED", "of an older epoch"),
    refused(
        Api::AddOffsetsToTxn,
        47,
        "INVALID_PRODUCER_EPOCH",
        "as PRODUCER_FENCED, below version 2",
    ),
    refused(
        Api::AddOffsetsToTxn,
        49,
        "INVALID_PRODUCER_ID_MAPPING",
        "the transactional id is unknown or has another producer",
    ),
];
