//! Fetch: where readers are, and what they get.

use bytes::Bytes;
use highwater_model::history::{
    AbortedFact, FetchFacts, FetchPosition, FetchedPartition, Isolation, RequestFacts, ResponseFacts,
};
use kafka_protocol::messages::FetchRequest;

use super::batches::{self, End};
use super::dispatch::answer;
use super::topic::either;
use super::{Depth, TopicNames};
use crate::bounded;
use crate::error::WireError;

/// First version that tells the follower's number in a tagged field (KIP-903).
const REPLICA_STATE_SINCE: i16 = 15;

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

pub(super) fn response(
    frame: Bytes,
    version: i16,
    names: &dyn TopicNames,
    depth: Depth<'_>,
) -> Result<ResponseFacts, WireError> {
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
