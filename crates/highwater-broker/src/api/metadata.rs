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
use super::operations;
use crate::coordination::{Coordination, is_internal};
use crate::topic_config::TopicConfig;
use crate::topics::{Topic, TopicError, is_topic_name};

/// Operations were not asked for.
const NO_OPERATIONS: i32 = operations::NOT_ASKED;

/// First version in which a topic is asked for by id, and need not be named in the answer.
const ID_VERSION: i16 = 12;

/// First versions whose answers say whether a topic is internal, and which epoch its leaders are in.
const INTERNAL_VERSION: i16 = 1;
const EPOCH_VERSION: i16 = 7;

const NO_EPOCH: i32 = -1;

pub(super) fn handle(call: &Call<'_>, request: MetadataRequest) -> MetadataResponse {
    let cluster = call.cluster;
    let operations = operations::of_topic(request.include_topic_authorized_operations);
    // Version 0 asks for all topics with an empty list, later ones with null.
    let topics: Vec<_> = match request.topics {
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
    let topics = topics
        .into_iter()
        .map(|topic: MetadataResponseTopic| match topic.error_code {
            0 => topic.with_topic_authorized_operations(operations),
            _ => topic,
        })
        .collect();
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
        .with_controller_id(BrokerId(cluster.controller().id))
        .with_cluster_authorized_operations(operations::of_cluster(
            request.include_cluster_authorized_operations,
        ))
        .with_topics(topics)
}

fn describe_one(call: &Call<'_>, wanted: MetadataRequestTopic, may_create: bool) -> MetadataResponseTopic {
    let Some(name) = wanted.name else {
        return match call.cluster.topics.get_by_id(wanted.topic_id) {
            Some(topic) => describe(call, &topic),
            None => MetadataResponseTopic::default()
                .with_error_code(ResponseError::UnknownTopicId.code())
                .with_name((call.version < ID_VERSION).then(TopicName::default))
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
    if !is_topic_name(name) {
        return Err(TopicError::Name(name.to_string()).into());
    }
    if !may_create || !call.cluster.config.auto_create_topics {
        return Err(ApiError::unknown_partition());
    }
    let partitions = if is_internal(name) {
        Coordination::PARTITIONS
    } else {
        call.cluster.config.default_partitions
    };
    match super::blocking(|| topics.create(name, partitions, TopicConfig::default())) {
        // Somebody else was faster.
        Err(TopicError::Exists(_)) => topics.get(name).ok_or_else(ApiError::unknown_partition),
        created => created.map_err(ApiError::from),
    }
}

fn describe(call: &Call<'_>, topic: &Topic) -> MetadataResponseTopic {
    let partitions = topic
        .partitions
        .iter()
        .map(|partition| {
            let leadership = partition.leadership();
            let replicas: Vec<BrokerId> = leadership.replicas.iter().copied().map(BrokerId).collect();
            // The codec refuses to leave a field out that is set.
            let epoch = if call.version >= EPOCH_VERSION {
                leadership.epoch
            } else {
                NO_EPOCH
            };
            MetadataResponsePartition::default()
                .with_partition_index(partition.place.partition)
                .with_leader_id(BrokerId(leadership.leader))
                .with_leader_epoch(epoch)
                .with_replica_nodes(replicas.clone())
                .with_isr_nodes(replicas)
        })
        .collect();
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(topic.name.to_string()))))
        .with_topic_id(topic.id)
        .with_is_internal(call.version >= INTERNAL_VERSION && is_internal(&topic.name))
        .with_topic_authorized_operations(NO_OPERATIONS)
        .with_partitions(partitions)
}
