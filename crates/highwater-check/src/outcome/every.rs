//! What means the same whatever was asked.

use super::{Applied, Row, Signal};

const fn row(
    signal: Signal,
    name: &'static str,
    applied: Applied,
    reason: &'static str,
    source: &'static str,
) -> Row {
    Row {
        api: None,
        signal,
        name,
        acks: None,
        applied,
        reason,
        source,
        provoked: false,
    }
}

pub(super) const ROWS: &[Row] = &[
    row(
        Signal::Error(0),
        "NONE",
        Applied::Ok,
        "applied as asked; of a Produce this may be the second answer to a batch that was written once",
        "KIP-98",
    )
    .provoked(),
    row(
        Signal::Timeout,
        "timeout",
        Applied::Unknown,
        "the request may be on its way, in work, or done",
        "KIP-91",
    ),
    row(
        Signal::Disconnect,
        "disconnect",
        Applied::Unknown,
        "a broker goes on with a request whose connection ended",
        "KIP-91",
    )
    .provoked(),
    row(
        Signal::NoAnswer,
        "no answer",
        Applied::Unknown,
        "with acks=0 nothing is answered, also when nothing is written",
        "ProducerConfig (acks)",
    )
    .provoked(),
    row(
        Signal::Error(-1),
        "UNKNOWN_SERVER_ERROR",
        Applied::Unknown,
        "something that the broker did not expect, at whatever point",
        "Errors",
    ),
    row(
        Signal::Error(13),
        "NETWORK_EXCEPTION",
        Applied::Unknown,
        "made by the client when the connection ended",
        "NetworkClient",
    ),
    row(
        Signal::Error(35),
        "UNSUPPORTED_VERSION",
        Applied::Failed,
        "not understood, so not begun",
        "KIP-35",
    ),
    row(
        Signal::Error(42),
        "INVALID_REQUEST",
        Applied::Failed,
        "refused by its form, before anything else",
        "KafkaApis",
    ),
    row(
        Signal::Error(31),
        "CLUSTER_AUTHORIZATION_FAILED",
        Applied::Failed,
        "permissions are looked at first",
        "KafkaApis",
    ),
    row(
        Signal::Error(29),
        "TOPIC_AUTHORIZATION_FAILED",
        Applied::Failed,
        "permissions are looked at first",
        "KafkaApis",
    ),
    row(
        Signal::Error(30),
        "GROUP_AUTHORIZATION_FAILED",
        Applied::Failed,
        "permissions are looked at first",
        "KafkaApis",
    ),
    row(
        Signal::Error(53),
        "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
        Applied::Failed,
        "permissions are looked at first",
        "KafkaApis",
    ),
];
