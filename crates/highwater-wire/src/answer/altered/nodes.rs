//! Brokers that are not there, and coordinators elsewhere.

use bytes::Bytes;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{ApiKey, BrokerId, FindCoordinatorResponse, MetadataResponse};
use kafka_protocol::protocol::StrBytes;

use super::{alter, known_version};
use crate::addresses::Endpoint;
use crate::answer::cluster::FIND_COORDINATOR_KEYS;
use crate::error::WireError;

/// A FindCoordinator answer in which `to` names other brokers: it is asked for every key that has a
/// coordinator, with the key and where the coordinator is. Before version 4 the one key does not stand in
/// the answer and is empty. Keys with an error stay.
///
/// # Errors
/// [`WireError::UnknownVersion`], [`WireError::Decode`].
pub fn with_coordinators(
    api_version: i16,
    frame: Bytes,
    to: &mut dyn FnMut(&str, &Endpoint) -> Option<Endpoint>,
) -> Result<Bytes, WireError> {
    let version = known_version(ApiKey::FindCoordinator as i16, api_version)?;
    alter(version, frame, |answer: &mut FindCoordinatorResponse| {
        if version < FIND_COORDINATOR_KEYS
            && answer.error_code == 0
            && let Some(other) = to("", &endpoint(answer.node_id, &answer.host, answer.port))
        {
            answer.node_id = BrokerId(other.node);
            answer.host = StrBytes::from_string(other.host);
            answer.port = other.port;
        }
        for found in &mut answer.coordinators {
            if found.error_code == 0
                && let Some(other) = to(&found.key, &endpoint(found.node_id, &found.host, found.port))
            {
                found.node_id = BrokerId(other.node);
                found.host = StrBytes::from_string(other.host);
                found.port = other.port;
            }
        }
    })
}

/// A Metadata answer that lists more brokers; those whose number is listed already are left out.
///
/// # Errors
/// [`WireError::UnknownVersion`], [`WireError::Decode`].
pub fn with_brokers(api_version: i16, frame: Bytes, more: &[Endpoint]) -> Result<Bytes, WireError> {
    let version = known_version(ApiKey::Metadata as i16, api_version)?;
    alter(version, frame, |answer: &mut MetadataResponse| {
        for broker in more {
            let node = BrokerId(broker.node);
            if answer.brokers.iter().all(|listed| listed.node_id != node) {
                let broker = MetadataResponseBroker::default()
                    .with_node_id(node)
                    .with_host(StrBytes::from_string(broker.host.clone()))
                    .with_port(broker.port);
                answer.brokers.push(broker);
            }
        }
    })
}

fn endpoint(node: BrokerId, host: &StrBytes, port: i32) -> Endpoint {
    Endpoint {
        node: node.0,
        host: host.to_string(),
        port,
    }
}
