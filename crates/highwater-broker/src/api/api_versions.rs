//! ApiVersions: what is served.

use bytes::BytesMut;
use highwater_wire::{WireError, frame};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::{Call, SERVED};

/// The request only names the client's software.
pub(super) fn handle(_request: &ApiVersionsRequest) -> ApiVersionsResponse {
    list()
}

fn list() -> ApiVersionsResponse {
    let apis = SERVED
        .iter()
        .map(|entry| {
            ApiVersion::default()
                .with_api_key(entry.api as i16)
                .with_min_version(entry.min)
                .with_max_version(entry.max)
        })
        .collect();
    ApiVersionsResponse::default().with_api_keys(apis)
}

/// The answer to a version that is not served, in the oldest form (KIP-511).
pub(super) fn unsupported(call: &Call<'_>) -> Result<BytesMut, WireError> {
    let response = list().with_error_code(ResponseError::UnsupportedVersion.code());
    frame::encode_api_versions_fallback(&response, call.correlation_id)
}
