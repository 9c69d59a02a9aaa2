//! What administrators ask of transactions, and markers that they write themselves.

use std::collections::BTreeMap;

use highwater_wire::control::{Marker, MarkerKind};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};
use kafka_protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use kafka_protocol::messages::list_transactions_response::TransactionState as ListedState;
use kafka_protocol::messages::write_txn_markers_request::WritableTxnMarker;
use kafka_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use kafka_protocol::messages::{
    DescribeProducersRequest, DescribeProducersResponse, DescribeTransactionsRequest,
    DescribeTransactionsResponse, ListTransactionsRequest, ListTransactionsResponse, ProducerId,
    TransactionalId, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};
use kafka_protocol::protocol::StrBytes;
use regex::{Regex, RegexBuilder};

use super::errors::{ApiError, log_storage_error};
use super::transactions::coordinates;
use super::{Call, topic_name};
use crate::partition::{MarkerError, MarkerOrder};
use crate::producers::{Known, MarkerRefusal};
use crate::topics::is_topic_name;
use crate::transaction::{Listed, is_offsets_topic};

/// Every name of a state that Kafka knows, also of those that are never seen here.
const STATE_NAMES: [&str; 8] = [
    "Empty",
    "Ongoing",
    "PrepareCommit",
    "PrepareAbort",
    "CompleteCommit",
    "CompleteAbort",
    "Dead",
    "PrepareEpochFence",
];

/// Memory that a pattern of an administrator may take when compiled; names need little.
const MAX_PATTERN_BYTES: usize = 1 << 20;

const NO_OFFSET: i64 = -1;

pub(super) fn describe(
    call: &Call<'_>,
    request: DescribeTransactionsRequest,
) -> DescribeTransactionsResponse {
    let states = request
        .transactional_ids
        .into_iter()
        .map(|id| describe_one(call, id))
        .collect();
    DescribeTransactionsResponse::default().with_transaction_states(states)
}

fn describe_one(call: &Call<'_>, id: TransactionalId) -> TransactionState {
    let found = if id.is_empty() {
        Err(ResponseError::InvalidRequest)
    } else {
        coordinates(call, &id).and_then(|()| {
            let state = call.cluster.transactions.get(&id);
            state.ok_or(ResponseError::TransactionalIdNotFound)
        })
    };
    let answer = TransactionState::default().with_transactional_id(id);
    let state = match found {
        Ok(state) => state,
        Err(error) => return answer.with_error_code(error.code()),
    };
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for place in &state.partitions {
        topics.entry(&place.topic).or_default().push(place.partition);
    }
    let topics = topics
        .into_iter()
        .map(|(name, partitions)| {
            TopicData::default()
                .with_topic(topic_name(name))
                .with_partitions(partitions)
        })
        .collect();
    answer
        .with_transaction_state(StrBytes::from_static_str(state.phase.name()))
        .with_transaction_timeout_ms(state.timeout_ms)
        .with_transaction_start_time_ms(state.started_ms)
        .with_producer_id(ProducerId(state.producer_id))
        .with_producer_epoch(state.producer_epoch)
        .with_topics(topics)
}

pub(super) fn list(call: &Call<'_>, request: &ListTransactionsRequest) -> ListTransactionsResponse {
    let unknown = request
        .state_filters
        .iter()
        .filter(|name| !STATE_NAMES.contains(&name.as_str()))
        .cloned()
        .collect();
    let pattern = request.transactional_id_pattern.as_deref().unwrap_or_default();
    let Ok(pattern) = whole_id_pattern(pattern) else {
        return ListTransactionsResponse::default()
            .with_error_code(ResponseError::InvalidRegularExpression.code())
            .with_unknown_state_filters(unknown);
    };
    let now_ms = call.cluster.wall_clock_ms();
    let wanted = |listed: &Listed| {
        let state = &listed.state;
        let by_state = request.state_filters.is_empty()
            || request
                .state_filters
                .iter()
                .any(|name| name.as_str() == state.phase.name());
        let by_producer = request.producer_id_filters.is_empty()
            || request
                .producer_id_filters
                .contains(&ProducerId(state.producer_id));
        let by_age = request.duration_filter < 0 || now_ms - state.started_ms > request.duration_filter;
        let here = coordinates(call, &listed.transactional_id).is_ok();
        let by_id = pattern
            .as_ref()
            .is_none_or(|pattern| pattern.is_match(&listed.transactional_id));
        here && by_id && by_state && by_producer && by_age
    };
    let states = call
        .cluster
        .transactions
        .all()
        .into_iter()
        .filter(wanted)
        .map(|listed| {
            let id = StrBytes::from_string(listed.transactional_id.to_string());
            ListedState::default()
                .with_transactional_id(TransactionalId(id))
                .with_producer_id(ProducerId(listed.state.producer_id))
                .with_transaction_state(StrBytes::from_static_str(listed.state.phase.name()))
        })
        .collect();
    ListTransactionsResponse::default()
        .with_unknown_state_filters(unknown)
        .with_transaction_states(states)
}

