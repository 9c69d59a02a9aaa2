//! FindCoordinator: who coordinates a group or a transactional id.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use super::errors::ApiError;
use crate::cluster::Node;
use crate::coordination::Coordination;

/// Key types of the protocol.
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// First version that asks for several keys at once.
const MANY_KEYS_VERSION: i16 = 4;

pub(super) fn find(call: &Call<'_>, request: FindCoordinatorRequest) -> FindCoordinatorResponse {
    if call.version < MANY_KEYS_VERSION {
        let found = find_one(call, request.key_type, request.key);
        return FindCoordinatorResponse::default()
            .with_error_code(found.error_code)
            .with_error_message(found.error_message)
            .with_node_id(found.node_id)
            .with_host(found.host)
            .with_port(found.port);
    }
    let coordinators = request
        .coordinator_keys
        .into_iter()
        .map(|key| find_one(call, request.key_type, key))
        .collect();
    FindCoordinatorResponse::default().with_coordinators(coordinators)
}

fn find_one(call: &Call<'_>, key_type: i8, key: StrBytes) -> Coordinator {
    match coordinator(call, key_type, &key) {
        Ok(node) => {
            let address = node.advertised(call.reached_by);
            Coordinator::default()
                .with_key(key)
                .with_node_id(BrokerId(node.id))
                .with_host(StrBytes::from_string(address.ip().to_string()))
                .with_port(i32::from(address.port()))
        }
        Err(error) => Coordinator::default()
            .with_key(key)
            .with_node_id(BrokerId(-1))
            .with_port(-1)
            .with_error_code(error.code())
            .with_error_message(error.text()),
    }
}

fn coordinator(call: &Call<'_>, key_type: i8, key: &str) -> Result<Node, ApiError> {
    let kind = match key_type {
        GROUP => Coordination::Group,
        TRANSACTION => Coordination::Transaction,
        other => {
            return Err(ApiError::new(
                ResponseError::InvalidRequest,
                format!("key type {other} is not served"),
            ));
        }
    };
    call.cluster.coordination_topic(kind)?;
    let node = call.cluster.coordinator(kind, key).copied();
    node.ok_or_else(|| ApiError::new(ResponseError::CoordinatorNotAvailable, "nobody coordinates it"))
}
