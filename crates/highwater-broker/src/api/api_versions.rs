//! ApiVersions: what is served.

use bytes::BytesMut;
use highwater_wire::{WireError, frame};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Call, SERVED};
use crate::transaction::Version;

/// The feature that decides how producers speak of transactions.
const FEATURE: &str = "transaction.version";

/// First version that can tell of features, and first one whose clients take a lowest version of 0.
const FEATURES_VERSION: i16 = 3;
const ZERO_VERSION: i16 = 4;

/// The request only names the client's software, in the version that tells of features, too.
pub(super) fn handle(call: &Call<'_>, request: &ApiVersionsRequest) -> ApiVersionsResponse {
    let response = list();
    if call.version < FEATURES_VERSION {
        return response;
    }
    let named = [&request.client_software_name, &request.client_software_version];
    if !named.into_iter().all(|name| is_software_name(name)) {
        return ApiVersionsResponse::default().with_error_code(ResponseError::InvalidRequest.code());
    }
    let level = match call.cluster.transactions.version {
        Version::Old => 1,
        Version::Two => 2,
    };
    let finalized = FinalizedFeatureKey::default()
        .with_name(StrBytes::from_static_str(FEATURE))
        .with_min_version_level(level)
        .with_max_version_level(level);
    let supported = SupportedFeatureKey::default()
        .with_name(StrBytes::from_static_str(FEATURE))
        .with_min_version(0)
        .with_max_version(2);
    let supported = (call.version >= ZERO_VERSION).then_some(supported);
    response
        .with_supported_features(supported.into_iter().collect())
        .with_finalized_features_epoch(0)
        .with_finalized_features(vec![finalized])
}

/// Letters, digits, '-' and '.', the latter two not at an end (KIP-511).
fn is_software_name(name: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let ends = [name.bytes().next(), name.bytes().last()];
    let firm = |end: Option<u8>| end.is_some_and(|byte| byte.is_ascii_alphanumeric());
    ends.into_iter().all(firm) && name.bytes().all(inside)
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
