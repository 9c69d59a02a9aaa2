//! Who leads instead, told in the answer to a client that asked the wrong node (KIP-951), so that it
//! need not ask for metadata first.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{BrokerId, FetchResponse, ProduceResponse, fetch_response, produce_response};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use crate::leadership::Leadership;
use crate::topics::Topic;

/// First versions with room for it.
const FETCH_VERSION: i16 = 16;
const PRODUCE_VERSION: i16 = 10;

/// First version of Produce that names topics by id only.
const PRODUCE_TOPIC_ID_VERSION: i16 = 13;

/// Leaders that were named in one answer, each once.
#[derive(Debug, Default)]
struct Named(Vec<i32>);

impl Named {
    fn name(&mut self, topic: Option<&Topic>, partition: i32) -> Option<Leadership> {
        let leadership = topic?.partition(partition)?.leadership();
        if !self.0.contains(&leadership.leader) {
            self.0.push(leadership.leader);
        }
        Some(leadership)
    }

    /// Id, host and port of each.
    fn endpoints(self, call: &Call<'_>) -> impl Iterator<Item = (BrokerId, StrBytes, i32)> {
        self.0.into_iter().filter_map(|id| {
            let address = call.cluster.node(id)?.advertised(call.reached_by);
            let host = StrBytes::from_string(address.ip().to_string());
            Some((BrokerId(id), host, i32::from(address.port())))
        })
    }
}

fn wants_hint(error_code: i16) -> bool {
    error_code == ResponseError::NotLeaderOrFollower.code()
        || error_code == ResponseError::FencedLeaderEpoch.code()
}

/// Adds the leaders to a Fetch answer that names wrong ones.
pub(super) fn in_fetch(call: &Call<'_>, response: &mut FetchResponse) {
    if call.version < FETCH_VERSION {
        return;
    }
    let mut named = Named::default();
    for answered in &mut response.responses {
        let topic = call.cluster.topics.get_by_id(answered.topic_id);
        for data in &mut answered.partitions {
            if !wants_hint(data.error_code) {
                continue;
            }
            if let Some(leadership) = named.name(topic.as_deref(), data.partition_index) {
                data.current_leader = fetch_response::LeaderIdAndEpoch::default()
                    .with_leader_id(BrokerId(leadership.leader))
                    .with_leader_epoch(leadership.epoch);
            }
        }
    }
    let endpoint = |(id, host, port)| {
        fetch_response::NodeEndpoint::default()
            .with_node_id(id)
            .with_host(host)
            .with_port(port)
    };
    response.node_endpoints = named.endpoints(call).map(endpoint).collect();
}

/// Adds the leaders to a Produce answer that names wrong ones.
pub(super) fn in_produce(call: &Call<'_>, response: &mut ProduceResponse) {
    if call.version < PRODUCE_VERSION {
        return;
    }
    let mut named = Named::default();
    for answered in &mut response.responses {
        let topic = if call.version >= PRODUCE_TOPIC_ID_VERSION {
            call.cluster.topics.get_by_id(answered.topic_id)
        } else {
            call.cluster.topics.get(&answered.name)
        };
        for data in &mut answered.partition_responses {
            if !wants_hint(data.error_code) {
                continue;
            }
            if let Some(leadership) = named.name(topic.as_deref(), data.index) {
                data.current_leader = produce_response::LeaderIdAndEpoch::default()
                    .with_leader_id(BrokerId(leadership.leader))
                    .with_leader_epoch(leadership.epoch);
            }
        }
    }
    let endpoint = |(id, host, port)| {
        produce_response::NodeEndpoint::default()
            .with_node_id(id)
            .with_host(host)
            .with_port(port)
    };
    response.node_endpoints = named.endpoints(call).map(endpoint).collect();
}
