//! Fetch: where readers are, and what they get.

use bytes::Bytes;
use highwater_model::history::{
    AbortedFact, FetchFacts, FetchPosition, FetchedPartition, Isolation, RequestFacts, ResponseFacts,
};
use kafka_protocol::messages::{ApiKey, FetchRequest};

use super::batches::{self, End};
use super::dispatch::{answer, skip_header};
use super::fields::Fields;
use super::topic::{by_name, either};
use super::{Depth, TopicNames};
use crate::bounded;
use crate::error::WireError;

/// First version that tells the follower's number in a tagged field (KIP-903).
const REPLICA_STATE_SINCE: i16 = 15;

/// First version with isolation levels (Kafka 0.11), and the first that the codec has.
const ISOLATION_SINCE: i16 = 4;

/// The level that a request asks for; numbers that nobody knows read nothing uncommitted.
pub(super) fn isolation(level: i8) -> Isolation {
    if level == 0 {
        Isolation::ReadUncommitted
    } else {
        Isolation::ReadCommitted
    }
}

pub(super) fn request(
    mut body: Bytes,
    version: i16,
    names: &dyn TopicNames,
) -> Result<RequestFacts, WireError> {
    if (0..ISOLATION_SINCE).contains(&version) {
        return old_request(&body, version);
    }
    let request: FetchRequest = bounded::decode(&mut body, version)?;
    let mut positions = Vec::new();
    for topic in request.topics {
        let name = either(&topic.topic, topic.topic_id, names)?;
        positions.extend(topic.partitions.into_iter().map(|partition| FetchPosition {
            topic: name.clone(),
            partition: partition.partition,
            offset: partition.fetch_offset,
            leader_epoch: partition.current_leader_epoch,
        }));
    }
    let mut forgotten = Vec::new();
    for topic in request.forgotten_topics_data {
        let name = either(&topic.topic, topic.topic_id, names)?;
        forgotten.extend(
            topic
                .partitions
                .into_iter()
                .map(|partition| (name.clone(), partition)),
        );
    }
    Ok(RequestFacts::Fetch(FetchFacts {
        replica_id: if version >= REPLICA_STATE_SINCE {
            request.replica_state.replica_id.0
        } else {
            request.replica_id.0
        },
        isolation: isolation(request.isolation_level),
        share_group: None,
        session_id: request.session_id,
        session_epoch: request.session_epoch,
        positions,
        forgotten,
    }))
}

/// Versions 0 to 3.
fn old_request(body: &[u8], version: i16) -> Result<RequestFacts, WireError> {
    let mut fields = Fields::new(body, false);
    let replica_id = fields.i32("replica")?;
    fields.i32("longest wait")?;
    fields.i32("fewest bytes")?;
    if version == 3 {
        fields.i32("most bytes")?;
    }
    let mut positions = Vec::new();
    for _ in 0..fields.count("topics")? {
        let topic = by_name(fields.string("topic name")?)?;
        for _ in 0..fields.count("partitions")? {
            positions.push(FetchPosition {
                topic: topic.clone(),
                partition: fields.i32("partition")?,
                offset: fields.i64("offset")?,
                leader_epoch: -1,
            });
            fields.i32("most bytes of a partition")?;
        }
    }
    Ok(RequestFacts::Fetch(FetchFacts {
        replica_id,
        isolation: Isolation::ReadUncommitted,
        share_group: None,
        session_id: 0,
        session_epoch: -1,
        positions,
        forgotten: Vec::new(),
    }))
}

/// Versions 0 to 3, behind the header.
fn old_response(answer: &Bytes, version: i16, depth: Depth<'_>) -> Result<ResponseFacts, WireError> {
    let mut fields = Fields::new(answer, false);
    if version > 0 {
        fields.i32("throttle time")?;
    }
    let mut partitions = Vec::new();
    for _ in 0..fields.count("topics")? {
        let topic = by_name(fields.string("topic name")?)?;
        for _ in 0..fields.count("partitions")? {
            let partition = fields.i32("partition")?;
            let error = fields.i16("error of a partition")?;
            let high_watermark = fields.i64("high watermark")?;
            let messages = answer.slice_ref(fields.bytes("messages")?);
            partitions.push(FetchedPartition {
                topic: topic.clone(),
                partition,
                error,
                high_watermark,
                last_stable_offset: -1,
                log_start_offset: -1,
                aborted: Vec::new(),
                batches: batches::read(&messages, End::MayBeCut, depth)?,
                acquired: Vec::new(),
            });
        }
    }
    Ok(ResponseFacts::Fetched {
        error: 0,
        session_id: 0,
        partitions,
    })
}

pub(super) fn response(
    mut frame: Bytes,
    version: i16,
    names: &dyn TopicNames,
    depth: Depth<'_>,
) -> Result<ResponseFacts, WireError> {
    if (0..ISOLATION_SINCE).contains(&version) {
        skip_header(&mut frame, ApiKey::Fetch as i16, version)?;
        return old_response(&frame, version, depth);
    }
    let response = answer::<FetchRequest>(frame, version)?;
    let mut partitions = Vec::new();
    for topic in response.responses {
        let name = either(&topic.topic, topic.topic_id, names)?;
        for partition in topic.partitions {
            let aborted = partition.aborted_transactions.unwrap_or_default();
            partitions.push(FetchedPartition {
                topic: name.clone(),
                partition: partition.partition_index,
                error: partition.error_code,
                high_watermark: partition.high_watermark,
                last_stable_offset: partition.last_stable_offset,
                log_start_offset: partition.log_start_offset,
                aborted: aborted
                    .into_iter()
                    .map(|aborted| AbortedFact {
                        producer_id: aborted.producer_id.0,
                        first_offset: aborted.first_offset,
                    })
                    .collect(),
                batches: batches::read(&partition.records.unwrap_or_default(), End::MayBeCut, depth)?,
                acquired: Vec::new(),
            });
        }
    }
    Ok(ResponseFacts::Fetched {
        error: response.error_code,
        session_id: response.session_id,
        partitions,
    })
}
