//! TxnOffsetCommit: offsets that count when the transaction is committed.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::txn_offset_commit_request::TxnOffsetCommitRequestPartition;
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};

use super::Call;
use super::errors::log_storage_error;
use crate::coordination::Coordination;
use crate::group::{CommitRequest, Committed, OffsetKey};
use crate::transaction::{Identity, Version, offsets_place};

/// Longest metadata kept with an offset, as in Kafka (`offset.metadata.max.bytes`).
const MAX_METADATA_BYTES: usize = 4_096;

/// First version whose clients know TRANSACTION_ABORTABLE.
const ABORTABLE_VERSION: i16 = 4;

/// First version that needs no AddOffsetsToTxn before it (KIP-890).
const IMPLICIT_VERSION: i16 = 5;

pub(super) fn commit(call: &Call<'_>, request: &TxnOffsetCommitRequest) -> TxnOffsetCommitResponse {
    let mut accepted = Vec::new();
    let mut topics: Vec<TxnOffsetCommitResponseTopic> = Vec::new();
    for topic in &request.topics {
        let known = call.cluster.topics.get(&topic.name);
        let partitions = topic
            .partitions
            .iter()
            .map(|partition| {
                let exists = known
                    .as_ref()
                    .is_some_and(|topic| topic.partition(partition.partition_index).is_some());
                let error = check(partition, exists);
                if error.is_none() {
                    accepted.push(to_commit(&topic.name, partition));
                }
                TxnOffsetCommitResponsePartition::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(error.map_or(0, |error| error.code()))
            })
            .collect();
        topics.push(
            TxnOffsetCommitResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions),
        );
    }
    if let Err(error) = keep(call, request, accepted) {
        for partition in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            if partition.error_code == 0 {
                partition.error_code = error.code();
            }
        }
    }
    TxnOffsetCommitResponse::default().with_topics(topics)
}

fn check(partition: &TxnOffsetCommitRequestPartition, exists: bool) -> Option<ResponseError> {
    let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
    if !exists {
        Some(ResponseError::UnknownTopicOrPartition)
    } else if metadata.len() > MAX_METADATA_BYTES {
        Some(ResponseError::OffsetMetadataTooLarge)
    } else {
        None
    }
}

fn to_commit(topic: &str, partition: &TxnOffsetCommitRequestPartition) -> (OffsetKey, Committed) {
    let committed = Committed {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition
            .committed_metadata
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    };
    ((topic.to_owned(), partition.partition_index), committed)
}

/// The coordinator of the transaction has the first word, the group the second.
fn keep(
    call: &Call<'_>,
    request: &TxnOffsetCommitRequest,
    offsets: Vec<(OffsetKey, Committed)>,
) -> Result<(), ResponseError> {
    let group = request.group_id.as_str();
    if group.is_empty() {
        return Err(ResponseError::InvalidGroupId);
    }
    call.coordinates(Coordination::Group, group)
        .map_err(|error| error.error)?;
    if offsets.is_empty() {
        return Ok(());
    }
    let producer = Identity {
        producer_id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let who = CommitRequest {
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.as_ref().map(ToString::to_string),
        generation: request.generation_id,
    };
    let groups = &call.cluster.groups;
    let write = || {
        groups.check_transactional_commit(group, &who)?;
        groups
            .commit_pending(group, producer.producer_id, offsets)
            .map_err(|error| {
                log_storage_error(&error);
                ResponseError::CoordinatorNotAvailable
            })
    };
    let id = request.transactional_id.as_str();
    let place = offsets_place(group);
    let transactions = &call.cluster.transactions;
    let written = if call.version >= IMPLICIT_VERSION {
        transactions.add_then(call.cluster, id, producer, &[place], Version::Two, write)
    } else {
        transactions.verify_then(id, producer, &place, write)
    };
    written.map_err(|error| as_known(error, call.version))?
}

fn as_known(error: ResponseError, version: i16) -> ResponseError {
    match error {
        ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
        ResponseError::TransactionAbortable if version < ABORTABLE_VERSION => ResponseError::InvalidTxnState,
        // What old clients take as "try again".
        ResponseError::ConcurrentTransactions => ResponseError::CoordinatorNotAvailable,
        other => other,
    }
}