/// A pattern that has to fit a whole transactional id; `None` if it is empty, which fits every id.
fn whole_id_pattern(pattern: &str) -> Result<Option<Regex>, regex::Error> {
    if pattern.is_empty() {
        return Ok(None);
    }
    RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(MAX_PATTERN_BYTES)
        .build()
        .map(Some)
}

pub(super) fn describe_producers(
    call: &Call<'_>,
    request: DescribeProducersRequest,
) -> DescribeProducersResponse {
    let topics = request
        .topics
        .into_iter()
        .map(|asked| {
            let topic = call.cluster.topics.get(&asked.name);
            let unknown = if is_topic_name(&asked.name) {
                ApiError::unknown_partition()
            } else {
                ApiError::new(ResponseError::InvalidTopicException, "not a name of a topic")
            };
            let partitions = asked
                .partition_indexes
                .iter()
                .map(|&index| {
                    let answer = PartitionResponse::default().with_partition_index(index);
                    let found = topic
                        .as_ref()
                        .and_then(|topic| topic.partition(index))
                        .ok_or_else(|| unknown.clone())
                        .and_then(|partition| call.leads(partition).map(|()| partition));
                    match found {
                        Ok(partition) => {
                            let known = partition.known_producers();
                            answer.with_active_producers(known.into_iter().map(producer_state).collect())
                        }
                        Err(error) => answer
                            .with_error_code(error.code())
                            .with_error_message(error.text()),
                    }
                })
                .collect();
            TopicResponse::default()
                .with_name(asked.name)
                .with_partitions(partitions)
        })
        .collect();
    DescribeProducersResponse::default().with_topics(topics)
}

fn producer_state(known: Known) -> ProducerState {
    ProducerState::default()
        .with_producer_id(ProducerId(known.producer_id))
        .with_producer_epoch(i32::from(known.epoch))
        .with_last_sequence(known.last_sequence)
        .with_last_timestamp(known.last_timestamp)
        .with_coordinator_epoch(known.coordinator_epoch)
        .with_current_txn_start_offset(known.open_from.unwrap_or(NO_OFFSET))
}

/// Ends transactions in partitions without their coordinator: the way out when one hangs.
pub(super) fn write_markers(call: &Call<'_>, request: WriteTxnMarkersRequest) -> WriteTxnMarkersResponse {
    let markers = request
        .markers
        .into_iter()
        .map(|marker| {
            let topics = marker
                .topics
                .iter()
                .map(|topic| {
                    let partitions = topic
                        .partition_indexes
                        .iter()
                        .map(|&index| {
                            let result = write_marker(call, &marker, &topic.name, index);
                            WritableTxnMarkerPartitionResult::default()
                                .with_partition_index(index)
                                .with_error_code(result.err().map_or(0, |error| error.code()))
                        })
                        .collect();
                    WritableTxnMarkerTopicResult::default()
                        .with_name(topic.name.clone())
                        .with_partitions(partitions)
                })
                .collect();
            WritableTxnMarkerResult::default()
                .with_producer_id(marker.producer_id)
                .with_topics(topics)
        })
        .collect();
    WriteTxnMarkersResponse::default().with_markers(markers)
}

fn write_marker(
    call: &Call<'_>,
    marker: &WritableTxnMarker,
    topic: &str,
    index: i32,
) -> Result<(), ResponseError> {
    let committed = marker.transaction_result;
    if is_offsets_topic(topic) {
        let ended = call.cluster.end_offsets(index, marker.producer_id.0, committed);
        return ended.map_err(|error| {
            log_storage_error(&error);
            ResponseError::KafkaStorageError
        });
    }
    let topic = call.cluster.topics.get(topic);
    let partition = topic
        .as_ref()
        .and_then(|topic| topic.partition(index))
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    call.leads(partition).map_err(|error| error.error)?;
    let order = MarkerOrder {
        producer_id: marker.producer_id.0,
        producer_epoch: marker.producer_epoch,
        marker: Marker {
            kind: if committed {
                MarkerKind::Commit
            } else {
                MarkerKind::Abort
            },
            coordinator_epoch: marker.coordinator_epoch,
        },
        raised_epoch: false,
        timestamp_ms: call.cluster.wall_clock_ms(),
    };
    partition
        .append_marker(&order, call.cluster.now())
        .map_err(|error| match error {
            MarkerError::Refused(MarkerRefusal::FencedProducer { .. }) => ResponseError::InvalidProducerEpoch,
            MarkerError::Refused(MarkerRefusal::FencedCoordinator { .. }) => {
                ResponseError::TransactionCoordinatorFenced
            }
            MarkerError::Closed => ResponseError::UnknownTopicOrPartition,
            MarkerError::Storage(_) | MarkerError::Encode(_) => {
                log_storage_error(&error);
                ResponseError::KafkaStorageError
            }
        })
}
