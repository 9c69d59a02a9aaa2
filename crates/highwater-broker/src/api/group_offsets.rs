//! OffsetCommit and OffsetFetch.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestPartition;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopics;
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use super::errors::log_storage_error;
use crate::coordination::Coordination;
use crate::group::{CommitError, CommitRequest, Committed, OffsetKey};

/// Longest metadata kept with an offset, as in Kafka (`offset.metadata.max.bytes`).
const MAX_METADATA_BYTES: usize = 4_096;

/// First version with room for an error of the group; before, each partition tells it.
const GROUP_ERROR_VERSION: i16 = 2;

/// First version that asks for several groups at once.
const MANY_GROUPS_VERSION: i16 = 8;

/// Offset and epoch of "never committed".
const NO_OFFSET: i64 = -1;
const NO_EPOCH: i32 = -1;

pub(super) fn commit(call: &Call<'_>, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let who = CommitRequest {
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.map(|id| id.to_string()),
        generation: request.generation_id_or_member_epoch,
    };
    // Somebody in no group may commit for a group without a name, as in Kafka.
    let coordinates = call.coordinates(Coordination::Group, &request.group_id);
    let refused = coordinates.err().map(|error| error.error);
    let mut accepted = Vec::new();
    let mut topics: Vec<OffsetCommitResponseTopic> = Vec::new();
    for topic in request.topics {
        let known = call.cluster.topics.get(&topic.name);
        let partitions = topic
            .partitions
            .into_iter()
            .map(|partition| {
                let exists = known
                    .as_ref()
                    .is_some_and(|topic| topic.partition(partition.partition_index).is_some());
                let error = check(&partition, exists, refused);
                if error.is_none() {
                    accepted.push(to_commit(&topic.name, &partition));
                }
                OffsetCommitResponsePartition::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(error.map_or(0, |error| error.code()))
            })
            .collect();
        topics.push(
            OffsetCommitResponseTopic::default()
                .with_name(topic.name)
                .with_partitions(partitions),
        );
    }
    if refused.is_none()
        && let Err(error) = call.cluster.groups.commit(&request.group_id, &who, accepted)
    {
        let error = commit_code(&error);
        // What is wrong with the committer comes before what is wrong with its metadata.
        let too_large = ResponseError::OffsetMetadataTooLarge.code();
        for partition in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            if [0, too_large].contains(&partition.error_code) {
                partition.error_code = error.code();
            }
        }
    }
    OffsetCommitResponse::default().with_topics(topics)
}

fn commit_code(error: &CommitError) -> ResponseError {
    match error {
        CommitError::Refused(refusal) => *refusal,
        CommitError::Storage(_) | CommitError::Journal(_) => {
            log_storage_error(error);
            ResponseError::KafkaStorageError
        }
    }
}

/// In Kafka's order: the partition, the committer, the metadata.
fn check(
    partition: &OffsetCommitRequestPartition,
    exists: bool,
    refused: Option<ResponseError>,
) -> Option<ResponseError> {
    let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
    if !exists {
        Some(ResponseError::UnknownTopicOrPartition)
    } else if refused.is_some() {
        refused
    } else if metadata.len() > MAX_METADATA_BYTES {
        Some(ResponseError::OffsetMetadataTooLarge)
    } else {
        None
    }
}

fn to_commit(topic: &TopicName, partition: &OffsetCommitRequestPartition) -> (OffsetKey, Committed) {
    let committed = Committed {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition
            .committed_metadata
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    };
    ((topic.to_string(), partition.partition_index), committed)
}

