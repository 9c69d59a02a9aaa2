//! The requests that the workers send, one version each; an answer with an error is a value.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use highwater_wire::Connection;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, BrokerId, CreateTopicsRequest, DeleteRecordsRequest,
    DeleteTopicsRequest, EndTxnRequest, FetchRequest, GroupId, InitProducerIdRequest, ListOffsetsRequest,
    OffsetCommitRequest, OffsetFetchRequest, ProduceRequest, ProducerId, TopicName, TransactionalId,
    TxnOffsetCommitRequest,
};
use kafka_protocol::protocol::{Request, StrBytes};

use crate::worker::{Stop, wrong};

/// Longer than any answer takes, so that a hang is told and not waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// The smallest segments that Kafka lets a topic have.
pub(crate) const SEGMENT_BYTES: (&str, &str) = ("segment.bytes", "1048576");
/// The timestamp that stands for the start of a partition.
const EARLIEST: i64 = -2;
/// More than a round writes into a partition between two reads.
const FETCH_BYTES: i32 = 8 << 20;

pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(crate) fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

/// The name of an error code.
pub(crate) fn error(code: i16) -> Option<ResponseError> {
    ResponseError::try_from_code(code)
}

/// An id with its epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Producer {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
}

pub(crate) struct Client {
    connection: Connection,
}

impl Client {
    pub(crate) fn open(address: SocketAddr) -> Result<Self, Stop> {
        let connection = Connection::open(address, PATIENCE)?;
        Ok(Self { connection })
    }

    pub(crate) fn call<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response, Stop> {
        Ok(self.connection.call(request, version)?)
    }

