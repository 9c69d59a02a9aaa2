//! One plausible request of each kind, about topics, groups and producers that exist.

use bytes::Bytes;
use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig as PlainConfig};
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource as IncrementalResource, AlterableConfig,
};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

/// Topics, each with settings that lead through other code.
pub(crate) const TOPICS: [(&str, &[(&str, &str)]); 3] = [
    ("fuzz-plain", &[]),
    ("fuzz-compacted", &[("cleanup.policy", "compact")]),
    ("fuzz-append-time", &[("message.timestamp.type", "LogAppendTime")]),
];
const GROUP: &str = "fuzz-group";
const TRANSACTION: &str = "fuzz-transaction";
const TIMEOUT_MS: i32 = 1_000;
/// Resource type of a topic in the requests about settings.
const TOPIC_RESOURCE: i8 = 2;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

fn group() -> GroupId {
    GroupId(text(GROUP))
}

fn transaction() -> TransactionalId {
    TransactionalId(text(TRANSACTION))
}

pub(crate) fn create_topics(topics: &[(&str, &[(&str, &str)])], only_check: bool) -> CreateTopicsRequest {
    let topics = topics.iter().map(|(name, configs)| {
        let configs = configs.iter().map(|(name, value)| {
            CreatableTopicConfig::default()
                .with_name(text(name))
                .with_value(Some(text(value)))
        });
        CreatableTopic::default()
            .with_name(topic(name))
            .with_num_partitions(2)
            .with_replication_factor(1)
            .with_configs(configs.collect())
    });
    CreateTopicsRequest::default()
        .with_topics(topics.collect())
        .with_timeout_ms(TIMEOUT_MS)
        .with_validate_only(only_check)
}

pub(crate) fn delete_topics(name: &str) -> DeleteTopicsRequest {
    DeleteTopicsRequest::default()
        .with_topic_names(vec![topic(name)])
        .with_timeout_ms(TIMEOUT_MS)
}

/// Of an id that no topic has, so that the others keep theirs.
pub(crate) fn delete_topics_by_id(id: Uuid) -> DeleteTopicsRequest {
    let other = Uuid::from_u128(!id.as_u128());
    DeleteTopicsRequest::default()
        .with_topics(vec![
            DeleteTopicState::default().with_name(None).with_topic_id(other),
        ])
        .with_timeout_ms(TIMEOUT_MS)
}

pub(crate) fn produce(name: &str, records: Option<Bytes>) -> ProduceRequest {
    produce_to(TopicProduceData::default().with_name(topic(name)), records)
}

pub(crate) fn produce_by_id(id: Uuid, records: Bytes) -> ProduceRequest {
    produce_to(TopicProduceData::default().with_topic_id(id), Some(records))
}

fn produce_to(data: TopicProduceData, records: Option<Bytes>) -> ProduceRequest {
    let partition = PartitionProduceData::default()
        .with_index(0)
        .with_records(records);
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(TIMEOUT_MS)
        .with_topic_data(vec![data.with_partition_data(vec![partition])])
}

pub(crate) fn fetch(name: &str, _: Uuid) -> FetchRequest {
    fetch_from(FetchTopic::default().with_topic(topic(name)))
}

pub(crate) fn fetch_by_id(id: Uuid) -> FetchRequest {
    fetch_from(FetchTopic::default().with_topic_id(id))
}

fn fetch_from(from: FetchTopic) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_partition(0)
        .with_fetch_offset(0)
        .with_partition_max_bytes(1 << 20);
    FetchRequest::default()
        .with_max_wait_ms(0)
        .with_min_bytes(0)
        .with_max_bytes(1 << 20)
        .with_isolation_level(1)
        .with_topics(vec![from.with_partitions(vec![partition])])
}

pub(crate) fn metadata(name: &str) -> MetadataRequest {
    let wanted = MetadataRequestTopic::default().with_name(Some(topic(name)));
    MetadataRequest::default().with_topics(Some(vec![wanted]))
}

