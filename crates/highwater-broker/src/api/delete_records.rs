//! DeleteRecords: the front of a partition goes on request.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_records_request::DeleteRecordsPartition;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::Call;
use super::errors::{ApiError, log_storage_error};
use crate::coordination::is_internal;
use crate::partition::DeleteError;
use crate::topics::Topic;

/// "Everything that can be read."
const HIGH_WATERMARK: i64 = -1;

/// Low watermark of an answer that is an error.
const NONE: i64 = -1;

pub(super) fn handle(call: &Call<'_>, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let topics = request
        .topics
        .into_iter()
        .map(|asked| {
            let topic = call.cluster.topics.get(&asked.name);
            let partitions = asked
                .partitions
                .iter()
                .map(|partition| {
                    let answer = DeleteRecordsPartitionResult::default()
                        .with_partition_index(partition.partition_index);
                    match delete(call, topic.as_deref(), partition) {
                        Ok(start_offset) => answer.with_low_watermark(start_offset),
                        Err(error) => answer.with_low_watermark(NONE).with_error_code(error.code()),
                    }
                })
                .collect();
            DeleteRecordsTopicResult::default()
                .with_name(asked.name)
                .with_partitions(partitions)
        })
        .collect();
    DeleteRecordsResponse::default().with_topics(topics)
}

fn delete(call: &Call<'_>, topic: Option<&Topic>, asked: &DeleteRecordsPartition) -> Result<i64, ApiError> {
    let partition = topic
        .and_then(|topic| topic.partition(asked.partition_index))
        .ok_or_else(ApiError::unknown_partition)?;
    call.leads(partition)?;
    if is_internal(&partition.place.topic) {
        return Err(ApiError::new(
            ResponseError::InvalidTopicException,
            "clients delete nothing from internal topics",
        ));
    }
    if !partition.log_config().delete {
        return Err(ApiError::new(
            ResponseError::PolicyViolation,
            "records of a topic that is only compacted are not deleted",
        ));
    }
    let offset = (asked.offset != HIGH_WATERMARK).then_some(asked.offset);
    Ok(partition.delete_before(offset)?)
}

impl From<DeleteError> for ApiError {
    fn from(error: DeleteError) -> Self {
        let code = match &error {
            DeleteError::OutOfRange { .. } => ResponseError::OffsetOutOfRange,
            DeleteError::Closed => ResponseError::UnknownTopicOrPartition,
            DeleteError::Storage(_) => {
                log_storage_error(&error);
                ResponseError::KafkaStorageError
            }
        };
        Self::new(code, error.to_string())
    }
}