pub(super) fn fetch(call: &Call<'_>, request: OffsetFetchRequest) -> OffsetFetchResponse {
    if call.version >= MANY_GROUPS_VERSION {
        let groups = request
            .groups
            .into_iter()
            .map(|group| {
                if let Err(error) = call.coordinates(Coordination::Group, &group.group_id) {
                    return OffsetFetchResponseGroup::default()
                        .with_group_id(group.group_id)
                        .with_error_code(error.code());
                }
                let topics = fetch_group(call, &group.group_id, group.topics, request.require_stable);
                OffsetFetchResponseGroup::default()
                    .with_group_id(group.group_id)
                    .with_topics(topics)
            })
            .collect();
        return OffsetFetchResponse::default().with_groups(groups);
    }
    let refused = call.coordinates(Coordination::Group, &request.group_id).err();
    let refused = refused.map_or(0, |error| error.code());
    let wanted = request.topics.map(|topics| {
        topics
            .into_iter()
            .map(|topic| {
                OffsetFetchRequestTopics::default()
                    .with_name(topic.name)
                    .with_partition_indexes(topic.partition_indexes)
            })
            .collect()
    });
    if refused != 0 && call.version >= GROUP_ERROR_VERSION {
        return OffsetFetchResponse::default().with_error_code(refused);
    }
    let mut topics: Vec<_> = fetch_group(call, &request.group_id, wanted, request.require_stable)
        .into_iter()
        .map(single_group_form)
        .collect();
    if refused != 0 {
        for partition in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            partition.error_code = refused;
            partition.committed_offset = NO_OFFSET;
        }
    }
    OffsetFetchResponse::default().with_topics(topics)
}

/// No list means all offsets of the group.
fn fetch_group(
    call: &Call<'_>,
    group: &str,
    wanted: Option<Vec<OffsetFetchRequestTopics>>,
    require_stable: bool,
) -> Vec<OffsetFetchResponseTopics> {
    let groups = &call.cluster.groups;
    let Some(wanted) = wanted else {
        let mut offsets: BTreeMap<OffsetKey, Option<Committed>> = groups
            .all_committed(group)
            .into_iter()
            .map(|(key, committed)| (key, Some(committed)))
            .collect();
        let unstable = if require_stable {
            groups.pending_of_group(group)
        } else {
            Vec::new()
        };
        for key in &unstable {
            offsets.insert(key.clone(), None);
        }
        return by_topic(offsets);
    };
    wanted
        .into_iter()
        .map(|topic| {
            let partitions = topic
                .partition_indexes
                .iter()
                .map(|&index| {
                    if require_stable && groups.is_pending(group, &topic.name, index) {
                        unstable(index)
                    } else {
                        describe(index, groups.committed(group, &topic.name, index))
                    }
                })
                .collect();
            OffsetFetchResponseTopics::default()
                .with_name(topic.name)
                .with_partitions(partitions)
        })
        .collect()
}

/// `None` for an offset that an open transaction may change.
fn by_topic(offsets: BTreeMap<OffsetKey, Option<Committed>>) -> Vec<OffsetFetchResponseTopics> {
    let mut topics: BTreeMap<String, Vec<OffsetFetchResponsePartitions>> = BTreeMap::new();
    for ((topic, partition), committed) in offsets {
        let described = match committed {
            Some(committed) => describe(partition, Some(committed)),
            None => unstable(partition),
        };
        topics.entry(topic).or_default().push(described);
    }
    topics
        .into_iter()
        .map(|(name, partitions)| {
            OffsetFetchResponseTopics::default()
                .with_name(TopicName(StrBytes::from_string(name)))
                .with_partitions(partitions)
        })
        .collect()
}

/// An open transaction may change the offset (KIP-447).
fn unstable(index: i32) -> OffsetFetchResponsePartitions {
    describe(index, None).with_error_code(ResponseError::UnstableOffsetCommit.code())
}

fn describe(index: i32, committed: Option<Committed>) -> OffsetFetchResponsePartitions {
    let response = OffsetFetchResponsePartitions::default().with_partition_index(index);
    match committed {
        Some(committed) => response
            .with_committed_offset(committed.offset)
            .with_committed_leader_epoch(committed.leader_epoch)
            .with_metadata(Some(StrBytes::from_string(committed.metadata))),
        None => response
            .with_committed_offset(NO_OFFSET)
            .with_committed_leader_epoch(NO_EPOCH)
            .with_metadata(Some(StrBytes::new())),
    }
}

fn single_group_form(topic: OffsetFetchResponseTopics) -> OffsetFetchResponseTopic {
    let partitions = topic
        .partitions
        .into_iter()
        .map(|partition| {
            OffsetFetchResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_committed_offset(partition.committed_offset)
                .with_committed_leader_epoch(partition.committed_leader_epoch)
                .with_metadata(partition.metadata)
                .with_error_code(partition.error_code)
        })
        .collect();
    OffsetFetchResponseTopic::default()
        .with_name(topic.name)
        .with_partitions(partitions)
}
