//! Produce: what is written where, and what became of it.

use bytes::Bytes;
use highwater_model::history::{
    PartitionResult, ProduceFacts, ProducedPartition, RequestFacts, ResponseFacts,
};
use kafka_protocol::messages::ProduceRequest;

use super::batches::{self, End};
use super::dispatch::answer;
use super::fields::Fields;
use super::topic::either;
use super::{Depth, TopicNames};
use crate::bounded;
use crate::error::WireError;

/// First version with a transactional id (Kafka 0.11).
const TRANSACTIONS_SINCE: i16 = 3;

/// First version in flexible encoding (KIP-482).
const FLEXIBLE_SINCE: i16 = 9;

pub(super) fn request(
    mut body: Bytes,
    version: i16,
    names: &dyn TopicNames,
    depth: Depth<'_>,
) -> Result<RequestFacts, WireError> {
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

pub(super) fn response(
    frame: Bytes,
    version: i16,
    names: &dyn TopicNames,
) -> Result<ResponseFacts, WireError> {
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
