//! Produce: check each batch, append it, answer with its offset.
//!
//! Each partition of a request stands alone: one that is refused does not keep the others back.

use std::sync::Arc;

use bytes::Bytes;
use highwater_wire::batch::{self, BatchError, BatchHeader, Codec, NO_PRODUCER_ID};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use super::errors::ApiError;
use super::{Call, Refusal, Reply, leader_hints, reply};
use crate::cleaner::time_of_day_ms;
use crate::coordination::is_internal;
use crate::intake::{self, Taken};
use crate::partition::Admission;
use crate::topics::Topic;
use crate::transaction::{Identity, Place, Version};

/// First version in which a client may send zstd (KIP-110).
const ZSTD_VERSION: i16 = 7;

/// First version whose clients know TRANSACTION_ABORTABLE.
const ABORTABLE_VERSION: i16 = 11;

/// First version that needs no AddPartitionsToTxn before it (KIP-890).
const IMPLICIT_VERSION: i16 = 12;

/// First version that names topics by id only.
const TOPIC_ID_VERSION: i16 = 13;

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
    let transactional_id = request.transactional_id;
    let by_id = call.version >= TOPIC_ID_VERSION;
    let responses = request
        .topic_data
        .into_iter()
        .map(|data| {
            let (topic, unknown) = if by_id {
                let unknown = ApiError::new(ResponseError::UnknownTopicId, "no topic with this id");
                (call.cluster.topics.get_by_id(data.topic_id), unknown)
            } else {
                (call.cluster.topics.get(&data.name), ApiError::unknown_partition())
            };
            let partitions = data
                .partition_data
                .into_iter()
                .map(|partition| {
                    let index = partition.index;
                    let result = match (&refused, topic.as_deref()) {
                        (Some(error), _) => Err(error.clone()),
                        (None, None) => Err(unknown.clone()),
                        (None, Some(topic)) => append(
                            call,
                            transactional_id.as_ref().map(|id| id.as_str()),
                            topic,
                            partition,
                        ),
                    };
                    describe(index, result)
                })
                .collect();
            TopicProduceResponse::default()
                .with_name(data.name)
                .with_topic_id(data.topic_id)
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
    if request.transactional_id.is_some() {
        return None;
    }
    let mut partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    let transactional = partitions.any(|data| {
        let records = data.records.as_deref().unwrap_or_default();
        BatchHeader::parse(records).is_ok_and(|header| header.is_transactional())
    });
    transactional.then(|| {
        ApiError::new(
            ResponseError::TransactionalIdAuthorizationFailed,
            "a batch of a transaction without a transactional id",
        )
    })
}

/// A batch that is in the log.
struct Appended {
    base_offset: i64,
    start_offset: i64,
    append_time_ms: i64,
}

fn append(
    call: &Call<'_>,
    transactional_id: Option<&str>,
    topic: &Topic,
    data: PartitionProduceData,
) -> Result<Appended, ApiError> {
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
    let Taken {
        header,
        batch: records,
        append_time_ms,
    } = intake::take(&partition.log_config(), &header, &records, time_of_day_ms())?;
    let now = call.cluster.now();
    let base_offset = match transactional_id.filter(|_| header.is_transactional()) {
        None => partition.append(&header, &records, now, &Admission::Plain)?,
        Some(id) => {
            let ask = || ask_coordinator(call, id, &header, topic, data.index);
            let admission = Admission::Transactional {
                first_is_zero: call.version >= IMPLICIT_VERSION,
                ask: &ask,
            };
            partition.append(&header, &records, now, &admission)?
        }
    };
    Ok(Appended {
        base_offset,
        start_offset: partition.bounds().start_offset,
        append_time_ms: append_time_ms.unwrap_or(NONE),
    })
}

/// Has the coordinator add the partition to the transaction, or say that it is in it (KIP-890); errors
/// are those that producers of this version know.
fn ask_coordinator(
    call: &Call<'_>,
    transactional_id: &str,
    header: &BatchHeader,
    topic: &Topic,
    partition: i32,
) -> Result<(), ResponseError> {
    let producer = Identity {
        producer_id: header.producer_id(),
        epoch: header.producer_epoch(),
    };
    let place = Place {
        topic: Arc::clone(&topic.name),
        partition,
    };
    let transactions = &call.cluster.transactions;
    let admitted = if call.version >= IMPLICIT_VERSION {
        transactions.add(call.cluster, transactional_id, producer, &[place], Version::Two)
    } else {
        transactions.verify(transactional_id, producer, &place)
    };
    admitted.map_err(|error| match error {
        ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
        ResponseError::TransactionAbortable if call.version < ABORTABLE_VERSION => {
            ResponseError::InvalidTxnState
        }
        // What every client takes as "try again", without looking for another leader.
        ResponseError::ConcurrentTransactions | ResponseError::CoordinatorNotAvailable => {
            ResponseError::NotEnoughReplicas
        }
        other => other,
    })
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
    if header.is_transactional() && header.producer_id() == NO_PRODUCER_ID {
        return invalid("a batch of a transaction without a producer id");
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

fn describe(index: i32, result: Result<Appended, ApiError>) -> PartitionProduceResponse {
    let response = PartitionProduceResponse::default()
        .with_index(index)
        .with_log_append_time_ms(NONE);
    match result {
        Ok(appended) => response
            .with_base_offset(appended.base_offset)
            .with_log_start_offset(appended.start_offset)
            .with_log_append_time_ms(appended.append_time_ms),
        Err(error) => response
            .with_error_code(error.code())
            .with_base_offset(NONE)
            .with_log_start_offset(NONE)
            .with_error_message(error.text()),
    }
}
