//! Frames: a 32-bit length, a header, a message.
//!
//! Invariant: no length from a frame is trusted before it was compared with a limit.
//! It does not read sockets; [`crate::Connection`] and the broker do.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, ApiVersionsResponse, RequestHeader as WireHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

use crate::bounded::{self, short_name};
use crate::error::WireError;

/// The length prefix of a frame, in bytes.
pub const LENGTH_BYTES: usize = 4;

/// Longest Produce request accepted: 32 of Kafka's largest default batches, and small enough that
/// the room the codec may reserve for a lying count stays virtual memory that a laptop grants.
pub const MAX_PRODUCE_FRAME: usize = 32 << 20;

/// Longest request of any other API: lists of names and offsets for ten thousand partitions, or a
/// group leader's assignment for a thousand members, fit with room to spare.
pub const MAX_REQUEST_FRAME: usize = 4 << 20;

/// Longest answer a client here accepts: a fetch of Kafka's default maximum (55 MiB) and its header.
pub const MAX_RESPONSE_FRAME: usize = 64 << 20;

/// Longest client id: what a 16-bit length can say, as in Kafka.
const MAX_CLIENT_ID_BYTES: usize = i16::MAX as usize;

/// The longest frame accepted for a request of this API.
pub fn request_limit(api_key: i16) -> usize {
    if api_key == ApiKey::Produce as i16 {
        MAX_PRODUCE_FRAME
    } else {
        MAX_REQUEST_FRAME
    }
}

/// Reads the length prefix; `None` when fewer than four bytes are there.
///
/// # Errors
/// [`WireError::FrameLength`] when the length is negative or above `limit`.
pub fn frame_length(bytes: &[u8], limit: usize) -> Result<Option<usize>, WireError> {
    let Some(prefix) = bytes.first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let length = i32::from_be_bytes(*prefix);
    match usize::try_from(length) {
        Ok(length) if length <= limit => Ok(Some(length)),
        _ => Err(WireError::FrameLength {
            length: i64::from(length),
            limit,
        }),
    }
}

/// Who asks for what: the header in front of every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader {
    /// Number of the API as it came; may be one nobody knows.
    pub api_key: i16,
    /// Version of the request as it came.
    pub api_version: i16,
    /// Returned with the answer.
    pub correlation_id: i32,
    /// The name the client gives itself.
    pub client_id: Option<StrBytes>,
}

impl RequestHeader {
    /// The API, if the codec knows it.
    pub fn api(&self) -> Option<ApiKey> {
        ApiKey::try_from(self.api_key).ok()
    }

    /// Takes the header off the front of a frame's content; the body stays in `frame`.
    ///
    /// The header of an unknown API is read in its oldest form. An ApiVersions request of an unknown
    /// version keeps a readable header by design (KIP-511), so it can be answered.
    ///
    /// # Errors
    /// [`WireError::Truncated`] or [`WireError::Malformed`].
    pub fn decode(frame: &mut Bytes) -> Result<Self, WireError> {
        let truncated = |field| move |_| WireError::Truncated { field };
        let api_key = frame.try_get_i16().map_err(truncated("api key"))?;
        let api_version = frame.try_get_i16().map_err(truncated("api version"))?;
        let correlation_id = frame.try_get_i32().map_err(truncated("correlation id"))?;
        let length = frame.try_get_i16().map_err(truncated("client id"))?;
        let client_id = match usize::try_from(length) {
            Err(_) => None,
            Ok(length) if length > MAX_CLIENT_ID_BYTES => {
                return Err(WireError::Malformed { field: "client id" });
            }
            Ok(length) if length > frame.len() => {
                return Err(WireError::Truncated { field: "client id" });
            }
            Ok(length) => Some(
                StrBytes::from_utf8(frame.split_to(length))
                    .map_err(|_| WireError::Malformed { field: "client id" })?,
            ),
        };
        let header = Self {
            api_key,
            api_version,
            correlation_id,
            client_id,
        };
        let flexible = header
            .api()
            .is_some_and(|api| api.request_header_version(api_version) >= 2);
        if flexible {
            skip_tagged_fields(frame)?;
        }
        Ok(header)
    }
}

