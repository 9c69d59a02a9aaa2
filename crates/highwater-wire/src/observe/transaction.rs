//! Transactions: InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn (KIP-98, KIP-890).

use bytes::Bytes;
use highwater_model::history::{
    AddPartitionsFacts, EndTxnFacts, InitProducerFacts, PartitionResult, RequestFacts, ResponseFacts,
    TransactionFacts,
};
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest,
};

use super::dispatch::answer;
use super::fields::Fields;
use super::topic::by_name;
use crate::bounded;
use crate::error::WireError;

/// The version of InitProducerId with two-phase commit, which the codec lacks (KIP-939).
const TWO_PHASES: i16 = 6;

/// First version of AddPartitionsToTxn with several transactions (KIP-890).
const SEVERAL_SINCE: i16 = 4;

/// First version of EndTxn whose answer gives the next producer epoch (KIP-890).
const NEXT_EPOCH_SINCE: i16 = 5;

pub(super) fn init(mut body: Bytes, version: i16) -> Result<RequestFacts, WireError> {
    if version == TWO_PHASES {
        return init_two_phases(&body);
    }
    let request: InitProducerIdRequest = bounded::decode(&mut body, version)?;
    Ok(RequestFacts::InitProducerId(InitProducerFacts {
        transactional_id: request.transactional_id.map(|id| id.to_string()),
        transaction_timeout_ms: request.transaction_timeout_ms,
        producer_id: request.producer_id.0,
        producer_epoch: request.producer_epoch,
    }))
}

/// Version 6.
fn init_two_phases(body: &[u8]) -> Result<RequestFacts, WireError> {
    let mut fields = Fields::new(body, true);
    Ok(RequestFacts::InitProducerId(InitProducerFacts {
        transactional_id: fields.nullable_string("transactional id")?.map(str::to_owned),
        transaction_timeout_ms: fields.i32("transaction timeout")?,
        producer_id: fields.i64("producer id")?,
        producer_epoch: fields.i16("producer epoch")?,
    }))
}

pub(super) fn initialized(frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    let response = answer::<InitProducerIdRequest>(frame, version)?;
    Ok(ResponseFacts::Producer {
        error: response.error_code,
        producer_id: response.producer_id.0,
        producer_epoch: response.producer_epoch,
    })
}

pub(super) fn add_partitions(mut body: Bytes, version: i16) -> Result<RequestFacts, WireError> {
    let request: AddPartitionsToTxnRequest = bounded::decode(&mut body, version)?;
    let transactions = if version >= SEVERAL_SINCE {
        let several = request.transactions.into_iter();
        several
            .map(|transaction| {
                let who = TransactionFacts {
                    transactional_id: transaction.transactional_id.to_string(),
                    producer_id: transaction.producer_id.0,
                    producer_epoch: transaction.producer_epoch,
                };
                Ok((who, partitions(&transaction.topics)?))
            })
            .collect::<Result<_, WireError>>()?
    } else {
        let who = TransactionFacts {
            transactional_id: request.v3_and_below_transactional_id.to_string(),
            producer_id: request.v3_and_below_producer_id.0,
            producer_epoch: request.v3_and_below_producer_epoch,
        };
        vec![(who, partitions(&request.v3_and_below_topics)?)]
    };
    Ok(RequestFacts::AddPartitionsToTxn(AddPartitionsFacts {
        transactions,
    }))
}

fn partitions(topics: &[AddPartitionsToTxnTopic]) -> Result<Vec<(String, i32)>, WireError> {
    let mut partitions = Vec::new();
    for topic in topics {
        let name = by_name(&topic.name)?;
        partitions.extend(
            topic
                .partitions
                .iter()
                .map(|&partition| (name.clone(), partition)),
        );
    }
    Ok(partitions)
}

pub(super) fn partitions_added(frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    let response = answer::<AddPartitionsToTxnRequest>(frame, version)?;
    let by_transaction = response
        .results_by_transaction
        .into_iter()
        .flat_map(|transaction| transaction.topic_results);
    let mut results = Vec::new();
    for topic in response
        .results_by_topic_v3_and_below
        .into_iter()
        .chain(by_transaction)
    {
        let name = by_name(&topic.name)?;
        results.extend(
            topic
                .results_by_partition
                .into_iter()
                .map(|partition| PartitionResult {
                    topic: name.clone(),
                    partition: partition.partition_index,
                    error: partition.partition_error_code,
                    offset: -1,
                }),
        );
    }
    Ok(ResponseFacts::Partitions {
        error: response.error_code,
        results,
    })
}

pub(super) fn add_offsets(mut body: Bytes, version: i16) -> Result<RequestFacts, WireError> {
    let request: AddOffsetsToTxnRequest = bounded::decode(&mut body, version)?;
    Ok(RequestFacts::AddOffsetsToTxn {
        transaction: TransactionFacts {
            transactional_id: request.transactional_id.to_string(),
            producer_id: request.producer_id.0,
            producer_epoch: request.producer_epoch,
        },
        group_id: request.group_id.to_string(),
    })
}

pub(super) fn offsets_added(frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    let response = answer::<AddOffsetsToTxnRequest>(frame, version)?;
    Ok(ResponseFacts::Error {
        error: response.error_code,
    })
}

pub(super) fn end(mut body: Bytes, version: i16) -> Result<RequestFacts, WireError> {
    let request: EndTxnRequest = bounded::decode(&mut body, version)?;
    Ok(RequestFacts::EndTxn(EndTxnFacts {
        transaction: TransactionFacts {
            transactional_id: request.transactional_id.to_string(),
            producer_id: request.producer_id.0,
            producer_epoch: request.producer_epoch,
        },
        commit: request.committed,
    }))
}

pub(super) fn ended(frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    let response = answer::<EndTxnRequest>(frame, version)?;
    Ok(if version >= NEXT_EPOCH_SINCE {
        ResponseFacts::Producer {
            error: response.error_code,
            producer_id: response.producer_id.0,
            producer_epoch: response.producer_epoch,
        }
    } else {
        ResponseFacts::Error {
            error: response.error_code,
        }
    })
}
