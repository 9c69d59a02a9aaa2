//! DescribeTopicPartitions: topics and their partitions, in pages.

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use super::operations;
use crate::coordination::is_internal;
use crate::partition::Partition;
use crate::topics::{Topic, is_topic_name};

/// Partitions in one answer at most, as in Kafka (`max.request.partition.size.limit`).
const MAX_PARTITIONS: usize = 2_000;

/// Topics in order of name, from the cursor on, until the page is full; a cursor says where to go on.
pub(super) fn describe(
    call: &Call<'_>,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    if request
        .cursor
        .as_ref()
        .is_some_and(|cursor| cursor.partition_index < 0)
    {
        return refuse_all(request, ResponseError::InvalidRequest);
    }
    let asked_for_all = request.topics.is_empty();
    let first = request.cursor.map(|cursor| {
        let name = cursor.topic_name.to_string();
        (name, usize::try_from(cursor.partition_index).unwrap_or(0))
    });
    let names: BTreeSet<String> = if asked_for_all {
        let all = call.cluster.topics.all();
        all.iter().map(|topic| topic.name.to_string()).collect()
    } else {
        let named = request.topics.iter();
        named.map(|topic| topic.name.to_string()).collect()
    };
    let mut room = usize::try_from(request.response_partition_limit)
        .unwrap_or(0)
        .clamp(1, MAX_PARTITIONS);
    let mut response = DescribeTopicPartitionsResponse::default();
    let before_cursor = |name: &String| first.as_ref().is_some_and(|(first, _)| name < first);
    for name in names.into_iter().filter(|name| !before_cursor(name)) {
        if room == 0 {
            return response.with_next_cursor(Some(cursor(&name, 0)));
        }
        let Some(topic) = call.cluster.topics.get(&name) else {
            if !asked_for_all {
                response.topics.push(unknown(&name));
            }
            continue;
        };
        let skipped = match &first {
            Some((first, partition)) if *first == name => *partition,
            _ => 0,
        };
        let rest = topic.partitions.get(skipped..).unwrap_or_default();
        let shown = &rest[..rest.len().min(room)];
        response.topics.push(described(&topic, shown));
        if shown.len() < rest.len() {
            return response.with_next_cursor(Some(cursor(&name, skipped + shown.len())));
        }
        room -= shown.len();
    }
    response
}

/// The answer has no room for an error of the request, so each topic tells it.
fn refuse_all(
    request: DescribeTopicPartitionsRequest,
    error: ResponseError,
) -> DescribeTopicPartitionsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        DescribeTopicPartitionsResponseTopic::default()
            .with_error_code(error.code())
            .with_name(Some(topic.name))
            .with_topic_authorized_operations(operations::NOT_ASKED)
    });
    DescribeTopicPartitionsResponse::default().with_topics(topics.collect())
}

fn cursor(topic: &str, partition: usize) -> Cursor {
    Cursor::default()
        .with_topic_name(TopicName(StrBytes::from_string(topic.to_owned())))
        .with_partition_index(i32::try_from(partition).unwrap_or(i32::MAX))
}

fn unknown(name: &str) -> DescribeTopicPartitionsResponseTopic {
    let error = if is_topic_name(name) {
        ResponseError::UnknownTopicOrPartition
    } else {
        ResponseError::InvalidTopicException
    };
    DescribeTopicPartitionsResponseTopic::default()
        .with_error_code(error.code())
        .with_name(Some(TopicName(StrBytes::from_string(name.to_owned()))))
        .with_topic_authorized_operations(operations::NOT_ASKED)
}

/// What a client may do with a topic is always told, as the request cannot leave it out.
fn described(topic: &Topic, shown: &[Arc<Partition>]) -> DescribeTopicPartitionsResponseTopic {
    let partitions = shown
        .iter()
        .map(|partition| {
            let leadership = partition.leadership();
            let replicas: Vec<BrokerId> = leadership.replicas.iter().copied().map(BrokerId).collect();
            DescribeTopicPartitionsResponsePartition::default()
                .with_partition_index(partition.place.partition)
                .with_leader_id(BrokerId(leadership.leader))
                .with_leader_epoch(leadership.epoch)
                .with_replica_nodes(replicas.clone())
                .with_isr_nodes(replicas)
                .with_eligible_leader_replicas(Some(Vec::new()))
                .with_last_known_elr(Some(Vec::new()))
        })
        .collect();
    DescribeTopicPartitionsResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(topic.name.to_string()))))
        .with_topic_id(topic.id)
        .with_is_internal(is_internal(&topic.name))
        .with_partitions(partitions)
        .with_topic_authorized_operations(operations::of_topic(true))
}
