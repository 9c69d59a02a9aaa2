//! The requests that the tests send, in one version each.

use bytes::Bytes;
use highwater_wire::batch::{BatchHeader, Batches, Step};
use highwater_wire::{BatchBuilder, Connection};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, FetchRequest, GroupId, InitProducerIdRequest, ListOffsetsRequest,
    ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(crate) fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

pub(crate) fn group(name: &str) -> GroupId {
    GroupId(text(name))
}

/// A batch of records without a producer id.
pub(crate) fn batch(values: &[&str]) -> Bytes {
    values
        .iter()
        .fold(BatchBuilder::new(), |builder, value| {
            builder.record(None, Some(value.as_bytes()))
        })
        .build()
}

/// A batch of one record of an idempotent producer.
pub(crate) fn sequenced(producer_id: i64, sequence: i32, value: &str) -> Bytes {
    BatchBuilder::new()
        .producer(producer_id, 0, sequence)
        .record(None, Some(value.as_bytes()))
        .build()
}

pub(crate) fn create_topic(connection: &mut Connection, name: &str, partitions: i32) -> i16 {
    let wanted = CreatableTopic::default()
        .with_name(topic(name))
        .with_num_partitions(partitions)
        .with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![wanted]);
    let response = connection.call(&request, 7).expect("CreateTopics");
    response.topics[0].error_code
}

pub(crate) fn produce_request(name: &str, partition: i32, records: Bytes) -> ProduceRequest {
    let data = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(records));
    let topic_data = TopicProduceData::default()
        .with_name(topic(name))
        .with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(1_000)
        .with_topic_data(vec![topic_data])
}

pub(crate) fn produce(
    connection: &mut Connection,
    name: &str,
    partition: i32,
    records: Bytes,
) -> PartitionProduceResponse {
    let request = produce_request(name, partition, records);
    let response = connection.call(&request, 9).expect("Produce");
    response.responses[0].partition_responses[0].clone()
}

pub(crate) fn fetch_request(name: &str, partition: i32, offset: i64) -> FetchRequest {
    let wanted = FetchPartition::default()
        .with_partition(partition)
        .with_fetch_offset(offset)
        .with_partition_max_bytes(1 << 20);
    let wanted = FetchTopic::default()
        .with_topic(topic(name))
        .with_partitions(vec![wanted]);
    FetchRequest::default()
        .with_max_wait_ms(0)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_topics(vec![wanted])
}

pub(crate) fn fetch(connection: &mut Connection, name: &str, partition: i32, offset: i64) -> PartitionData {
    let request = fetch_request(name, partition, offset);
    let response = connection.call(&request, 12).expect("Fetch");
    response.responses[0].partitions[0].clone()
}

/// The batches that a fetch brought.
pub(crate) fn batches(data: &PartitionData) -> Vec<BatchHeader> {
    let records = data.records.clone().unwrap_or_default();
    Batches::new(&records)
        .map(|step| match step {
            Step::Complete(header, _) => header,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Every record's value from `offset` to the end.
pub(crate) fn read_values(connection: &mut Connection, name: &str, partition: i32) -> Vec<String> {
    let mut values = Vec::new();
    loop {
        let offset = i64::try_from(values.len()).expect("small");
        let data = fetch(connection, name, partition, offset);
        assert_eq!(data.error_code, 0);
        let mut records = data.records.unwrap_or_default();
        if records.is_empty() {
            assert_eq!(data.high_watermark, offset, "nothing before the end");
            return values;
        }
        let sets = kafka_protocol::records::RecordBatchDecoder::decode_all(&mut records).expect("records");
        for record in sets.into_iter().flat_map(|set| set.records) {
            assert_eq!(record.offset, i64::try_from(values.len()).expect("small"));
            let value = record.value.unwrap_or_default();
            values.push(String::from_utf8_lossy(&value).into_owned());
        }
    }
}

pub(crate) fn list_offset(connection: &mut Connection, name: &str, timestamp: i64) -> (i16, i64) {
    let partition = ListOffsetsPartition::default()
        .with_partition_index(0)
        .with_current_leader_epoch(-1)
        .with_timestamp(timestamp);
    let wanted = ListOffsetsTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(vec![wanted]);
    let response = connection.call(&request, 7).expect("ListOffsets");
    let partition = &response.topics[0].partitions[0];
    (partition.error_code, partition.offset)
}

pub(crate) fn init_producer(connection: &mut Connection) -> i64 {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(1_000);
    let response = connection.call(&request, 4).expect("InitProducerId");
    assert_eq!((response.error_code, response.producer_epoch), (0, 0));
    response.producer_id.0
}