    pub(crate) fn create_topic(
        &mut self,
        name: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> Result<(), Stop> {
        let configs = configs.iter().map(|(name, value)| {
            CreatableTopicConfig::default()
                .with_name(text(name))
                .with_value(Some(text(value)))
        });
        let topic = CreatableTopic::default()
            .with_name(topic_name(name))
            .with_num_partitions(partitions)
            .with_replication_factor(1)
            .with_configs(configs.collect());
        let request = CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(10_000);
        let response = self.call(&request, 7)?;
        match error(response.topics[0].error_code) {
            None | Some(ResponseError::TopicAlreadyExists) => Ok(()),
            Some(error) => wrong(format!("topic {name} is not made: {error:?}")),
        }
    }

    pub(crate) fn delete_topic(&mut self, name: &str) -> Result<(), Stop> {
        let request = DeleteTopicsRequest::default()
            .with_topic_names(vec![topic_name(name)])
            .with_timeout_ms(10_000);
        self.call(&request, 5).map(drop)
    }

    pub(crate) fn init_producer(
        &mut self,
        transactional_id: Option<&str>,
    ) -> Result<Result<Producer, ResponseError>, Stop> {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(transactional_id.map(|id| TransactionalId(text(id))))
            .with_transaction_timeout_ms(60_000)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let response = self.call(&request, 4)?;
        Ok(match error(response.error_code) {
            Some(error) => Err(error),
            None => Ok(Producer {
                id: response.producer_id.0,
                epoch: response.producer_epoch,
            }),
        })
    }

    /// The offset of the first record.
    pub(crate) fn produce(
        &mut self,
        topic: &str,
        partition: i32,
        transactional_id: Option<&str>,
        batch: Bytes,
    ) -> Result<Result<i64, ResponseError>, Stop> {
        let data = PartitionProduceData::default()
            .with_index(partition)
            .with_records(Some(batch));
        let data = TopicProduceData::default()
            .with_name(topic_name(topic))
            .with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_transactional_id(transactional_id.map(|id| TransactionalId(text(id))))
            .with_acks(-1)
            .with_timeout_ms(10_000)
            .with_topic_data(vec![data]);
        let response = self.call(&request, 9)?;
        let answer = &response.responses[0].partition_responses[0];
        Ok(match error(answer.error_code) {
            Some(error) => Err(error),
            None => Ok(answer.base_offset),
        })
    }

    pub(crate) fn fetch(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
        committed_only: bool,
    ) -> Result<PartitionData, Stop> {
        let wanted = FetchPartition::default()
            .with_partition(partition)
            .with_fetch_offset(offset)
            .with_partition_max_bytes(FETCH_BYTES);
        let wanted = FetchTopic::default()
            .with_topic(topic_name(topic))
            .with_partitions(vec![wanted]);
        let request = FetchRequest::default()
            .with_max_wait_ms(0)
            .with_min_bytes(0)
            .with_max_bytes(FETCH_BYTES)
            .with_isolation_level(i8::from(committed_only))
            .with_topics(vec![wanted]);
        let mut response = self.call(&request, 12)?;
        match response
            .responses
            .pop()
            .and_then(|mut topic| topic.partitions.pop())
        {
            Some(data) => Ok(data),
            None => wrong(format!("a fetch of {topic}-{partition} answered without it")),
        }
    }

    /// The first offset that is still there.
    pub(crate) fn start_offset(&mut self, topic: &str, partition: i32) -> Result<i64, Stop> {
        let partition = ListOffsetsPartition::default()
            .with_partition_index(partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(EARLIEST);
        let wanted = ListOffsetsTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(vec![partition]);
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_topics(vec![wanted]);
        let response = self.call(&request, 7)?;
        let answer = &response.topics[0].partitions[0];
        match error(answer.error_code) {
            None => Ok(answer.offset),
            Some(error) => wrong(format!("the start of {topic} can't be had: {error:?}")),
        }
    }

    /// Deletes everything before an offset.
    pub(crate) fn delete_records(
        &mut self,
        topic: &str,
        partition: i32,
        before: i64,
    ) -> Result<Result<i64, ResponseError>, Stop> {
        let partition = DeleteRecordsPartition::default()
            .with_partition_index(partition)
            .with_offset(before);
        let topic = DeleteRecordsTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(vec![partition]);
        let request = DeleteRecordsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(10_000);
        let response = self.call(&request, 2)?;
        let answer = &response.topics[0].partitions[0];
        Ok(match error(answer.error_code) {
            Some(error) => Err(error),
            None => Ok(answer.low_watermark),
        })
    }

    pub(crate) fn commit_offset(
        &mut self,
        group: &str,
        member: (&str, i32),
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<Option<ResponseError>, Stop> {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(partition)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(-1);
        let topic = OffsetCommitRequestTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(text(group)))
            .with_member_id(text(member.0))
            .with_generation_id_or_member_epoch(member.1)
            .with_topics(vec![topic]);
        let response = self.call(&request, 8)?;
        Ok(error(response.topics[0].partitions[0].error_code))
    }

    /// The committed offset of a partition, -1 if there is none.
    pub(crate) fn committed_offset(&mut self, group: &str, topic: &str, partition: i32) -> Result<i64, Stop> {
        let topic = OffsetFetchRequestTopics::default()
            .with_name(topic_name(topic))
            .with_partition_indexes(vec![partition]);
        let wanted = OffsetFetchRequestGroup::default()
            .with_group_id(GroupId(text(group)))
            .with_topics(Some(vec![topic]));
        let request = OffsetFetchRequest::default()
            .with_groups(vec![wanted])
            .with_require_stable(true);
        let response = self.call(&request, 8)?;
        let group = &response.groups[0];
        let partition = &group.topics[0].partitions[0];
        match error(group.error_code).or(error(partition.error_code)) {
            None => Ok(partition.committed_offset),
            Some(error) => wrong(format!("the committed offset can't be had: {error:?}")),
        }
    }

    pub(crate) fn add_partitions(
        &mut self,
        transactional_id: &str,
        producer: Producer,
        topics: &[&str],
    ) -> Result<Option<ResponseError>, Stop> {
        let topics = topics.iter().map(|topic| {
            AddPartitionsToTxnTopic::default()
                .with_name(topic_name(topic))
                .with_partitions(vec![0])
        });
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(TransactionalId(text(transactional_id)))
            .with_v3_and_below_producer_id(ProducerId(producer.id))
            .with_v3_and_below_producer_epoch(producer.epoch)
            .with_v3_and_below_topics(topics.collect());
        let response = self.call(&request, 3)?;
        let partitions = response
            .results_by_topic_v3_and_below
            .iter()
            .flat_map(|topic| &topic.results_by_partition);
        Ok(partitions
            .filter_map(|partition| error(partition.partition_error_code))
            .next())
    }

    pub(crate) fn add_offsets(
        &mut self,
        transactional_id: &str,
        producer: Producer,
        group: &str,
    ) -> Result<Option<ResponseError>, Stop> {
        let request = AddOffsetsToTxnRequest::default()
            .with_transactional_id(TransactionalId(text(transactional_id)))
            .with_producer_id(ProducerId(producer.id))
            .with_producer_epoch(producer.epoch)
            .with_group_id(GroupId(text(group)));
        let response = self.call(&request, 3)?;
        Ok(error(response.error_code))
    }

    pub(crate) fn commit_in_transaction(
        &mut self,
        transactional_id: &str,
        producer: Producer,
        group: &str,
        topic: &str,
        offset: i64,
    ) -> Result<Option<ResponseError>, Stop> {
        let partition = TxnOffsetCommitRequestPartition::default()
            .with_partition_index(0)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(-1);
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(vec![partition]);
        let request = TxnOffsetCommitRequest::default()
            .with_transactional_id(TransactionalId(text(transactional_id)))
            .with_producer_id(ProducerId(producer.id))
            .with_producer_epoch(producer.epoch)
            .with_group_id(GroupId(text(group)))
            .with_generation_id(-1)
            .with_topics(vec![topic]);
        let response = self.call(&request, 3)?;
        Ok(error(response.topics[0].partitions[0].error_code))
    }

    pub(crate) fn end_transaction(
        &mut self,
        transactional_id: &str,
        producer: Producer,
        commit: bool,
    ) -> Result<Option<ResponseError>, Stop> {
        let request = EndTxnRequest::default()
            .with_transactional_id(TransactionalId(text(transactional_id)))
            .with_producer_id(ProducerId(producer.id))
            .with_producer_epoch(producer.epoch)
            .with_committed(commit);
        let response = self.call(&request, 3)?;
        Ok(error(response.error_code))
    }
}
