//! Answers of the cluster with one thing altered: an error code, an offset, a node.
//!
//! Invariant: what does not match stays byte for byte; an answer in which nothing matches comes back
//! as it came. Nothing here asks whether an alteration makes sense to a client.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, ListOffsetsResponse, OffsetFetchResponse, ProduceResponse, ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};

use crate::error::WireError;
use crate::{api, bounded};

mod errors;
mod hints;
mod nodes;
mod seen;

pub use hints::without_leader_hints;
pub use nodes::{with_brokers, with_coordinators};
pub use seen::SeenMetadata;

/// An answer in which partitions have an error: `of` says which, by topic (its name, or its id with
/// hyphens where the version has ids) and partition. Offsets and records of such partitions are taken
/// out, as a broker would.
///
/// Where an API has codes for other things, `of` is asked with partition -1 and the topic of Metadata,
/// the key of FindCoordinator, or an empty name for the code of the answer as a whole.
///
/// # Errors
/// [`WireError::UnknownVersion`] for an API without a code that is known here, or a version that the
/// codec lacks; [`WireError::Decode`].
pub fn with_error(
    api_key: i16,
    api_version: i16,
    frame: Bytes,
    error: i16,
    of: &dyn Fn(&str, i32) -> bool,
) -> Result<Bytes, WireError> {
    let version = known_version(api_key, api_version)?;
    errors::set(api_key, version, frame, error, of)
}

/// An answer in which offsets are shifted by `delta`: the base offset of Produce, the offset of
/// ListOffsets, the committed offset of OffsetFetch. Partitions with an error or without an offset
/// stay; no offset gets below 0. `of` is asked as in [`with_error`].
///
/// # Errors
/// As [`with_error`]; other APIs are [`WireError::UnknownVersion`].
pub fn with_offset_delta(
    api_key: i16,
    api_version: i16,
    frame: Bytes,
    delta: i64,
    of: &dyn Fn(&str, i32) -> bool,
) -> Result<Bytes, WireError> {
    let version = known_version(api_key, api_version)?;
    let shift = |error: i16, offset: &mut i64| {
        if error == 0 && *offset >= 0 {
            *offset = offset.saturating_add(delta).max(0);
        }
    };
    match ApiKey::try_from(api_key) {
        Ok(ApiKey::Produce) => alter(version, frame, |answer: &mut ProduceResponse| {
            for topic in &mut answer.responses {
                let name = named(&topic.name, topic.topic_id);
                for partition in &mut topic.partition_responses {
                    if of(&name, partition.index) {
                        shift(partition.error_code, &mut partition.base_offset);
                    }
                }
            }
        }),
        Ok(ApiKey::ListOffsets) => alter(version, frame, |answer: &mut ListOffsetsResponse| {
            for topic in &mut answer.topics {
                for partition in &mut topic.partitions {
                    if of(&topic.name, partition.partition_index) {
                        shift(partition.error_code, &mut partition.offset);
                    }
                }
            }
        }),
        Ok(ApiKey::OffsetFetch) => alter(version, frame, |answer: &mut OffsetFetchResponse| {
            for topic in &mut answer.topics {
                for partition in &mut topic.partitions {
                    if of(&topic.name, partition.partition_index) {
                        shift(partition.error_code, &mut partition.committed_offset);
                    }
                }
            }
            for topic in answer.groups.iter_mut().flat_map(|group| &mut group.topics) {
                let name = named(&topic.name, topic.topic_id);
                for partition in &mut topic.partitions {
                    if of(&name, partition.partition_index) {
                        shift(partition.error_code, &mut partition.committed_offset);
                    }
                }
            }
        }),
        _ => Err(unknown(api_key, api_version)),
    }
}

/// The codec's version with the layout of this answer.
fn known_version(api_key: i16, api_version: i16) -> Result<i16, WireError> {
    let api = ApiKey::try_from(api_key).map_err(|()| unknown(api_key, api_version))?;
    match (api, api_version) {
        (ApiKey::ListOffsets, 11) => return Ok(10),
        (ApiKey::ShareFetch, 2) => return Ok(1),
        _ => {}
    }
    let versions = api.valid_versions();
    if (versions.min..=versions.max).contains(&api_version) {
        Ok(api_version)
    } else {
        Err(unknown(api_key, api_version))
    }
}

fn unknown(api_key: i16, version: i16) -> WireError {
    WireError::UnknownVersion {
        message: api::name(api_key).unwrap_or("answer"),
        version,
    }
}

/// How a topic is called: its name, or its id where it has none.
fn named(name: &str, id: uuid::Uuid) -> String {
    if name.is_empty() && !id.is_nil() {
        id.to_string()
    } else {
        name.to_owned()
    }
}

/// Decodes an answer, changes it, and encodes it again with the header it came with, if it changed.
fn alter<M: Decodable + Encodable + HeaderVersion + PartialEq + Clone>(
    version: i16,
    frame: Bytes,
    change: impl FnOnce(&mut M),
) -> Result<Bytes, WireError> {
    let mut rest = frame.clone();
    let header_version = M::header_version(version);
    let header: ResponseHeader = bounded::decode(&mut rest, header_version)?;
    let before: M = bounded::decode(&mut rest, version)?;
    let mut after = before.clone();
    change(&mut after);
    if after == before {
        return Ok(frame);
    }
    let mut out = BytesMut::with_capacity(frame.len() + 64);
    header
        .encode(&mut out, header_version)
        .and_then(|()| after.encode(&mut out, version))
        .map_err(|error| WireError::Encode {
            message: bounded::short_name::<M>(),
            version,
            reason: error.to_string(),
        })?;
    out.extend_from_slice(&rest);
    Ok(out.freeze())
}
