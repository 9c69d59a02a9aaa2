//! Every version of the transactional requests, answered well and with an error.

use highwater_wire::{Connection, WireError};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, ApiKey, DescribeProducersRequest,
    DescribeTransactionsRequest, EndTxnRequest, InitProducerIdRequest, ListTransactionsRequest, ProducerId,
    TxnOffsetCommitRequest, WriteTxnMarkersRequest,
};

use crate::client::*;
use crate::transactional::{Producer, Protocol, error, init_request, transactional_id};

type Outcome = Result<(), WireError>;

const TOPICS: [&str; 2] = ["t", "nowhere"];

pub(crate) fn exercise(connection: &mut Connection, api: ApiKey, version: i16) -> Outcome {
    match api {
        ApiKey::InitProducerId => init_all(connection, version),
        ApiKey::AddPartitionsToTxn => add_all(connection, version),
        ApiKey::AddOffsetsToTxn => {
            let request = AddOffsetsToTxnRequest::default().with_group_id(group("versions"));
            connection.call(&request, version).map(drop)
        }
        ApiKey::TxnOffsetCommit => commit_all(connection, version),
        ApiKey::EndTxn => end_all(connection, version),
        ApiKey::WriteTxnMarkers => markers_all(connection, version),
        ApiKey::DescribeTransactions => {
            Producer::init(connection, "described", Protocol::Old);
            let ids = vec![transactional_id("described"), transactional_id("nobody")];
            let request = DescribeTransactionsRequest::default().with_transactional_ids(ids);
            connection.call(&request, version).map(drop)
        }
        ApiKey::ListTransactions => {
            let request = ListTransactionsRequest::default();
            connection.call(&request, version).map(drop)
        }
        ApiKey::DescribeProducers => {
            let wanted = TOPICS.map(|name| {
                TopicRequest::default()
                    .with_name(topic(name))
                    .with_partition_indexes(vec![0])
            });
            let request = DescribeProducersRequest::default().with_topics(wanted.to_vec());
            connection.call(&request, version).map(drop)
        }
        other => panic!("{other:?} is advertised and not tested"),
    }
}

fn init_all(connection: &mut Connection, version: i16) -> Outcome {
    let plain = InitProducerIdRequest::default().with_transactional_id(None);
    assert_eq!(connection.call(&plain, version)?.error_code, 0);
    let id = format!("init-{version}");
    assert_eq!(connection.call(&init_request(&id), version)?.error_code, 0);
    let refused = connection.call(&init_request(&id).with_transaction_timeout_ms(0), version)?;
    let expected = Some(ResponseError::InvalidTransactionTimeout);
    assert_eq!(error(refused.error_code), expected);
    Ok(())
}

fn add_all(connection: &mut Connection, version: i16) -> Outcome {
    let producer = Producer::init(connection, &format!("add-{version}"), Protocol::Old);
    for name in TOPICS {
        let topics = vec![
            AddPartitionsToTxnTopic::default()
                .with_name(topic(name))
                .with_partitions(vec![0]),
        ];
        let request = if version >= 4 {
            let transaction = AddPartitionsToTxnTransaction::default()
                .with_transactional_id(producer.transactional_id.clone())
                .with_producer_id(ProducerId(producer.id))
                .with_producer_epoch(producer.epoch)
                .with_topics(topics);
            AddPartitionsToTxnRequest::default().with_transactions(vec![transaction])
        } else {
            AddPartitionsToTxnRequest::default()
                .with_v3_and_below_transactional_id(producer.transactional_id.clone())
                .with_v3_and_below_producer_id(ProducerId(producer.id))
                .with_v3_and_below_producer_epoch(producer.epoch)
                .with_v3_and_below_topics(topics)
        };
        connection.call(&request, version)?;
    }
    Ok(())
}

fn commit_all(connection: &mut Connection, version: i16) -> Outcome {
    for name in TOPICS {
        let partition = TxnOffsetCommitRequestPartition::default().with_committed_offset(1);
        let wanted = TxnOffsetCommitRequestTopic::default()
            .with_name(topic(name))
            .with_partitions(vec![partition]);
        let request = TxnOffsetCommitRequest::default()
            .with_group_id(group("versions"))
            .with_topics(vec![wanted]);
        connection.call(&request, version)?;
    }
    Ok(())
}

fn end_all(connection: &mut Connection, version: i16) -> Outcome {
    let producer = Producer::init(connection, &format!("end-{version}"), Protocol::Old);
    assert_eq!(producer.add(connection, "t", 0), None);
    let request = EndTxnRequest::default()
        .with_transactional_id(producer.transactional_id.clone())
        .with_producer_id(ProducerId(producer.id))
        .with_producer_epoch(producer.epoch)
        .with_committed(true);
    assert_eq!(connection.call(&request, version)?.error_code, 0);
    let refused = connection.call(
        &request.with_transactional_id(transactional_id("nobody")),
        version,
    )?;
    let expected = Some(ResponseError::InvalidProducerIdMapping);
    assert_eq!(error(refused.error_code), expected);
    Ok(())
}

fn markers_all(connection: &mut Connection, version: i16) -> Outcome {
    let topics = TOPICS.map(|name| {
        WritableTxnMarkerTopic::default()
            .with_name(topic(name))
            .with_partition_indexes(vec![0])
    });
    let marker = WritableTxnMarker::default()
        .with_producer_id(ProducerId(77_000))
        .with_topics(topics.to_vec());
    let request = WriteTxnMarkersRequest::default().with_markers(vec![marker]);
    connection.call(&request, version).map(drop)
}
