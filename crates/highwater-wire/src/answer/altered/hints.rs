//! What an answer says of new leaders (KIP-951), taken out.

use bytes::Bytes;
use kafka_protocol::messages::{
    ApiKey, FetchResponse, ProduceResponse, ShareAcknowledgeResponse, ShareFetchResponse,
};

use super::{alter, known_version, unknown};
use crate::error::WireError;

/// How an answer says that it knows no leader.
const UNKNOWN: i32 = -1;

/// A Produce, Fetch, ShareFetch or ShareAcknowledge answer that tells errors and not who leads now: a client
/// has to ask for Metadata, as with versions that had no hints.
///
/// # Errors
/// [`WireError::UnknownVersion`] for other APIs and for versions that the codec lacks; [`WireError::Decode`].
pub fn without_leader_hints(api_key: i16, api_version: i16, frame: Bytes) -> Result<Bytes, WireError> {
    let version = known_version(api_key, api_version)?;
    match ApiKey::try_from(api_key) {
        Ok(ApiKey::Produce) => alter(version, frame, |answer: &mut ProduceResponse| {
            answer.node_endpoints.clear();
            let topics = &mut answer.responses;
            for partition in topics.iter_mut().flat_map(|topic| &mut topic.partition_responses) {
                partition.current_leader = Default::default();
            }
        }),
        Ok(ApiKey::Fetch) => alter(version, frame, |answer: &mut FetchResponse| {
            answer.node_endpoints.clear();
            let topics = &mut answer.responses;
            for partition in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
                partition.current_leader = Default::default();
            }
        }),
        Ok(ApiKey::ShareFetch) => alter(version, frame, |answer: &mut ShareFetchResponse| {
            answer.node_endpoints.clear();
            let topics = &mut answer.responses;
            for partition in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
                if partition.error_code != 0 {
                    partition.current_leader.leader_id = UNKNOWN;
                    partition.current_leader.leader_epoch = UNKNOWN;
                }
            }
        }),
        Ok(ApiKey::ShareAcknowledge) => alter(version, frame, |answer: &mut ShareAcknowledgeResponse| {
            answer.node_endpoints.clear();
            let topics = &mut answer.responses;
            for partition in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
                if partition.error_code != 0 {
                    partition.current_leader.leader_id = UNKNOWN;
                    partition.current_leader.leader_epoch = UNKNOWN;
                }
            }
        }),
        _ => Err(unknown(api_key, api_version)),
    }
}
