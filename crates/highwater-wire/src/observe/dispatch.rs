//! Which family looks at which API.

use bytes::Bytes;
use highwater_model::history::{RequestFacts, ResponseFacts};
use kafka_protocol::messages::{ApiKey, ResponseHeader};
use kafka_protocol::protocol::Request;

use super::{
    Depth, TopicNames, commit, consumer_group, coordinator, fetch, list_offsets, membership, offset_fetch,
    produce, sasl, share, transaction,
};
use crate::bounded;
use crate::error::WireError;
use crate::frame::RequestHeader;

/// Whether a history looks into requests or answers of this API. Of the others [`request`] and [`response`]
/// say `Other` without touching the bytes.
pub fn needed(api_key: i16) -> bool {
    ApiKey::try_from(api_key).is_ok_and(|api| {
        matches!(
            api,
            ApiKey::Produce
                | ApiKey::Fetch
                | ApiKey::ListOffsets
                | ApiKey::Metadata
                | ApiKey::OffsetCommit
                | ApiKey::OffsetFetch
                | ApiKey::FindCoordinator
                | ApiKey::JoinGroup
                | ApiKey::Heartbeat
                | ApiKey::LeaveGroup
                | ApiKey::SyncGroup
                | ApiKey::SaslHandshake
                | ApiKey::SaslAuthenticate
                | ApiKey::ApiVersions
                | ApiKey::InitProducerId
                | ApiKey::AddPartitionsToTxn
                | ApiKey::AddOffsetsToTxn
                | ApiKey::EndTxn
                | ApiKey::TxnOffsetCommit
                | ApiKey::ConsumerGroupHeartbeat
                | ApiKey::ShareGroupHeartbeat
                | ApiKey::ShareFetch
                | ApiKey::ShareAcknowledge
        )
    })
}

/// What a request asks; `body` is what follows its header.
///
/// # Errors
/// [`WireError::Decode`], [`WireError::Truncated`] and [`WireError::Malformed`] when the bytes are not a
/// request of this version, [`WireError::Batch`] and [`WireError::Records`] when its records are broken.
pub fn request(
    header: &RequestHeader,
    body: Bytes,
    names: &dyn TopicNames,
    depth: Depth<'_>,
) -> Result<RequestFacts, WireError> {
    let version = header.api_version;
    let Some(api) = header.api() else {
        return Ok(RequestFacts::Other);
    };
    match api {
        ApiKey::Produce => produce::request(body, version, names, depth),
        ApiKey::Fetch => fetch::request(body, version, names),
        ApiKey::ListOffsets => list_offsets::request(body, version),
        ApiKey::OffsetCommit => commit::request(body, version, names),
        ApiKey::TxnOffsetCommit => commit::transactional_request(body, version),
        ApiKey::OffsetFetch => offset_fetch::request(body, version),
        ApiKey::FindCoordinator => coordinator::request(body, version),
        ApiKey::JoinGroup => membership::join(body, version),
        ApiKey::SyncGroup => membership::sync(body, version),
        ApiKey::Heartbeat => membership::heartbeat(body, version),
        ApiKey::LeaveGroup => membership::leave(body, version),
        ApiKey::ConsumerGroupHeartbeat => consumer_group::request(body, version, names),
        ApiKey::ShareGroupHeartbeat => share::heartbeat(body, version),
        ApiKey::ShareFetch => share::fetch(&body, version, names),
        ApiKey::InitProducerId => transaction::init(body, version),
        ApiKey::AddPartitionsToTxn => transaction::add_partitions(body, version),
        ApiKey::AddOffsetsToTxn => transaction::add_offsets(body, version),
        ApiKey::EndTxn => transaction::end(body, version),
        _ => Ok(RequestFacts::Other),
    }
}

/// What an answer says; `frame` is the content of its frame without the length prefix, with its header.
///
/// # Errors
/// As of [`fn@request`].
pub fn response(
    api_key: i16,
    api_version: i16,
    frame: Bytes,
    request: &RequestFacts,
    names: &dyn TopicNames,
    depth: Depth<'_>,
) -> Result<ResponseFacts, WireError> {
    let Ok(api) = ApiKey::try_from(api_key) else {
        return Ok(ResponseFacts::Other);
    };
    match api {
        ApiKey::Produce => produce::response(frame, api_version, names),
        ApiKey::Fetch => fetch::response(frame, api_version, names, depth),
        ApiKey::ListOffsets => list_offsets::response(frame, api_version),
        ApiKey::OffsetCommit => commit::response(frame, api_version, names),
        ApiKey::TxnOffsetCommit => commit::transactional_response(frame, api_version),
        ApiKey::OffsetFetch => offset_fetch::response(frame, api_version, request, names),
        ApiKey::FindCoordinator => coordinator::response(frame, api_version),
        ApiKey::JoinGroup => membership::joined(frame, api_version),
        ApiKey::SyncGroup => membership::synced(frame, api_version),
        ApiKey::Heartbeat => membership::heard(frame, api_version),
        ApiKey::LeaveGroup => membership::left(frame, api_version),
        ApiKey::ConsumerGroupHeartbeat => consumer_group::response(frame, api_version, names),
        ApiKey::ShareGroupHeartbeat => share::heard(frame, api_version, names),
        ApiKey::ShareFetch => share::fetched(frame, api_version, names, depth),
        ApiKey::ShareAcknowledge => share::acknowledged(frame, api_version, names),
        ApiKey::InitProducerId => transaction::initialized(frame, api_version),
        ApiKey::AddPartitionsToTxn => transaction::partitions_added(frame, api_version),
        ApiKey::AddOffsetsToTxn => transaction::offsets_added(frame, api_version),
        ApiKey::EndTxn => transaction::ended(frame, api_version),
        ApiKey::SaslHandshake => sasl::handshaken(frame, api_version),
        ApiKey::SaslAuthenticate => sasl::authenticated(frame, api_version),
        _ => Ok(ResponseFacts::Other),
    }
}

/// The answer to a request of type `R`, behind its header.
pub(super) fn answer<R: Request>(mut frame: Bytes, version: i16) -> Result<R::Response, WireError> {
    skip_header(&mut frame, R::KEY, version)?;
    bounded::decode(&mut frame, version)
}

/// Takes the header off the front of an answer.
pub(super) fn skip_header(frame: &mut Bytes, api_key: i16, version: i16) -> Result<(), WireError> {
    let header = ApiKey::try_from(api_key).map_or(0, |api| api.response_header_version(version));
    bounded::decode::<ResponseHeader>(frame, header).map(|_| ())
}

/// The first error that is not 0.
pub(super) fn first_error(errors: impl IntoIterator<Item = i16>) -> i16 {
    errors.into_iter().find(|&error| error != 0).unwrap_or(0)
}
