//! ApiVersions: which client library speaks (KIP-511).

use bytes::Bytes;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest};

use crate::bounded;
use crate::frame::RequestHeader;

/// First version that carries the client's software.
const SOFTWARE_SINCE: i16 = 3;

/// Name and version of the client library, from an ApiVersions request of version 3 and above.
pub fn client_software(header: &RequestHeader, mut body: Bytes) -> Option<(String, String)> {
    if header.api() != Some(ApiKey::ApiVersions) || header.api_version < SOFTWARE_SINCE {
        return None;
    }
    let request: ApiVersionsRequest = bounded::decode(&mut body, header.api_version).ok()?;
    Some((
        request.client_software_name.to_string(),
        request.client_software_version.to_string(),
    ))
}