pub(crate) fn list_offsets(name: &str) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition::default()
        .with_partition_index(0)
        .with_current_leader_epoch(-1)
        .with_timestamp(-1);
    let wanted = ListOffsetsTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![partition]);
    ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(vec![wanted])
}

pub(crate) fn leader_epoch(name: &str) -> OffsetForLeaderEpochRequest {
    let partition = OffsetForLeaderPartition::default().with_current_leader_epoch(-1);
    let wanted = OffsetForLeaderTopic::default()
        .with_topic(topic(name))
        .with_partitions(vec![partition]);
    OffsetForLeaderEpochRequest::default().with_topics(vec![wanted])
}

pub(crate) fn coordinator() -> FindCoordinatorRequest {
    FindCoordinatorRequest::default().with_key(text(GROUP))
}

pub(crate) fn coordinators() -> FindCoordinatorRequest {
    FindCoordinatorRequest::default().with_coordinator_keys(vec![text(GROUP), text(TRANSACTION)])
}

pub(crate) fn init_producer() -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(Some(transaction()))
        .with_transaction_timeout_ms(TIMEOUT_MS)
}

pub(crate) fn join_group() -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(Bytes::from_static(b"subscription"));
    JoinGroupRequest::default()
        .with_group_id(group())
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol])
}

pub(crate) fn sync_group() -> SyncGroupRequest {
    let assignment = SyncGroupRequestAssignment::default().with_assignment(Bytes::from_static(b"all of it"));
    SyncGroupRequest::default()
        .with_group_id(group())
        .with_generation_id(1)
        .with_assignments(vec![assignment])
}

pub(crate) fn heartbeat() -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(group())
        .with_generation_id(1)
        .with_member_id(text("member"))
}

pub(crate) fn leave_group() -> LeaveGroupRequest {
    LeaveGroupRequest::default()
        .with_group_id(group())
        .with_member_id(text("member"))
}

pub(crate) fn leave_group_together() -> LeaveGroupRequest {
    let member = MemberIdentity::default().with_member_id(text("member"));
    LeaveGroupRequest::default()
        .with_group_id(group())
        .with_members(vec![member])
}

pub(crate) fn offset_commit(name: &str) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default()
        .with_committed_offset(3)
        .with_committed_metadata(Some(text("metadata")));
    let of = OffsetCommitRequestTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(group())
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![of])
}

pub(crate) fn offset_fetch(name: &str) -> OffsetFetchRequest {
    let of = OffsetFetchRequestTopic::default()
        .with_name(topic(name))
        .with_partition_indexes(vec![0, 1]);
    OffsetFetchRequest::default()
        .with_group_id(group())
        .with_topics(Some(vec![of]))
}

pub(crate) fn offset_fetch_of_groups(name: &str) -> OffsetFetchRequest {
    let of = OffsetFetchRequestTopics::default()
        .with_name(topic(name))
        .with_partition_indexes(vec![0, 1]);
    let wanted = OffsetFetchRequestGroup::default()
        .with_group_id(group())
        .with_topics(Some(vec![of]));
    OffsetFetchRequest::default().with_groups(vec![wanted])
}

pub(crate) fn offset_delete(name: &str) -> OffsetDeleteRequest {
    let of = OffsetDeleteRequestTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![OffsetDeleteRequestPartition::default()]);
    OffsetDeleteRequest::default()
        .with_group_id(group())
        .with_topics(vec![of])
}

fn transaction_topic(name: &str) -> AddPartitionsToTxnTopic {
    AddPartitionsToTxnTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![0])
}

pub(crate) fn add_partitions(name: &str) -> AddPartitionsToTxnRequest {
    AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(transaction())
        .with_v3_and_below_producer_id(ProducerId(0))
        .with_v3_and_below_topics(vec![transaction_topic(name)])
}

pub(crate) fn add_partitions_together(name: &str) -> AddPartitionsToTxnRequest {
    let of = AddPartitionsToTxnTransaction::default()
        .with_transactional_id(transaction())
        .with_producer_id(ProducerId(0))
        .with_topics(vec![transaction_topic(name)]);
    AddPartitionsToTxnRequest::default().with_transactions(vec![of])
}

