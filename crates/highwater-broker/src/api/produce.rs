//! Produce: check each batch, append it, answer with its offset.
//!
//! Each partition of a request stands alone: one that is refused does not keep the others back. Of a
//! partition that a request names twice the later batch counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use highwater_wire::batch::{self, BatchError, BatchHeader, Codec};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use super::errors::ApiError;
use super::{Call, Refusal, Reply, leader_hints, reply};
use crate::cleaner::time_of_day_ms;
use crate::coordination::is_internal;
use crate::intake::{self, IntakeError, Taken};
use crate::partition::{Admission, AppendError, Partition};
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

/// Fewest bytes that say what they are: up to the magic of a batch.
const FRONT_BYTES: usize = 17;

pub(super) fn answer(call: &Call<'_>, request: ProduceRequest) -> Result<Reply, Refusal> {
    let mut partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    if partitions.any(|data| data.records.is_none()) {
        return Err(Refusal::NoRecords);
    }
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
            let by_index = data.partition_data.into_iter().map(|data| (data.index, data));
            let by_index: BTreeMap<i32, PartitionProduceData> = by_index.collect();
            let partitions = by_index
                .into_iter()
                .map(|(index, partition)| {
                    let result = match (&refused, topic.as_deref()) {
                        (Some(error), _) => Err(error.clone().into()),
                        (None, None) => Err(unknown.clone().into()),
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

/// Why a batch is not in the log.
struct Refused {
    error: ApiError,
    /// [`NONE`] if nobody looked at the log.
    start_offset: i64,
    /// Which records are to blame, if some are.
    records: Vec<i32>,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self {
            error,
            start_offset: NONE,
            records: Vec::new(),
        }
    }
}

impl Refused {
    fn by_intake(partition: &Partition, mut error: IntakeError) -> Self {
        let records = match &mut error {
            IntakeError::NoKey { records } | IntakeError::Timestamp { records, .. } => {
                std::mem::take(records)
            }
            _ => Vec::new(),
        };
        Self {
            error: error.into(),
            start_offset: partition.bounds().start_offset,
            records,
        }
    }

    fn by_log(partition: &Partition, error: AppendError) -> Self {
        let judged = matches!(
            error,
            AppendError::OutOfOrder { .. } | AppendError::FencedEpoch { .. } | AppendError::InTransaction
        );
        Self {
            error: error.into(),
            start_offset: if judged {
                partition.bounds().start_offset
            } else {
                NONE
            },
            records: Vec::new(),
        }
    }
}

fn append(
    call: &Call<'_>,
    transactional_id: Option<&str>,
    topic: &Topic,
    data: PartitionProduceData,
) -> Result<Appended, Refused> {
    if is_internal(&topic.name) {
        return Err(ApiError::new(
            ResponseError::InvalidTopicException,
            "clients do not write to internal topics",
        )
        .into());
    }
    let partition = topic
        .partition(data.index)
        .ok_or_else(ApiError::unknown_partition)?;
    call.leads(partition)?;
    let records = data.records.unwrap_or_default();
    let limit = topic.config.max_message_bytes(&call.cluster.config);
    let checked = match batch::check(&records) {
        // Only said of a batch whose checksum is right.
        Err(BatchError::Inconsistent(what)) => {
            let error = IntakeError::Contradiction(what);
            return Err(Refused::by_intake(partition, error));
        }
        checked => checked,
    };
    let (header, batch) = the_batch(&records, checked, limit, call.version)?;
    let taken = intake::take(&partition.log_config(), &header, &batch, time_of_day_ms());
    let Taken {
        header,
        batch,
        append_time_ms,
    } = taken.map_err(|error| Refused::by_intake(partition, error))?;
    if batch.len() > limit {
        // It was smaller in its producer's codec.
        return Err(too_large(batch.len(), limit).into());
    }
    let now = call.cluster.now();
    let placed = match transactional_id.filter(|_| header.is_transactional()) {
        None => partition.append(&header, &batch, now, &Admission::Plain),
        Some(id) => {
            let ask = || ask_coordinator(call, id, &header, topic, data.index);
            let admission = Admission::Transactional {
                first_is_zero: call.version >= IMPLICIT_VERSION,
                ask: &ask,
            };
            partition.append(&header, &batch, now, &admission)
        }
    };
    let placed = placed.map_err(|error| Refused::by_log(partition, error))?;
    Ok(Appended {
        base_offset: placed.base_offset,
        start_offset: partition.bounds().start_offset,
        append_time_ms: placed.known_since_ms.or(append_time_ms).unwrap_or(NONE),
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
    } else if call.cluster.config.transaction_partition_verification {
        transactions.verify(transactional_id, producer, &place)
    } else {
        Ok(())
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

fn too_large(length: usize, limit: usize) -> ApiError {
    ApiError::new(
        ResponseError::MessageTooLarge,
        format!("batch of {length} bytes, the topic takes {limit}"),
    )
}

/// The one batch per partition that a producer sends, undamaged and not too large.
fn the_batch(
    records: &Bytes,
    checked: Result<BatchHeader, BatchError>,
    limit: usize,
    version: i16,
) -> Result<(BatchHeader, Bytes), ApiError> {
    let header = checked.map_err(|error| {
        let code = match error {
            BatchError::Magic(0 | 1) | BatchError::Incomplete { .. } => ResponseError::InvalidRecord,
            _ => ResponseError::CorruptMessage,
        };
        ApiError::new(code, error.to_string())
    })?;
    if header.length() > limit {
        return Err(too_large(header.length(), limit));
    }
    // What is too short to be the front of another batch is cut off, as in Kafka.
    if records.len() - header.length() >= FRONT_BYTES {
        return Err(ApiError::new(
            ResponseError::InvalidRecord,
            "not exactly one record batch",
        ));
    }
    if header.codec() == Codec::Zstd && version < ZSTD_VERSION {
        return Err(ApiError::new(
            ResponseError::UnsupportedCompressionType,
            "zstd needs produce version 7",
        ));
    }
    Ok((header, records.slice(..header.length())))
}

fn describe(index: i32, result: Result<Appended, Refused>) -> PartitionProduceResponse {
    let response = PartitionProduceResponse::default()
        .with_index(index)
        .with_log_append_time_ms(NONE);
    match result {
        Ok(appended) => response
            .with_base_offset(appended.base_offset)
            .with_log_start_offset(appended.start_offset)
            .with_log_append_time_ms(appended.append_time_ms),
        Err(refused) => {
            let blamed = |index| BatchIndexAndErrorMessage::default().with_batch_index(index);
            response
                .with_error_code(refused.error.code())
                .with_base_offset(NONE)
                .with_log_start_offset(refused.start_offset)
                .with_record_errors(refused.records.into_iter().map(blamed).collect())
                .with_error_message(refused.error.text())
        }
    }
}
