//! Versions of Apache Kafka 4.3.1 that the codec lacks: just what a refusal needs of them.
//!
//! Invariant: a version handled here has the layout of Kafka's own message definition; for everything
//! else the answer is `None` and the codec's turn comes.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponseGroup;
use kafka_protocol::messages::{
    DescribeLogDirsRequest, DescribeShareGroupOffsetsRequest, GroupId, InitProducerIdResponse,
    ListOffsetsRequest, OffsetCommitResponse, OffsetFetchResponse, ProducerId, ShareFetchResponse,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Refused, encode};
use crate::bounded;
use crate::cursor::Cursor;
use crate::error::WireError;
use crate::frame::RequestHeader;

/// A refusal of a version that the codec lacks.
pub(super) fn error(header: &RequestHeader, body: &Bytes, error: i16) -> Result<Option<Bytes>, WireError> {
    let id = header.correlation_id;
    let answer = match (header.api_key, header.api_version) {
        (0, version) if produce_acks(version, body)? == Some(0) => return Err(WireError::NoAnswer),
        (2, 11) => same_layout::<ListOffsetsRequest>(10, id, body, error),
        (8, 10) => encode(&offset_commit(body, error)?, 10, id),
        (9, 10) => encode(&offset_fetch(body, error)?, 10, id),
        (22, 6) => {
            let answer = InitProducerIdResponse::default()
                .with_error_code(error)
                .with_producer_id(ProducerId(-1))
                .with_producer_epoch(-1);
            encode(&answer, 6, id)
        }
        (35, 5) => same_layout::<DescribeLogDirsRequest>(4, id, body, error),
        (78, 2) => encode(&ShareFetchResponse::default().with_error_code(error), 1, id),
        (79, 2) => Ok(share_acknowledge(id, error)),
        (88, 0) => Ok(streams_group_heartbeat(id, error)),
        (90, 1) => same_layout::<DescribeShareGroupOffsetsRequest>(0, id, body, error),
        _ => return Ok(None),
    };
    answer.map(Some)
}

/// `acks` of a Produce request; `None` for a version that is not known.
fn produce_acks(version: i16, body: &[u8]) -> Result<Option<i16>, WireError> {
    if !(3..=13).contains(&version) {
        return Ok(None);
    }
    let mut cursor = Cursor::new(body, version >= 9);
    cursor.nullable("transactional id")?;
    cursor.i16("acks").map(Some)
}

/// A version whose request, and whose answer as far as it is made here, are laid out like `version`'s.
fn same_layout<R: Refused>(
    version: i16,
    correlation_id: i32,
    body: &Bytes,
    error: i16,
) -> Result<Bytes, WireError> {
    let request: R = bounded::decode(&mut body.clone(), version)?;
    encode(&request.refused(version, error), version, correlation_id)
}

/// OffsetCommit 10 has ids in place of names (KIP-848); the codec has the answer and not the request.
fn offset_commit(body: &[u8], error: i16) -> Result<OffsetCommitResponse, WireError> {
    let mut answer = OffsetCommitResponse::default();
    let mut cursor = Cursor::new(body, true);
    cursor.string("group")?;
    cursor.i32("generation or member epoch")?;
    cursor.string("member")?;
    cursor.nullable("group instance")?;
    cursor.each("topics", |cursor| {
        let mut topic =
            OffsetCommitResponseTopic::default().with_topic_id(Uuid::from_u128(cursor.u128("topic id")?));
        cursor.each("partitions", |cursor| {
            topic.partitions.push(
                OffsetCommitResponsePartition::default()
                    .with_partition_index(cursor.i32("partition")?)
                    .with_error_code(error),
            );
            cursor.skip(8 + 4, "offset and leader epoch")?;
            cursor.nullable("metadata")?;
            cursor.skip_tags()
        })?;
        answer.topics.push(topic);
        cursor.skip_tags()
    })?;
    Ok(answer)
}

/// OffsetFetch 10 likewise; a group that is refused has no topics in its answer.
fn offset_fetch(body: &[u8], error: i16) -> Result<OffsetFetchResponse, WireError> {
    let mut answer = OffsetFetchResponse::default();
    let mut cursor = Cursor::new(body, true);
    cursor.each("groups", |cursor| {
        let group = StrBytes::from_string(cursor.string("group")?.to_owned());
        answer.groups.push(
            OffsetFetchResponseGroup::default()
                .with_group_id(GroupId(group))
                .with_error_code(error),
        );
        cursor.nullable("member")?;
        cursor.i32("member epoch")?;
        cursor.each("topics", |cursor| {
            cursor.skip(16, "topic id")?;
            cursor.each("partitions", |cursor| cursor.i32("partition").map(|_| ()))?;
            cursor.skip_tags()
        })?;
        cursor.skip_tags()
    })?;
    Ok(answer)
}

/// The front that both answers below have: response header, throttle time, code, no message.
fn front(correlation_id: i32, error: i16) -> BytesMut {
    let mut out = BytesMut::with_capacity(64);
    out.put_i32(correlation_id);
    out.put_u8(0);
    out.put_i32(0);
    out.put_i16(error);
    out.put_u8(0);
    out
}

/// ShareAcknowledge 2 adds the acquisition lock timeout to its answer (KIP-1222).
fn share_acknowledge(correlation_id: i32, error: i16) -> Bytes {
    let mut out = front(correlation_id, error);
    out.put_i32(0); // acquisition lock timeout
    out.put_slice(&[1, 1, 0]); // no topics, no node endpoints, no tagged fields
    out.freeze()
}

/// StreamsGroupHeartbeat (KIP-1071).
fn streams_group_heartbeat(correlation_id: i32, error: i16) -> Bytes {
    let mut out = front(correlation_id, error);
    out.put_u8(1); // no member id
    out.put_bytes(0, 4 * 4); // member epoch, heartbeat interval, recovery lag, task offset interval
    out.put_bytes(0, 4); // status and three kinds of tasks: null
    out.put_i32(0); // endpoint information epoch
    out.put_slice(&[0, 0]); // partitions by endpoint: null; no tagged fields
    out.freeze()
}
