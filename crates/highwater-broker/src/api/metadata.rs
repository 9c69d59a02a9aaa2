//! Metadata: which topics there are, and who leads their partitions.

use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use super::errors::ApiError;
use crate::partition::LEADER_EPOCH;
use crate::topic_config::TopicConfig;
use crate::topics::{Topic, TopicError};

/// Operations were not asked for, or there is nobody to authorize.
const NO_OPERATIONS: i32 = i32::MIN;

pub(super) fn handle(call: &Call<'_>, request: MetadataRequest) -> MetadataResponse {
    let cluster = call.cluster;
    // Version 0 asks for all topics with an empty list, later ones with null.
    let topics = match request.topics {
        Some(topics) if !(call.version == 0 && topics.is_empty()) => topics
            .into_iter()
            .map(|topic| describe_one(call, topic, request.allow_auto_topic_creation))
            .collect(),
        _ => cluster
            .topics
            .all()
            .iter()
            .map(|topic| describe(call, topic))
            .collect(),
    };
    let brokers = cluster
        .nodes()
        .iter()
        .map(|node| {
            let address = node.advertised(call.reached_by);
            MetadataResponseBroker::default()
                .with_node_id(BrokerId(node.id))
                .with_host(StrBytes::from_string(address.ip().to_string()))
                .with_port(i32::from(address.port()))
        })
        .collect();
    MetadataResponse::default()
        .with_brokers(brokers)
        .with_cluster_id(Some(StrBytes::from_string(cluster.data_dir.cluster_id.clone())))
        .with_controller_id(BrokerId(cluster.leader().id))
        .with_cluster_authorized_operations(NO_OPERATIONS)
        .with_topics(topics)
}

fn describe_one(call: &Call<'_>, wanted: MetadataRequestTopic, may_create: bool) -> MetadataResponseTopic {
    let Some(name) = wanted.name else {
        return match call.cluster.topics.get_by_id(wanted.topic_id) {
            Some(topic) => describe(call, &topic),
            None => MetadataResponseTopic::default()
                .with_error_code(ResponseError::UnknownTopicId.code())
                .with_topic_id(wanted.topic_id)
                .with_topic_authorized_operations(NO_OPERATIONS),
        };
    };
    match find_or_create(call, &name, may_create) {
        Ok(topic) => describe(call, &topic),
        Err(error) => MetadataResponseTopic::default()
            .with_error_code(error.code())
            .with_name(Some(name))
            .with_topic_authorized_operations(NO_OPERATIONS),
    }
}

fn find_or_create(call: &Call<'_>, name: &TopicName, may_create: bool) -> Result<Arc<Topic>, ApiError> {
    let topics = &call.cluster.topics;
    if let Some(topic) = topics.get(name) {
        return Ok(topic);
    }
    if !may_create || !call.cluster.config.auto_create_topics {
        return Err(ApiError::unknown_partition());
    }
    let partitions = call.cluster.config.default_partitions;
    match topics.create(name, partitions, TopicConfig::default()) {
        // Somebody else was faster.
        Err(TopicError::Exists(_)) => topics.get(name).ok_or_else(ApiError::unknown_partition),
        created => created.map_err(ApiError::from),
    }
}

fn describe(call: &Call<'_>, topic: &Topic) -> MetadataResponseTopic {
    let leader = BrokerId(call.cluster.leader().id);
    let partitions = topic
        .partitions
        .iter()
        .map(|partition| {
            MetadataResponsePartition::default()
                .with_partition_index(partition.place.partition)
                .with_leader_id(leader)
                .with_leader_epoch(LEADER_EPOCH)
                .with_replica_nodes(vec![leader])
                .with_isr_nodes(vec![leader])
        })
        .collect();
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(topic.name.to_string()))))
        .with_topic_id(topic.id)
        .with_topic_authorized_operations(NO_OPERATIONS)
        .with_partitions(partitions)
}
