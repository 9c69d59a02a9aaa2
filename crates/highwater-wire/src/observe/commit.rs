//! OffsetCommit, and TxnOffsetCommit, which does the same as part of a transaction (KIP-98, KIP-447).

use bytes::Bytes;
use highwater_model::history::{
    CommitFacts, CommittedOffset, GroupFacts, PartitionResult, RequestFacts, ResponseFacts, TransactionFacts,
};
use kafka_protocol::messages::{OffsetCommitRequest, TxnOffsetCommitRequest};

use super::TopicNames;
use super::dispatch::answer;
use super::fields::Fields;
use super::topic::{by_id, by_name, either};
use crate::bounded;
use crate::error::WireError;

/// First version that the codec has; older ones are served by Kafka 3.
const CODEC_OLDEST: i16 = 2;

/// First version with ids instead of names of topics, which the codec lacks (KIP-848).
const IDS_SINCE: i16 = 10;

pub(super) fn request(
    mut body: Bytes,
    version: i16,
    names: &dyn TopicNames,
) -> Result<RequestFacts, WireError> {
    if version == IDS_SINCE {
        return by_ids(&body, names);
    }
    if (0..CODEC_OLDEST).contains(&version) {
        return old_request(&body, version);
    }
    let request: OffsetCommitRequest = bounded::decode(&mut body, version)?;
    let mut offsets = Vec::new();
    for topic in request.topics {
        let name = by_name(&topic.name)?;
        offsets.extend(topic.partitions.into_iter().map(|partition| CommittedOffset {
            topic: name.clone(),
            partition: partition.partition_index,
            offset: partition.committed_offset,
        }));
    }
    Ok(RequestFacts::OffsetCommit(CommitFacts {
        group: GroupFacts {
            group_id: request.group_id.to_string(),
            member_id: request.member_id.to_string(),
            instance_id: request.group_instance_id.map(|id| id.to_string()),
            generation: request.generation_id_or_member_epoch,
        },
        transaction: None,
        offsets,
    }))
}

/// Versions 0 and 1.
fn old_request(body: &[u8], version: i16) -> Result<RequestFacts, WireError> {
    let mut fields = Fields::new(body, false);
    let mut group = GroupFacts {
        group_id: fields.string("group id")?.to_owned(),
        generation: -1,
        ..GroupFacts::default()
    };
    if version == 1 {
        group.generation = fields.i32("generation")?;
        group.member_id = fields.string("member id")?.to_owned();
    }
    let mut offsets = Vec::new();
    for _ in 0..fields.count("topics")? {
        let topic = by_name(fields.string("topic name")?)?;
        for _ in 0..fields.count("partitions")? {
            offsets.push(CommittedOffset {
                topic: topic.clone(),
                partition: fields.i32("partition")?,
                offset: fields.i64("offset")?,
            });
            if version == 1 {
                fields.i64("timestamp")?;
            }
            fields.nullable_string("metadata")?;
        }
    }
    Ok(RequestFacts::OffsetCommit(CommitFacts {
        group,
        transaction: None,
        offsets,
    }))
}

/// Version 10.
fn by_ids(body: &[u8], names: &dyn TopicNames) -> Result<RequestFacts, WireError> {
    let mut fields = Fields::new(body, true);
    let group_id = fields.string("group id")?.to_owned();
    let generation = fields.i32("member epoch")?;
    let member_id = fields.string("member id")?.to_owned();
    let instance_id = fields.nullable_string("instance id")?.map(str::to_owned);
    let mut offsets = Vec::new();
    for _ in 0..fields.count("topics")? {
        let topic = by_id(fields.uuid("topic id")?, names);
        for _ in 0..fields.count("partitions")? {
            let partition = fields.i32("partition")?;
            let offset = fields.i64("offset")?;
            fields.i32("leader epoch")?;
            fields.nullable_string("metadata")?;
            fields.skip_tags("tags of a partition")?;
            offsets.push(CommittedOffset {
                topic: topic.clone(),
                partition,
                offset,
            });
        }
        fields.skip_tags("tags of a topic")?;
    }
    Ok(RequestFacts::OffsetCommit(CommitFacts {
        group: GroupFacts {
            group_id,
            member_id,
            instance_id,
            generation,
        },
        transaction: None,
        offsets,
    }))
}

pub(super) fn response(
    frame: Bytes,
    version: i16,
    names: &dyn TopicNames,
) -> Result<ResponseFacts, WireError> {
    // Answers of versions 0 to 2 are the same.
    let layout = if (0..CODEC_OLDEST).contains(&version) {
        CODEC_OLDEST
    } else {
        version
    };
    let response = answer::<OffsetCommitRequest>(frame, layout)?;
    let mut results = Vec::new();
    for topic in response.topics {
        let name = either(&topic.name, topic.topic_id, names)?;
        results.extend(topic.partitions.into_iter().map(|partition| PartitionResult {
            topic: name.clone(),
            partition: partition.partition_index,
            error: partition.error_code,
            offset: -1,
        }));
    }
    Ok(ResponseFacts::Partitions { error: 0, results })
}

pub(super) fn transactional_request(mut body: Bytes, version: i16) -> Result<RequestFacts, WireError> {
    let request: TxnOffsetCommitRequest = bounded::decode(&mut body, version)?;
    let mut offsets = Vec::new();
    for topic in request.topics {
        let name = by_name(&topic.name)?;
        offsets.extend(topic.partitions.into_iter().map(|partition| CommittedOffset {
            topic: name.clone(),
            partition: partition.partition_index,
            offset: partition.committed_offset,
        }));
    }
    Ok(RequestFacts::OffsetCommit(CommitFacts {
        group: GroupFacts {
            group_id: request.group_id.to_string(),
            member_id: request.member_id.to_string(),
            instance_id: request.group_instance_id.map(|id| id.to_string()),
            generation: request.generation_id,
        },
        transaction: Some(TransactionFacts {
            transactional_id: request.transactional_id.to_string(),
            producer_id: request.producer_id.0,
            producer_epoch: request.producer_epoch,
        }),
        offsets,
    }))
}

pub(super) fn transactional_response(frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    let response = answer::<TxnOffsetCommitRequest>(frame, version)?;
    let mut results = Vec::new();
    for topic in response.topics {
        let name = by_name(&topic.name)?;
        results.extend(topic.partitions.into_iter().map(|partition| PartitionResult {
            topic: name.clone(),
            partition: partition.partition_index,
            error: partition.error_code,
            offset: -1,
        }));
    }
    Ok(ResponseFacts::Partitions { error: 0, results })
}
