//! The few requests that are sent as raw frames.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use highwater_wire::{BatchBuilder, Connection};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{CreateTopicsRequest, MetadataRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use crate::bench::error::BenchError;

/// Making thousands of partitions takes its time.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn connect(bootstrap: &str) -> Result<Connection, BenchError> {
    let address: SocketAddr = bootstrap
        .parse()
        .map_err(|_| BenchError::Missing("an address of the broker"))?;
    Ok(Connection::open(address, PATIENCE)?)
}

fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

fn no_error(what: &'static str, code: i16) -> Result<(), BenchError> {
    if code == 0 {
        Ok(())
    } else {
        Err(BenchError::Answer { what, code })
    }
}

pub(crate) fn create_topic(
    connection: &mut Connection,
    topic: &str,
    partitions: i32,
) -> Result<(), BenchError> {
    let wanted = CreatableTopic::default()
        .with_name(name(topic))
        .with_num_partitions(partitions)
        .with_replication_factor(1);
    let request = CreateTopicsRequest::default()
        .with_topics(vec![wanted])
        .with_timeout_ms(60_000);
    let response = connection.call(&request, 7)?;
    no_error("CreateTopics", response.topics[0].error_code)
}

pub(crate) fn metadata(connection: &mut Connection, topic: &str) -> Result<(), BenchError> {
    let wanted = MetadataRequestTopic::default().with_name(Some(name(topic)));
    let request = MetadataRequest::default().with_topics(Some(vec![wanted]));
    let response = connection.call(&request, 9)?;
    no_error("Metadata", response.topics[0].error_code)
}

pub(crate) fn produce(
    connection: &mut Connection,
    topic: &str,
    partition: i32,
    batch: Bytes,
) -> Result<(), BenchError> {
    let data = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(batch));
    let data = TopicProduceData::default()
        .with_name(name(topic))
        .with_partition_data(vec![data]);
    let request = ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(30_000)
        .with_topic_data(vec![data]);
    let response = connection.call(&request, 9)?;
    no_error("Produce", response.responses[0].partition_responses[0].error_code)
}

/// A batch of records of this size.
pub(crate) fn batch(records: usize, bytes: usize) -> Bytes {
    let value = vec![b'x'; bytes];
    (0..records)
        .fold(BatchBuilder::new(), |builder, _| {
            builder.record(None, Some(&value))
        })
        .build()
}
