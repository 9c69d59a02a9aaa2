//! ConsumerGroupHeartbeat: membership of the groups that the broker assigns itself (KIP-848).

use bytes::Bytes;
use highwater_model::history::{GroupFacts, RequestFacts, ResponseFacts};
use kafka_protocol::messages::ConsumerGroupHeartbeatRequest;

use super::TopicNames;
use super::dispatch::answer;
use super::topic::by_id;
use crate::bounded;
use crate::error::WireError;

pub(super) fn request(
    mut body: Bytes,
    version: i16,
    names: &dyn TopicNames,
) -> Result<RequestFacts, WireError> {
    let request: ConsumerGroupHeartbeatRequest = bounded::decode(&mut body, version)?;
    let topics = request
        .subscribed_topic_names
        .map(|topics| topics.iter().map(|topic| topic.0.to_string()).collect());
    let owned = request.topic_partitions.map(|topics| {
        let mut owned = Vec::new();
        for topic in topics {
            let name = by_id(topic.topic_id, names);
            owned.extend(
                topic
                    .partitions
                    .into_iter()
                    .map(|partition| (name.clone(), partition)),
            );
        }
        owned
    });
    Ok(RequestFacts::ConsumerGroupHeartbeat {
        group: GroupFacts {
            group_id: request.group_id.to_string(),
            member_id: request.member_id.to_string(),
            instance_id: request.instance_id.map(|id| id.to_string()),
            generation: request.member_epoch,
        },
        topics,
        owned,
    })
}

pub(super) fn response(
    frame: Bytes,
    version: i16,
    names: &dyn TopicNames,
) -> Result<ResponseFacts, WireError> {
    let response = answer::<ConsumerGroupHeartbeatRequest>(frame, version)?;
    let partitions = response.assignment.map(|assignment| {
        let mut assigned = Vec::new();
        for topic in assignment.topic_partitions {
            let name = by_id(topic.topic_id, names);
            assigned.extend(
                topic
                    .partitions
                    .into_iter()
                    .map(|partition| (name.clone(), partition)),
            );
        }
        assigned
    });
    Ok(ResponseFacts::Assigned {
        error: response.error_code,
        member_id: response.member_id.map(|id| id.to_string()),
        member_epoch: Some(response.member_epoch),
        partitions,
    })
}
