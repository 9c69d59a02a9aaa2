//! Requests of transactional producers to their coordinator, and what administrators ask of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    EndTxnRequest, EndTxnResponse, ProducerId,
};

use super::Call;
use crate::coordination::Coordination;
use crate::transaction::{Ending, Identity, Place, Version, offsets_place};

/// First versions in which clients know PRODUCER_FENCED.
const FENCED_VERSION: i16 = 2;

/// First version that has many transactions in a request, sent by brokers.
const MANY_TRANSACTIONS_VERSION: i16 = 4;

/// First version of EndTxn that raises the epoch (KIP-890).
const RAISING_VERSION: i16 = 5;

/// Refuses unless the node that was asked coordinates the id.
pub(super) fn coordinates(call: &Call<'_>, id: &str) -> Result<(), ResponseError> {
    call.coordinates(Coordination::Transaction, id)
        .map_err(|error| error.error)
}

type PartitionErrors = Vec<(Place, Option<ResponseError>)>;

fn code(error: Option<ResponseError>) -> i16 {
    error.map_or(0, |error| error.code())
}

/// Clients of before KIP-588 know one error for every kind of fencing.
pub(super) fn fenced_as_known(error: ResponseError, version: i16, first: i16) -> ResponseError {
    match error {
        ResponseError::ProducerFenced if version < first => ResponseError::InvalidProducerEpoch,
        other => other,
    }
}

pub(super) fn add_partitions(
    call: &Call<'_>,
    request: AddPartitionsToTxnRequest,
) -> AddPartitionsToTxnResponse {
    if call.version >= MANY_TRANSACTIONS_VERSION {
        let results = request
            .transactions
            .iter()
            .map(|transaction| {
                AddPartitionsToTxnResult::default()
                    .with_transactional_id(transaction.transactional_id.clone())
                    .with_topic_results(by_topic(add_one(call, transaction, Version::Two)))
            })
            .collect();
        return AddPartitionsToTxnResponse::default().with_results_by_transaction(results);
    }
    let transaction = AddPartitionsToTxnTransaction::default()
        .with_transactional_id(request.v3_and_below_transactional_id)
        .with_producer_id(request.v3_and_below_producer_id)
        .with_producer_epoch(request.v3_and_below_producer_epoch)
        .with_topics(request.v3_and_below_topics);
    let results = by_topic(add_one(call, &transaction, Version::Old));
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(results)
}

/// All partitions or none: one that does not exist keeps the others out.
fn add_one(
    call: &Call<'_>,
    transaction: &AddPartitionsToTxnTransaction,
    version: Version,
) -> PartitionErrors {
    let id = transaction.transactional_id.as_str();
    let producer = Identity {
        producer_id: transaction.producer_id.0,
        epoch: transaction.producer_epoch,
    };
    let places = places_of(&transaction.topics);
    let exists = |place: &Place| {
        let topic = call.cluster.topics.get(&place.topic);
        topic.is_some_and(|topic| topic.partition(place.partition).is_some())
    };
    if !places.iter().all(exists) {
        return places
            .into_iter()
            .map(|place| {
                let error = if exists(&place) {
                    ResponseError::OperationNotAttempted
                } else {
                    ResponseError::UnknownTopicOrPartition
                };
                (place, Some(error))
            })
            .collect();
    }
    if let Err(error) = coordinates(call, id) {
        return places.into_iter().map(|place| (place, Some(error))).collect();
    }
    let transactions = &call.cluster.transactions;
    if transaction.verify_only {
        let verify = |place: Place| {
            let error = transactions.verify(id, producer, &place).err();
            (place, error)
        };
        return places.into_iter().map(verify).collect();
    }
    let error = transactions
        .add(call.cluster, id, producer, &places, version)
        .err()
        .map(|error| fenced_as_known(error, call.version, FENCED_VERSION));
    places.into_iter().map(|place| (place, error)).collect()
}

fn places_of(topics: &[AddPartitionsToTxnTopic]) -> Vec<Place> {
    topics
        .iter()
        .flat_map(|topic| {
            let name: Arc<str> = Arc::from(topic.name.as_str());
            topic.partitions.iter().map(move |&partition| Place {
                topic: Arc::clone(&name),
                partition,
            })
        })
        .collect()
}

fn by_topic(results: PartitionErrors) -> Vec<AddPartitionsToTxnTopicResult> {
    let mut topics: BTreeMap<Arc<str>, Vec<AddPartitionsToTxnPartitionResult>> = BTreeMap::new();
    for (place, error) in results {
        let result = AddPartitionsToTxnPartitionResult::default()
            .with_partition_index(place.partition)
            .with_partition_error_code(code(error));
        topics.entry(place.topic).or_default().push(result);
    }
    topics
        .into_iter()
        .map(|(name, results)| {
            AddPartitionsToTxnTopicResult::default()
                .with_name(super::topic_name(&name))
                .with_results_by_partition(results)
        })
        .collect()
}

pub(super) fn add_offsets(call: &Call<'_>, request: &AddOffsetsToTxnRequest) -> AddOffsetsToTxnResponse {
    let producer = Identity {
        producer_id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let places = [offsets_place(&request.group_id)];
    let id = request.transactional_id.as_str();
    let transactions = &call.cluster.transactions;
    let error = coordinates(call, id)
        .and_then(|()| transactions.add(call.cluster, id, producer, &places, Version::Old))
        .err()
        .map(|error| fenced_as_known(error, call.version, FENCED_VERSION));
    AddOffsetsToTxnResponse::default().with_error_code(code(error))
}

pub(super) fn end(call: &Call<'_>, request: &EndTxnRequest) -> EndTxnResponse {
    let producer = Identity {
        producer_id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let ending = if request.committed {
        Ending::Commit
    } else {
        Ending::Abort
    };
    let raises = call.version >= RAISING_VERSION;
    let version = if raises { Version::Two } else { Version::Old };
    let id = request.transactional_id.as_str();
    let ended = coordinates(call, id).and_then(|()| {
        call.cluster
            .transactions
            .end(call.cluster, id, producer, ending, version)
    });
    match ended {
        Ok(next) if raises => EndTxnResponse::default()
            .with_producer_id(ProducerId(next.producer_id))
            .with_producer_epoch(next.epoch),
        Ok(_) => EndTxnResponse::default(),
        Err(error) => EndTxnResponse::default()
            .with_error_code(fenced_as_known(error, call.version, FENCED_VERSION).code()),
    }
}
