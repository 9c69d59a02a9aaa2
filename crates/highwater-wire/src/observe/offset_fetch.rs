//! OffsetFetch: what groups committed.

use bytes::Bytes;
use highwater_model::history::{CommittedOffset, RequestFacts, ResponseFacts};
use kafka_protocol::messages::OffsetFetchRequest;

use super::TopicNames;
use super::dispatch::{answer, first_error};
use super::fields::Fields;
use super::topic::{by_name, either};
use crate::bounded;
use crate::error::WireError;

/// First version that asks for several groups (KIP-709).
const SEVERAL_SINCE: i16 = 8;

/// First version with ids instead of names of topics, which the codec lacks (KIP-848).
const IDS_SINCE: i16 = 10;

/// The version to be decoded as: 0, which Kafka 3 serves and the codec lacks, has the fields of 1.
fn layout(version: i16) -> i16 {
    if version == 0 { 1 } else { version }
}

pub(super) fn request(mut body: Bytes, version: i16) -> Result<RequestFacts, WireError> {
    if version == IDS_SINCE {
        return by_ids(&body);
    }
    let request: OffsetFetchRequest = bounded::decode(&mut body, layout(version))?;
    let groups = if version >= SEVERAL_SINCE {
        request
            .groups
            .iter()
            .map(|group| group.group_id.to_string())
            .collect()
    } else {
        vec![request.group_id.to_string()]
    };
    Ok(RequestFacts::OffsetFetch {
        groups,
        require_stable: request.require_stable,
    })
}

/// Version 10.
fn by_ids(body: &[u8]) -> Result<RequestFacts, WireError> {
    let mut fields = Fields::new(body, true);
    let mut groups = Vec::new();
    for _ in 0..fields.count("groups")? {
        groups.push(fields.string("group id")?.to_owned());
        fields.nullable_string("member id")?;
        fields.i32("member epoch")?;
        for _ in 0..fields.count("topics")? {
            fields.uuid("topic id")?;
            fields.numbers("partitions")?;
            fields.skip_tags("tags of a topic")?;
        }
        fields.skip_tags("tags of a group")?;
    }
    Ok(RequestFacts::OffsetFetch {
        groups,
        require_stable: fields.bool("require stable")?,
    })
}

pub(super) fn response(
    frame: Bytes,
    version: i16,
    request: &RequestFacts,
    names: &dyn TopicNames,
) -> Result<ResponseFacts, WireError> {
    let response = answer::<OffsetFetchRequest>(frame, layout(version))?;
    if version < SEVERAL_SINCE {
        return of_one_group(response, request);
    }
    let mut errors = Vec::new();
    let mut groups = Vec::new();
    for group in response.groups {
        errors.push(group.error_code);
        let mut offsets = Vec::new();
        for topic in group.topics {
            let name = either(&topic.name, topic.topic_id, names)?;
            for partition in topic.partitions {
                errors.push(partition.error_code);
                offsets.push(CommittedOffset {
                    topic: name.clone(),
                    partition: partition.partition_index,
                    offset: partition.committed_offset,
                });
            }
        }
        groups.push((group.group_id.to_string(), offsets));
    }
    Ok(ResponseFacts::CommittedOffsets {
        error: first_error(errors),
        groups,
    })
}

/// Before version 8 the answer does not repeat which group was asked for.
fn of_one_group(
    response: kafka_protocol::messages::OffsetFetchResponse,
    request: &RequestFacts,
) -> Result<ResponseFacts, WireError> {
    let group = match request {
        RequestFacts::OffsetFetch { groups, .. } => groups.first().cloned(),
        _ => None,
    };
    let mut errors = vec![response.error_code];
    let mut offsets = Vec::new();
    for topic in response.topics {
        let name = by_name(&topic.name)?;
        for partition in topic.partitions {
            errors.push(partition.error_code);
            offsets.push(CommittedOffset {
                topic: name.clone(),
                partition: partition.partition_index,
                offset: partition.committed_offset,
            });
        }
    }
    Ok(ResponseFacts::CommittedOffsets {
        error: first_error(errors),
        groups: vec![(group.unwrap_or_default(), offsets)],
    })
}
