//! Topics made, changed and deleted: a code for each topic.
//!
//! Invariant: every topic of the request is in the answer once.

use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse, ElectLeadersRequest, ElectLeadersResponse,
};

use super::Refused;

impl Refused for CreateTopicsRequest {
    fn refused(self, _version: i16, error: i16) -> CreateTopicsResponse {
        let topics = self.topics.into_iter().map(|topic| {
            CreatableTopicResult::default()
                .with_name(topic.name)
                .with_error_code(error)
                .with_error_message(None)
        });
        CreateTopicsResponse::default().with_topics(topics.collect())
    }
}

impl Refused for DeleteTopicsRequest {
    /// Names alone until version 5, names or ids from version 6 on.
    fn refused(self, _version: i16, error: i16) -> DeleteTopicsResponse {
        let result = |name| {
            DeletableTopicResult::default()
                .with_name(name)
                .with_error_code(error)
        };
        let by_name = self.topic_names.into_iter().map(|name| result(Some(name)));
        let by_state = self
            .topics
            .into_iter()
            .map(|topic| result(topic.name).with_topic_id(topic.topic_id));
        DeleteTopicsResponse::default().with_responses(by_name.chain(by_state).collect())
    }
}

impl Refused for CreatePartitionsRequest {
    fn refused(self, _version: i16, error: i16) -> CreatePartitionsResponse {
        let results = self.topics.into_iter().map(|topic| {
            CreatePartitionsTopicResult::default()
                .with_name(topic.name)
                .with_error_code(error)
        });
        CreatePartitionsResponse::default().with_results(results.collect())
    }
}

impl Refused for ElectLeadersRequest {
    fn refused(self, version: i16, error: i16) -> ElectLeadersResponse {
        let partition = |&index: &i32| {
            PartitionResult::default()
                .with_partition_id(index)
                .with_error_code(error)
                .with_error_message(None)
        };
        let topics = self
            .topic_partitions
            .unwrap_or_default()
            .into_iter()
            .map(|topic| {
                ReplicaElectionResult::default()
                    .with_topic(topic.topic)
                    .with_partition_result(topic.partitions.iter().map(partition).collect())
            });
        let answer = ElectLeadersResponse::default().with_replica_election_results(topics.collect());
        if version >= 1 {
            answer.with_error_code(error)
        } else {
            answer
        }
    }
}
