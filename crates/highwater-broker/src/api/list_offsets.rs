//! ListOffsets and OffsetForLeaderEpoch: where a log begins, ends, and was at some time.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
};

use super::Call;
use super::errors::ApiError;
use super::fetch::isolation_of;
use crate::log::TimestampOffset;
use crate::partition::{Isolation, Partition, ReadError};
use crate::topics::Topic;

/// Timestamps that stand for a place in the log.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;

/// First version that can ask for the largest timestamp (KIP-734).
const MAX_TIMESTAMP_VERSION: i16 = 7;

/// First version that can ask for the first offset on local storage (KIP-405).
const EARLIEST_LOCAL_VERSION: i16 = 8;

/// First version whose answer names the leader epoch.
const EPOCH_VERSION: i16 = 4;

/// Offset, timestamp and epoch of "nothing".
const NONE: i64 = -1;
const NO_EPOCH: i32 = -1;

pub(super) fn list(call: &Call<'_>, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let isolation = isolation_of(request.isolation_level);
    let topics = request
        .topics
        .into_iter()
        .map(|asked| {
            let topic = call.cluster.topics.get(&asked.name);
            let mut by_index: BTreeMap<i32, Vec<&ListOffsetsPartition>> = BTreeMap::new();
            for partition in &asked.partitions {
                by_index
                    .entry(partition.partition_index)
                    .or_default()
                    .push(partition);
            }
            let partitions = by_index
                .into_iter()
                .map(|(index, asked)| match asked[..] {
                    [partition] => describe(call, index, find(call, topic.as_deref(), partition, isolation)),
                    _ => {
                        let twice = ApiError::new(ResponseError::InvalidRequest, "a partition twice");
                        describe(call, index, Err(twice))
                    }
                })
                .collect();
            ListOffsetsTopicResponse::default()
                .with_name(asked.name)
                .with_partitions(partitions)
        })
        .collect();
    ListOffsetsResponse::default().with_topics(topics)
}

fn describe(
    call: &Call<'_>,
    index: i32,
    found: Result<Option<Found>, ApiError>,
) -> ListOffsetsPartitionResponse {
    let response = ListOffsetsPartitionResponse::default().with_partition_index(index);
    match found {
        Ok(Some((found, epoch))) => response
            .with_offset(found.offset)
            .with_timestamp(found.timestamp)
            // The codec refuses to leave a field out that is set.
            .with_leader_epoch(if call.version >= EPOCH_VERSION {
                epoch
            } else {
                NO_EPOCH
            }),
        Ok(None) => response
            .with_offset(NONE)
            .with_timestamp(NONE)
            .with_leader_epoch(NO_EPOCH),
        Err(error) => response
            .with_error_code(error.code())
            .with_offset(NONE)
            .with_timestamp(NONE)
            .with_leader_epoch(NO_EPOCH),
    }
}

/// An offset and the epoch it belongs to; the end of the log belongs to the current one.
type Found = (TimestampOffset, i32);

fn find(
    call: &Call<'_>,
    topic: Option<&Topic>,
    asked: &ListOffsetsPartition,
    isolation: Isolation,
) -> Result<Option<Found>, ApiError> {
    let partition = topic
        .and_then(|topic| topic.partition(asked.partition_index))
        .ok_or_else(ApiError::unknown_partition)?;
    call.leads_in(partition, asked.current_leader_epoch)?;
    let found = find_in(call, partition, asked.timestamp, isolation)?;
    let with_epoch = |found: TimestampOffset| {
        let epoch = partition.epoch_at(found.offset);
        (found, epoch.unwrap_or(NO_EPOCH))
    };
    Ok(found.map(with_epoch))
}

fn find_in(
    call: &Call<'_>,
    partition: &Partition,
    timestamp: i64,
    isolation: Isolation,
) -> Result<Option<TimestampOffset>, ApiError> {
    let bounds = partition.bounds();
    let at = |offset| {
        Ok(Some(TimestampOffset {
            offset,
            timestamp: NONE,
        }))
    };
    let storage = |error| ApiError::from(ReadError::Storage(error));
    match timestamp {
        LATEST => at(bounds.end(isolation)),
        EARLIEST => at(bounds.start_offset),
        // All storage is local.
        EARLIEST_LOCAL if call.version >= EARLIEST_LOCAL_VERSION => at(bounds.start_offset),
        MAX_TIMESTAMP if call.version >= MAX_TIMESTAMP_VERSION => {
            partition.offset_of_max_timestamp().map_err(storage)
        }
        timestamp if timestamp >= 0 => {
            let found = partition.offset_for_timestamp(timestamp).map_err(storage)?;
            Ok(found.filter(|found| found.offset < bounds.end(isolation)))
        }
        other => Err(ApiError::new(
            ResponseError::UnsupportedVersion,
            format!("timestamp {other} has no meaning in this version"),
        )),
    }
}

pub(super) fn for_leader_epoch(
    call: &Call<'_>,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topics = request
        .topics
        .into_iter()
        .map(|asked| {
            let topic = call.cluster.topics.get(&asked.topic);
            let partitions = asked
                .partitions
                .iter()
                .map(|partition| epoch_end(call, topic.as_deref(), partition))
                .collect();
            OffsetForLeaderTopicResult::default()
                .with_topic(asked.topic)
                .with_partitions(partitions)
        })
        .collect();
    OffsetForLeaderEpochResponse::default().with_topics(topics)
}

fn epoch_end(call: &Call<'_>, topic: Option<&Topic>, asked: &OffsetForLeaderPartition) -> EpochEndOffset {
    let response = EpochEndOffset::default()
        .with_partition(asked.partition)
        .with_leader_epoch(NO_EPOCH)
        .with_end_offset(NONE);
    let found = topic
        .and_then(|topic| topic.partition(asked.partition))
        .ok_or_else(ApiError::unknown_partition)
        .and_then(|partition| {
            call.leads_in(partition, asked.current_leader_epoch)?;
            Ok((asked.leader_epoch != NO_EPOCH)
                .then(|| partition.epoch_end(asked.leader_epoch))
                .flatten())
        });
    match found {
        Err(error) => response.with_error_code(error.code()),
        Ok(None) => response,
        Ok(Some((epoch, end_offset))) => response.with_leader_epoch(epoch).with_end_offset(end_offset),
    }
}
