//! CreatePartitions: topics grow, and never shrink.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use super::errors::ApiError;
use super::repeated::apart;

pub(super) fn create(call: &Call<'_>, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let (topics, repeated) = apart(request.topics, |topic| topic.name.clone());
    let refused = repeated.into_iter().map(|name| {
        CreatePartitionsTopicResult::default()
            .with_name(name)
            .with_error_code(ResponseError::InvalidRequest.code())
            .with_error_message(Some(StrBytes::from_static_str("the topic is named twice")))
    });
    let answered = topics.into_iter().map(|topic| {
        let result = CreatePartitionsTopicResult::default().with_name(topic.name.clone());
        match grow(call, topic, request.validate_only) {
            Ok(()) => result.with_error_message(None),
            Err(error) => result
                .with_error_code(error.code())
                .with_error_message(error.text()),
        }
    });
    CreatePartitionsResponse::default().with_results(refused.chain(answered).collect())
}

fn grow(call: &Call<'_>, topic: CreatePartitionsTopic, validate_only: bool) -> Result<(), ApiError> {
    let replicas = topic.assignments.map(|assignments| {
        let ids = assignments.into_iter().map(|assignment| assignment.broker_ids);
        ids.map(|ids| ids.into_iter().map(|id| id.0).collect()).collect()
    });
    let topics = &call.cluster.topics;
    if topics.grow(&topic.name, topic.count, replicas, validate_only)? {
        Ok(())
    } else {
        Err(ApiError::unknown_partition())
    }
}
