//! CreatePartitions: topics grow, and never shrink.

use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use super::Call;
use super::errors::ApiError;

pub(super) fn create(call: &Call<'_>, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let results = request
        .topics
        .into_iter()
        .map(|topic| {
            let name = topic.name.clone();
            let result = CreatePartitionsTopicResult::default().with_name(name);
            match grow(call, topic, request.validate_only) {
                Ok(()) => result.with_error_message(None),
                Err(error) => result
                    .with_error_code(error.code())
                    .with_error_message(error.text()),
            }
        })
        .collect();
    CreatePartitionsResponse::default().with_results(results)
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