fn read_varint(bytes: &mut Bytes, field: &'static str) -> Result<u32, WireError> {
    let mut value = 0u32;
    for shift in (0..35).step_by(7) {
        let byte = bytes.try_get_u8().map_err(|_| WireError::Truncated { field })?;
        value |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(WireError::Malformed { field })
}

fn skip_tagged_fields(bytes: &mut Bytes) -> Result<(), WireError> {
    let field = "tagged fields of the header";
    let count = read_varint(bytes, field)?;
    for _ in 0..count {
        read_varint(bytes, field)?;
        let size = read_varint(bytes, field)? as usize;
        if size > bytes.len() {
            return Err(WireError::Truncated { field });
        }
        bytes.advance(size);
    }
    Ok(())
}

/// Encodes a whole request frame, length prefix included.
///
/// # Errors
/// [`WireError::Encode`] when a field does not exist in this version or is too long for it.
pub fn encode_request<R: Request>(
    request: &R,
    version: i16,
    correlation_id: i32,
    client_id: &str,
) -> Result<BytesMut, WireError> {
    let header = WireHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(StrBytes::from_string(client_id.to_owned())));
    encode_frame(&header, R::header_version(version), request, version)
}

/// Takes the header off the front of an answer and decodes the answer.
///
/// # Errors
/// [`WireError::Correlation`] when it answers another request, [`WireError::Decode`] when it is not
/// a message of this version.
pub fn decode_response<R: Request>(
    mut frame: Bytes,
    version: i16,
    correlation_id: i32,
) -> Result<R::Response, WireError> {
    let header: ResponseHeader = bounded::decode(&mut frame, R::Response::header_version(version))?;
    if header.correlation_id != correlation_id {
        return Err(WireError::Correlation {
            expected: correlation_id,
            got: header.correlation_id,
        });
    }
    bounded::decode(&mut frame, version)
}

/// Decodes the body of a request after its header was taken off.
///
/// # Errors
/// [`WireError::Decode`].
pub fn decode_request<R: Request>(body: &mut Bytes, version: i16) -> Result<R, WireError> {
    bounded::decode(body, version)
}

/// Encodes a whole response frame, length prefix included, for a request of `version`.
///
/// # Errors
/// [`WireError::Encode`] when a field does not exist in this version or is too long for it.
pub fn encode_response<M: Encodable + HeaderVersion>(
    response: &M,
    version: i16,
    correlation_id: i32,
) -> Result<BytesMut, WireError> {
    let header = ResponseHeader::default().with_correlation_id(correlation_id);
    encode_frame(&header, M::header_version(version), response, version)
}

/// The answer to an ApiVersions request of a version that is not served: version 0 with the error
/// code and the list, so that the client can ask again (KIP-511).
///
/// # Errors
/// [`WireError::Encode`], which would be a mistake in the list.
pub fn encode_api_versions_fallback(
    response: &ApiVersionsResponse,
    correlation_id: i32,
) -> Result<BytesMut, WireError> {
    encode_response(response, 0, correlation_id)
}

fn encode_frame<H: Encodable, M: Encodable>(
    header: &H,
    header_version: i16,
    message: &M,
    version: i16,
) -> Result<BytesMut, WireError> {
    let failed = |reason: String| WireError::Encode {
        message: short_name::<M>(),
        version,
        reason,
    };
    let size = header
        .compute_size(header_version)
        .and_then(|size| Ok(size + message.compute_size(version)?))
        .map_err(|error| failed(error.to_string()))?;
    let length = i32::try_from(size).map_err(|_| failed("longer than 2 GiB".to_owned()))?;
    let mut frame = BytesMut::with_capacity(LENGTH_BYTES + size);
    frame.put_i32(length);
    header
        .encode(&mut frame, header_version)
        .and_then(|()| message.encode(&mut frame, version))
        .map_err(|error| failed(error.to_string()))?;
    debug_assert_eq!(frame.len(), LENGTH_BYTES + size, "{}", short_name::<M>());
    Ok(frame)
}

/// Decodes a message on its own, for tools that look at recorded bytes.
///
/// # Errors
/// [`WireError::Decode`].
pub fn decode_message<M: Decodable>(body: &mut Bytes, version: i16) -> Result<M, WireError> {
    bounded::decode(body, version)
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
