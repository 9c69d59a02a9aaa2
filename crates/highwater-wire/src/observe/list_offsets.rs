//! ListOffsets: offsets by time, and the ends of the log.

use bytes::Bytes;
use highwater_model::history::{PartitionResult, RequestFacts, ResponseFacts};
use kafka_protocol::messages::{ApiKey, ListOffsetsRequest, ListOffsetsResponse};

use super::dispatch::skip_header;
use super::fetch::isolation;
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

pub(super) fn response(mut frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    skip_header(&mut frame, ApiKey::ListOffsets as i16, version)?;
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
