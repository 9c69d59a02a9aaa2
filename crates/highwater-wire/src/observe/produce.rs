//! Produce: what is written where, and what became of it.

use bytes::Bytes;
use highwater_model::history::{
    PartitionResult, ProduceFacts, ProducedPartition, RequestFacts, ResponseFacts,
};
use kafka_protocol::messages::{ApiKey, ProduceRequest};

use super::batches::{self, End};
use super::dispatch::{answer, skip_header};
use super::fields::Fields;
use super::topic::{by_name, either};
use super::{Depth, TopicNames};
use crate::bounded;
use crate::error::WireError;

/// First version with a transactional id (Kafka 0.11), and the first that the codec has.
const TRANSACTIONS_SINCE: i16 = 3;

/// First version in flexible encoding (KIP-482).
const FLEXIBLE_SINCE: i16 = 9;

pub(super) fn request(
    mut body: Bytes,
    version: i16,
    names: &dyn TopicNames,
    depth: Depth<'_>,
) -> Result<RequestFacts, WireError> {
    if (0..TRANSACTIONS_SINCE).contains(&version) {
        return old_request(&body, depth);
    }
    let request: ProduceRequest = bounded::decode(&mut body, version)?;
    let mut partitions = Vec::new();
    for topic in request.topic_data {
        let name = either(&topic.name, topic.topic_id, names)?;
        for partition in topic.partition_data {
            partitions.push(ProducedPartition {
                topic: name.clone(),
                partition: partition.index,
                batches: batches::read(&partition.records.unwrap_or_default(), End::Whole, depth)?,
            });
        }
    }
    Ok(RequestFacts::Produce(ProduceFacts {
        transactional_id: request.transactional_id.map(|id| id.to_string()),
        acks: request.acks,
        timeout_ms: request.timeout_ms,
        partitions,
    }))
}

/// Versions 0 to 2.
fn old_request(body: &Bytes, depth: Depth<'_>) -> Result<RequestFacts, WireError> {
    let mut fields = Fields::new(body, false);
    let acks = fields.i16("acks")?;
    let timeout_ms = fields.i32("timeout")?;
    let mut partitions = Vec::new();
    for _ in 0..fields.count("topics")? {
        let topic = by_name(fields.string("topic name")?)?;
        for _ in 0..fields.count("partitions")? {
            let partition = fields.i32("partition")?;
            let messages = body.slice_ref(fields.bytes("messages")?);
            partitions.push(ProducedPartition {
                topic: topic.clone(),
                partition,
                batches: batches::read(&messages, End::Whole, depth)?,
            });
        }
    }
    Ok(RequestFacts::Produce(ProduceFacts {
        transactional_id: None,
        acks,
        timeout_ms,
        partitions,
    }))
}

/// Versions 0 to 2, behind the header.
fn old_response(answer: &[u8], version: i16) -> Result<ResponseFacts, WireError> {
    let mut fields = Fields::new(answer, false);
    let mut results = Vec::new();
    for _ in 0..fields.count("topics")? {
        let topic = by_name(fields.string("topic name")?)?;
        for _ in 0..fields.count("partitions")? {
            results.push(PartitionResult {
                topic: topic.clone(),
                partition: fields.i32("partition")?,
                error: fields.i16("error of a partition")?,
                offset: fields.i64("base offset")?,
            });
            if version == 2 {
                fields.i64("append time")?;
            }
        }
    }
    Ok(ResponseFacts::Partitions { error: 0, results })
}

pub(super) fn response(
    mut frame: Bytes,
    version: i16,
    names: &dyn TopicNames,
) -> Result<ResponseFacts, WireError> {
    if (0..TRANSACTIONS_SINCE).contains(&version) {
        skip_header(&mut frame, ApiKey::Produce as i16, version)?;
        return old_response(&frame, version);
    }
    let response = answer::<ProduceRequest>(frame, version)?;
    let mut results = Vec::new();
    for topic in response.responses {
        let name = either(&topic.name, topic.topic_id, names)?;
        results.extend(
            topic
                .partition_responses
                .into_iter()
                .map(|partition| PartitionResult {
                    topic: name.clone(),
                    partition: partition.index,
                    error: partition.error_code,
                    offset: partition.base_offset,
                }),
        );
    }
    Ok(ResponseFacts::Partitions { error: 0, results })
}

/// The acknowledgements that a Produce request asks for (0 means that no answer comes), from the first bytes
/// of its body; `None` while too few of them are there, or when they make no sense.
pub fn acks(api_version: i16, body_front: &[u8]) -> Option<i16> {
    let mut fields = Fields::new(body_front, api_version >= FLEXIBLE_SINCE);
    if api_version >= TRANSACTIONS_SINCE {
        fields.nullable_string("transactional id").ok()?;
    }
    fields.i16("acks").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acks_are_read_from_the_front() {
        let cases: [(&str, i16, &[u8], Option<i16>); 9] = [
            ("old, all", 2, b"\xff\xff\x00\x00", Some(-1)),
            ("no transaction", 7, b"\xff\xff\x00\x01\x00", Some(1)),
            ("a transaction", 8, b"\x00\x02tx\xff\xff", Some(-1)),
            ("flexible, none", 9, b"\x00\x00\x00", Some(0)),
            ("flexible, a transaction", 13, b"\x03tx\xff\xff", Some(-1)),
            ("cut in the id", 8, b"\x00\x02t", None),
            ("cut in the number", 13, b"\x03tx\xff", None),
            ("nothing", 9, b"", None),
            ("a length that lies", 3, b"\x7f\xff\x00\x01", None),
        ];
        for (name, version, front, expected) in cases {
            assert_eq!(acks(version, front), expected, "{name}");
        }
    }
}
