//! ListOffsets: offsets by time, and the ends of the log.

use bytes::Bytes;
use highwater_model::history::{Isolation, PartitionResult, RequestFacts, ResponseFacts};
use kafka_protocol::messages::{ApiKey, ListOffsetsRequest, ListOffsetsResponse};

use super::dispatch::skip_header;
use super::fetch::isolation;
use super::fields::Fields;
use super::topic::by_name;
use crate::bounded;
use crate::error::WireError;

/// Newest version that the codec has. Version 11 has the same fields, and one more meaning of a timestamp
/// (KIP-1023).
const CODEC_NEWEST: i16 = 10;

/// The version to be decoded as.
fn layout(version: i16) -> i16 {
    if version == CODEC_NEWEST + 1 {
        CODEC_NEWEST
    } else {
        version
    }
}

pub(super) fn request(mut body: Bytes, version: i16) -> Result<RequestFacts, WireError> {
    if version == 0 {
        return old_request(&body);
    }
    let request: ListOffsetsRequest = bounded::decode(&mut body, layout(version))?;
    let mut partitions = Vec::new();
    for topic in request.topics {
        let name = by_name(&topic.name)?;
        partitions.extend(
            topic
                .partitions
                .into_iter()
                .map(|partition| (name.clone(), partition.partition_index, partition.timestamp)),
        );
    }
    Ok(RequestFacts::ListOffsets {
        isolation: isolation(request.isolation_level),
        partitions,
    })
}

/// Version 0, which Kafka 3 serves and the codec lacks.
fn old_request(body: &[u8]) -> Result<RequestFacts, WireError> {
    let mut fields = Fields::new(body, false);
    fields.i32("replica")?;
    let mut partitions = Vec::new();
    for _ in 0..fields.count("topics")? {
        let topic = by_name(fields.string("topic name")?)?;
        for _ in 0..fields.count("partitions")? {
            partitions.push((topic.clone(), fields.i32("partition")?, fields.i64("timestamp")?));
            fields.i32("most offsets")?;
        }
    }
    Ok(RequestFacts::ListOffsets {
        isolation: Isolation::ReadUncommitted,
        partitions,
    })
}

/// Version 0, behind the header: several offsets for a partition, the newest first.
fn old_response(answer: &[u8]) -> Result<ResponseFacts, WireError> {
    let mut fields = Fields::new(answer, false);
    let mut results = Vec::new();
    for _ in 0..fields.count("topics")? {
        let topic = by_name(fields.string("topic name")?)?;
        for _ in 0..fields.count("partitions")? {
            let partition = fields.i32("partition")?;
            let error = fields.i16("error of a partition")?;
            let mut newest = None;
            for _ in 0..fields.count("offsets")? {
                let offset = fields.i64("offset")?;
                newest.get_or_insert(offset);
            }
            results.push(PartitionResult {
                topic: topic.clone(),
                partition,
                error,
                offset: newest.unwrap_or(-1),
            });
        }
    }
    Ok(ResponseFacts::Partitions { error: 0, results })
}

pub(super) fn response(mut frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    skip_header(&mut frame, ApiKey::ListOffsets as i16, version)?;
    if version == 0 {
        return old_response(&frame);
    }
    let response: ListOffsetsResponse = bounded::decode(&mut frame, layout(version))?;
    let mut results = Vec::new();
    for topic in response.topics {
        let name = by_name(&topic.name)?;
        results.extend(topic.partitions.into_iter().map(|partition| PartitionResult {
            topic: name.clone(),
            partition: partition.partition_index,
            error: partition.error_code,
            offset: partition.offset,
        }));
    }
    Ok(ResponseFacts::Partitions { error: 0, results })
}
