//! FindCoordinator: whose coordinator is looked for.

use bytes::Bytes;
use highwater_model::history::{RequestFacts, ResponseFacts};
use kafka_protocol::messages::FindCoordinatorRequest;

use super::dispatch::{answer, first_error};
use crate::bounded;
use crate::error::WireError;

/// First version that asks for several at once (KIP-699).
const SEVERAL_SINCE: i16 = 4;

pub(super) fn request(mut body: Bytes, version: i16) -> Result<RequestFacts, WireError> {
    let request: FindCoordinatorRequest = bounded::decode(&mut body, version)?;
    let keys = if version >= SEVERAL_SINCE {
        request.coordinator_keys.iter().map(ToString::to_string).collect()
    } else {
        vec![request.key.to_string()]
    };
    Ok(RequestFacts::FindCoordinator {
        key_type: request.key_type,
        keys,
    })
}

pub(super) fn response(frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    let response = answer::<FindCoordinatorRequest>(frame, version)?;
    let each = response
        .coordinators
        .iter()
        .map(|coordinator| coordinator.error_code);
    Ok(ResponseFacts::Error {
        error: first_error([response.error_code].into_iter().chain(each)),
    })
}