pub(crate) fn add_offsets() -> AddOffsetsToTxnRequest {
    AddOffsetsToTxnRequest::default()
        .with_transactional_id(transaction())
        .with_producer_id(ProducerId(0))
        .with_group_id(group())
}

pub(crate) fn txn_offset_commit(name: &str) -> TxnOffsetCommitRequest {
    let of = TxnOffsetCommitRequestTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![TxnOffsetCommitRequestPartition::default()]);
    TxnOffsetCommitRequest::default()
        .with_transactional_id(transaction())
        .with_producer_id(ProducerId(0))
        .with_group_id(group())
        .with_topics(vec![of])
}

pub(crate) fn end_txn() -> EndTxnRequest {
    EndTxnRequest::default()
        .with_transactional_id(transaction())
        .with_producer_id(ProducerId(0))
        .with_committed(true)
}

pub(crate) fn delete_records(name: &str) -> DeleteRecordsRequest {
    let partition = DeleteRecordsPartition::default().with_offset(0);
    let of = DeleteRecordsTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![partition]);
    DeleteRecordsRequest::default()
        .with_topics(vec![of])
        .with_timeout_ms(TIMEOUT_MS)
}

pub(crate) fn describe_configs(name: &str) -> DescribeConfigsRequest {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC_RESOURCE)
        .with_resource_name(text(name))
        .with_configuration_keys(None);
    DescribeConfigsRequest::default().with_resources(vec![resource])
}

pub(crate) fn alter_configs(name: &str) -> AlterConfigsRequest {
    let config = PlainConfig::default()
        .with_name(text("retention.ms"))
        .with_value(Some(text("-1")));
    let resource = AlterConfigsResource::default()
        .with_resource_type(TOPIC_RESOURCE)
        .with_resource_name(text(name))
        .with_configs(vec![config]);
    AlterConfigsRequest::default().with_resources(vec![resource])
}

pub(crate) fn incremental_alter_configs(name: &str) -> IncrementalAlterConfigsRequest {
    let config = AlterableConfig::default()
        .with_name(text("max.message.bytes"))
        .with_value(Some(text("1048588")));
    let resource = IncrementalResource::default()
        .with_resource_type(TOPIC_RESOURCE)
        .with_resource_name(text(name))
        .with_configs(vec![config]);
    IncrementalAlterConfigsRequest::default().with_resources(vec![resource])
}

pub(crate) fn create_partitions(name: &str) -> CreatePartitionsRequest {
    let of = CreatePartitionsTopic::default()
        .with_name(topic(name))
        .with_count(3)
        .with_assignments(None);
    CreatePartitionsRequest::default()
        .with_topics(vec![of])
        .with_timeout_ms(TIMEOUT_MS)
}

/// The software must have a name, or the request is refused.
pub(crate) fn api_versions() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("fuzz"))
        .with_client_software_version(StrBytes::from_static_str("1"))
}

pub(crate) fn describe_groups() -> DescribeGroupsRequest {
    DescribeGroupsRequest::default().with_groups(vec![group()])
}

pub(crate) fn delete_groups() -> DeleteGroupsRequest {
    DeleteGroupsRequest::default().with_groups_names(vec![group()])
}

pub(crate) fn describe_producers(name: &str) -> DescribeProducersRequest {
    let of = TopicRequest::default()
        .with_name(topic(name))
        .with_partition_indexes(vec![0]);
    DescribeProducersRequest::default().with_topics(vec![of])
}

pub(crate) fn describe_transactions() -> DescribeTransactionsRequest {
    DescribeTransactionsRequest::default().with_transactional_ids(vec![transaction()])
}

pub(crate) fn reassign(name: &str) -> AlterPartitionReassignmentsRequest {
    let partition = ReassignablePartition::default().with_replicas(Some(vec![BrokerId(1)]));
    let of = ReassignableTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![partition]);
    AlterPartitionReassignmentsRequest::default()
        .with_timeout_ms(TIMEOUT_MS)
        .with_topics(vec![of])
}
