//! Metadata, FindCoordinator and DescribeTopicPartitions: a code for each topic or key.
//!
//! Invariant: an answer made here names no broker. Clients take a Metadata answer without brokers as
//! a failed refresh; to let a client see an error of one topic, alter a real answer instead.

use kafka_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    BrokerId, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, FindCoordinatorRequest,
    FindCoordinatorResponse, MetadataRequest, MetadataResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::Refused;
use crate::api;

/// Version of Metadata with a code for the whole answer (KIP-1102).
const METADATA_CODE_FOR_ALL: i16 = 13;

/// Version of Metadata in which the name of a topic may be null.
const METADATA_NULL_NAME: i16 = 12;

impl Refused for MetadataRequest {
    fn refused(self, version: i16, error: i16) -> MetadataResponse {
        let topics = self.topics.unwrap_or_default().into_iter().map(|topic| {
            let name = match topic.name {
                None if version < METADATA_NULL_NAME => Some(TopicName::default()),
                name => name,
            };
            MetadataResponseTopic::default()
                .with_name(name)
                .with_topic_id(topic.topic_id)
                .with_error_code(error)
        });
        let mut answer = MetadataResponse::default()
            .with_controller_id(BrokerId(-1))
            .with_topics(topics.collect());
        if version >= METADATA_CODE_FOR_ALL {
            answer.error_code = error;
        }
        answer
    }
}

/// First version of FindCoordinator with a list of keys (KIP-699).
pub(super) const FIND_COORDINATOR_KEYS: i16 = 4;

impl Refused for FindCoordinatorRequest {
    fn refused(self, version: i16, error: i16) -> FindCoordinatorResponse {
        let answer = FindCoordinatorResponse::default();
        let message = api::error_name(error).map(StrBytes::from_static_str);
        if version < FIND_COORDINATOR_KEYS {
            let message = if version >= 1 {
                message
            } else {
                answer.error_message.clone()
            };
            return answer
                .with_error_code(error)
                .with_error_message(message)
                .with_node_id(BrokerId(-1))
                .with_port(-1);
        }
        let coordinators = self.coordinator_keys.into_iter().map(|key| {
            Coordinator::default()
                .with_key(key)
                .with_error_code(error)
                .with_error_message(message.clone())
                .with_node_id(BrokerId(-1))
                .with_port(-1)
        });
        answer.with_coordinators(coordinators.collect())
    }
}

impl Refused for DescribeTopicPartitionsRequest {
    fn refused(self, _version: i16, error: i16) -> DescribeTopicPartitionsResponse {
        let topics = self.topics.into_iter().map(|topic| {
            DescribeTopicPartitionsResponseTopic::default()
                .with_name(Some(topic.name))
                .with_error_code(error)
        });
        DescribeTopicPartitionsResponse::default().with_topics(topics.collect())
    }
}
