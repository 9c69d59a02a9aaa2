//! Produce: check each batch, append it, answer with its offset.
//!
//! Each partition of a request stands alone: one that is refused does not keep the others back.

use bytes::Bytes;
use highwater_wire::batch::{self, BatchError, BatchHeader, Codec, NO_PRODUCER_ID};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use super::errors::ApiError;
use super::{Call, Refusal, Reply, leader_hints, reply};
use crate::coordination::is_internal;
use crate::topics::Topic;

/// First version in which a client may send zstd (KIP-110).
const ZSTD_VERSION: i16 = 7;

/// Offset and timestamp of "nothing".
const NONE: i64 = -1;

pub(super) fn answer(call: &Call<'_>, request: ProduceRequest) -> Result<Reply, Refusal> {
    let acks = request.acks;
    let response = handle(call, request);
    if acks != 0 {
        return reply(call, &response);
    }
    let failed = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partition_responses)
        .any(|partition| partition.error_code != 0);
    if failed {
        Err(Refusal::UnacknowledgedFailure)
    } else {
        Ok(Reply::None)
    }
}

fn handle(call: &Call<'_>, request: ProduceRequest) -> ProduceResponse {
    let refused = refuse_all(&request);
    let responses = request
        .topic_data
        .into_iter()
        .map(|data| {
            let topic = call.cluster.topics.get(&data.name);
            let partitions = data
                .partition_data
                .into_iter()
                .map(|partition| {
                    let index = partition.index;
                    let result = match &refused {
                        Some(error) => Err(error.clone()),
                        None => append(call, topic.as_deref(), partition),
                    };
                    describe(index, result)
                })
                .collect();
            TopicProduceResponse::default()
                .with_name(data.name)
                .with_partition_responses(partitions)
        })
        .collect();
    let mut response = ProduceResponse::default().with_responses(responses);
    leader_hints::in_produce(call, &mut response);
    response
}

/// What is wrong with the request as a whole.
fn refuse_all(request: &ProduceRequest) -> Option<ApiError> {
    if !(-1..=1).contains(&request.acks) {
        return Some(ApiError::new(
            ResponseError::InvalidRequiredAcks,
            "acks is not 0, 1 or all",
        ));
    }
    request.transactional_id.is_some().then(|| {
        ApiError::new(
            ResponseError::InvalidTxnState,
            "the dev broker does not serve transactions yet",
        )
    })
}

fn append(
    call: &Call<'_>,
    topic: Option<&Topic>,
    data: PartitionProduceData,
) -> Result<(i64, i64), ApiError> {
    let topic = topic.ok_or_else(ApiError::unknown_partition)?;
    if is_internal(&topic.name) {
        return Err(ApiError::new(
            ResponseError::InvalidTopicException,
            "clients do not write to internal topics",
        ));
    }
    let partition = topic
        .partition(data.index)
        .ok_or_else(ApiError::unknown_partition)?;
    call.leads(partition)?;
    let records = data.records.unwrap_or_default();
    let limit = topic.config.max_message_bytes(&call.cluster.config);
    let header = check_batch(&records, limit, call.version)?;
    let base_offset = partition.append(&header, &records, call.cluster.now())?;
    Ok((base_offset, partition.bounds().start_offset))
}

/// A producer sends exactly one batch per partition, with its records counted from zero.
fn check_batch(records: &Bytes, limit: usize, version: i16) -> Result<BatchHeader, ApiError> {
    let corrupt = |error: BatchError| {
        let code = match error {
            BatchError::Magic(0 | 1) => ResponseError::UnsupportedForMessageFormat,
            _ => ResponseError::CorruptMessage,
        };
        ApiError::new(code, error.to_string())
    };
    let invalid = |message: &str| Err(ApiError::new(ResponseError::InvalidRecord, message));
    let header = BatchHeader::parse(records).map_err(corrupt)?;
    if header.length() > limit {
        return Err(ApiError::new(
            ResponseError::MessageTooLarge,
            format!("batch of {} bytes, the topic takes {limit}", header.length()),
        ));
    }
    batch::check(records).map_err(corrupt)?;
    if header.length() != records.len() {
        return invalid("not exactly one record batch");
    }
    if header.record_count() == 0 || i64::from(header.record_count()) != header.offset_count() {
        return invalid("record count and last offset delta contradict each other");
    }
    if header.is_control() {
        return invalid("clients do not write control batches");
    }
    if header.is_transactional() {
        return Err(ApiError::new(
            ResponseError::InvalidTxnState,
            "the dev broker does not serve transactions yet",
        ));
    }
    if header.producer_id() != NO_PRODUCER_ID && (header.base_sequence() < 0 || header.producer_epoch() < 0) {
        return invalid("a producer id without epoch or sequence");
    }
    match header.codec() {
        Codec::Unknown(_) => invalid("unknown compression codec"),
        Codec::Zstd if version < ZSTD_VERSION => Err(ApiError::new(
            ResponseError::UnsupportedCompressionType,
            "zstd needs produce version 7",
        )),
        _ => Ok(header),
    }
}

fn describe(index: i32, result: Result<(i64, i64), ApiError>) -> PartitionProduceResponse {
    let response = PartitionProduceResponse::default()
        .with_index(index)
        .with_log_append_time_ms(NONE);
    match result {
        Ok((base_offset, start_offset)) => response
            .with_base_offset(base_offset)
            .with_log_start_offset(start_offset),
        Err(error) => response
            .with_error_code(error.code())
            .with_base_offset(NONE)
            .with_log_start_offset(NONE)
            .with_error_message(error.text()),
    }
}
