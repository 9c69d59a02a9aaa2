//! Share groups (KIP-932): ShareGroupHeartbeat, ShareFetch, and the answers to ShareAcknowledge.
//!
//! Acknowledgements themselves are not facts of a history yet: a ShareAcknowledge request says `Other`.

use bytes::Bytes;
use highwater_model::history::{
    FetchFacts, FetchPosition, FetchedPartition, GroupFacts, Isolation, PartitionResult, RequestFacts,
    ResponseFacts,
};
use kafka_protocol::messages::{ApiKey, ShareFetchResponse, ShareGroupHeartbeatRequest};

use super::batches::{self, End};
use super::dispatch::{answer, skip_header};
use super::fields::Fields;
use super::topic::by_id;
use super::{Depth, TopicNames};
use crate::bounded;
use crate::error::WireError;

/// First version that was kept, and the only one that the codec has.
const FIRST: i16 = 1;

/// The version with acquire modes and renewal (KIP-1206, KIP-1222).
const RENEWAL: i16 = 2;

fn known(message: &'static str, version: i16) -> Result<(), WireError> {
    if (FIRST..=RENEWAL).contains(&version) {
        return Ok(());
    }
    Err(WireError::UnknownVersion { message, version })
}

pub(super) fn heartbeat(mut body: Bytes, version: i16) -> Result<RequestFacts, WireError> {
    let request: ShareGroupHeartbeatRequest = bounded::decode(&mut body, version)?;
    Ok(RequestFacts::ConsumerGroupHeartbeat {
        group: GroupFacts {
            group_id: request.group_id.to_string(),
            member_id: request.member_id.to_string(),
            instance_id: None,
            generation: request.member_epoch,
        },
        topics: request
            .subscribed_topic_names
            .map(|topics| topics.iter().map(|topic| topic.0.to_string()).collect()),
        owned: None,
    })
}

pub(super) fn heard(frame: Bytes, version: i16, names: &dyn TopicNames) -> Result<ResponseFacts, WireError> {
    let response = answer::<ShareGroupHeartbeatRequest>(frame, version)?;
    let partitions = response.assignment.map(|assignment| {
        let mut assigned = Vec::new();
        for topic in assignment.topic_partitions {
            let name = by_id(topic.topic_id, names);
            assigned.extend(
                topic
                    .partitions
                    .into_iter()
                    .map(|partition| (name.clone(), partition)),
            );
        }
        assigned
    });
    Ok(ResponseFacts::Assigned {
        error: response.error_code,
        member_id: response.member_id.map(|id| id.to_string()),
        member_epoch: Some(response.member_epoch),
        partitions,
    })
}

pub(super) fn fetch(body: &[u8], version: i16, names: &dyn TopicNames) -> Result<RequestFacts, WireError> {
    known("ShareFetchRequest", version)?;
    let mut fields = Fields::new(body, true);
    let group_id = fields.nullable_string("group id")?.unwrap_or_default().to_owned();
    let member_id = fields
        .nullable_string("member id")?
        .unwrap_or_default()
        .to_owned();
    let session_epoch = fields.i32("share session epoch")?;
    fields.i32("longest wait")?;
    fields.i32("fewest bytes")?;
    fields.i32("most bytes")?;
    fields.i32("most records")?;
    fields.i32("batch size")?;
    if version >= RENEWAL {
        fields.i8("acquire mode")?;
        fields.bool("renewal")?;
    }
    let mut positions = Vec::new();
    for _ in 0..fields.count("topics")? {
        let topic = by_id(fields.uuid("topic id")?, names);
        for _ in 0..fields.count("partitions")? {
            positions.push(FetchPosition {
                topic: topic.clone(),
                partition: fields.i32("partition")?,
                offset: -1,
                leader_epoch: -1,
            });
            skip_acknowledgements(&mut fields)?;
            fields.skip_tags("tags of a partition")?;
        }
        fields.skip_tags("tags of a topic")?;
    }
    let mut forgotten = Vec::new();
    for _ in 0..fields.count("forgotten topics")? {
        let topic = by_id(fields.uuid("topic id")?, names);
        for partition in fields.numbers("partitions")? {
            forgotten.push((topic.clone(), partition));
        }
        fields.skip_tags("tags of a topic")?;
    }
    Ok(RequestFacts::Fetch(FetchFacts {
        replica_id: -1,
        isolation: Isolation::ReadUncommitted,
        share_group: Some(GroupFacts {
            group_id,
            member_id,
            instance_id: None,
            generation: -1,
        }),
        session_id: 0,
        session_epoch,
        positions,
        forgotten,
    }))
}

fn skip_acknowledgements(fields: &mut Fields<'_>) -> Result<(), WireError> {
    for _ in 0..fields.count("acknowledgements")? {
        fields.i64("first offset")?;
        fields.i64("last offset")?;
        fields.bytes("kinds of acknowledgement")?;
        fields.skip_tags("tags of an acknowledgement")?;
    }
    Ok(())
}

pub(super) fn fetched(
    mut frame: Bytes,
    version: i16,
    names: &dyn TopicNames,
    depth: Depth<'_>,
) -> Result<ResponseFacts, WireError> {
    known("ShareFetchResponse", version)?;
    skip_header(&mut frame, ApiKey::ShareFetch as i16, version)?;
    // Version 2 has the same fields in its answer.
    let response: ShareFetchResponse = bounded::decode(&mut frame, FIRST)?;
    let mut partitions = Vec::new();
    for topic in response.responses {
        let name = by_id(topic.topic_id, names);
        for partition in topic.partitions {
            partitions.push(FetchedPartition {
                topic: name.clone(),
                partition: partition.partition_index,
                error: partition.error_code,
                high_watermark: -1,
                last_stable_offset: -1,
                log_start_offset: -1,
                aborted: Vec::new(),
                batches: batches::read(&partition.records.unwrap_or_default(), End::MayBeCut, depth)?,
                acquired: partition
                    .acquired_records
                    .iter()
                    .map(|acquired| {
                        (
                            acquired.first_offset,
                            acquired.last_offset,
                            acquired.delivery_count,
                        )
                    })
                    .collect(),
            });
        }
    }
    Ok(ResponseFacts::Fetched {
        error: response.error_code,
        session_id: 0,
        partitions,
    })
}

pub(super) fn acknowledged(
    mut frame: Bytes,
    version: i16,
    names: &dyn TopicNames,
) -> Result<ResponseFacts, WireError> {
    known("ShareAcknowledgeResponse", version)?;
    skip_header(&mut frame, ApiKey::ShareAcknowledge as i16, version)?;
    let mut fields = Fields::new(&frame, true);
    fields.i32("throttle time")?;
    let error = fields.i16("error")?;
    fields.nullable_string("error message")?;
    if version >= RENEWAL {
        fields.i32("acquisition lock timeout")?;
    }
    let mut results = Vec::new();
    for _ in 0..fields.count("topics")? {
        let topic = by_id(fields.uuid("topic id")?, names);
        for _ in 0..fields.count("partitions")? {
            results.push(PartitionResult {
                topic: topic.clone(),
                partition: fields.i32("partition")?,
                error: fields.i16("error of a partition")?,
                offset: -1,
            });
            fields.nullable_string("error message of a partition")?;
            fields.i32("leader")?;
            fields.i32("leader epoch")?;
            fields.skip_tags("tags of a leader")?;
            fields.skip_tags("tags of a partition")?;
        }
        fields.skip_tags("tags of a topic")?;
    }
    Ok(ResponseFacts::Partitions { error, results })
}
