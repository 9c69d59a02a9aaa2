//! Record batches as facts.
//!
//! Invariant: only whole batches are told of. Messages of the formats before Kafka 0.11 (magic 0 and 1)
//! are stepped over: they have no producer, sequence or transaction to tell of.

use bytes::Bytes;
use highwater_model::history::{BatchFacts, CodecName, MarkerFact};

use super::{Depth, record};
use crate::batch::{BatchError, BatchHeader, Codec, PREFIX_BYTES};
use crate::control::{Marker, MarkerKind};
use crate::error::WireError;

/// What the end of the bytes may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The last batch is whole, as in a Produce request.
    Whole,
    /// The last batch may be cut, as in the answer to a fetch.
    MayBeCut,
}

/// Where the magic is, in batches and in the messages before them.
const MAGIC_AT: usize = 16;

/// The batches in the bytes of one partition.
pub(super) fn read(bytes: &Bytes, end: End, depth: Depth<'_>) -> Result<Vec<BatchFacts>, WireError> {
    let mut batches = Vec::new();
    let mut rest = bytes.clone();
    while !rest.is_empty() {
        match length_at_front(&rest) {
            Ok((length, old)) => {
                let batch = rest.split_to(length);
                if !old {
                    batches.push(facts(&batch, depth)?);
                }
            }
            Err(BatchError::Incomplete { .. }) if end == End::MayBeCut => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(batches)
}

/// Length of the batch or old message at the front, and whether it is an old one.
fn length_at_front(bytes: &[u8]) -> Result<(usize, bool), BatchError> {
    let incomplete = |need| BatchError::Incomplete {
        need,
        have: bytes.len(),
    };
    let (Some(&magic), Some(length)) = (
        bytes.get(MAGIC_AT),
        bytes
            .get(8..PREFIX_BYTES)
            .and_then(|bytes| bytes.first_chunk::<4>()),
    ) else {
        return Err(incomplete(MAGIC_AT + 1));
    };
    let old = magic < 2;
    let length = if old {
        let content = i32::from_be_bytes(*length);
        let content = usize::try_from(content)
            .ok()
            .filter(|&content| content > MAGIC_AT - PREFIX_BYTES)
            .ok_or(BatchError::Length(i64::from(content)))?;
        content + PREFIX_BYTES
    } else {
        BatchHeader::parse(bytes)?.length()
    };
    if length > bytes.len() {
        return Err(incomplete(length));
    }
    Ok((length, old))
}

/// What one whole batch says.
fn facts(batch: &Bytes, depth: Depth<'_>) -> Result<BatchFacts, WireError> {
    let header = BatchHeader::parse(batch)?;
    let records = match depth {
        Depth::Records { headers } if !header.is_control() => record::read(&header, batch, headers)?,
        _ => Vec::new(),
    };
    Ok(BatchFacts {
        base_offset: header.base_offset(),
        last_offset_delta: i32::try_from(header.offset_count() - 1).unwrap_or(i32::MAX),
        leader_epoch: header.leader_epoch(),
        producer_id: header.producer_id(),
        producer_epoch: header.producer_epoch(),
        base_sequence: header.base_sequence(),
        transactional: header.is_transactional(),
        marker: header.is_control().then(|| marker(batch)),
        codec: codec(header.codec()),
        max_timestamp_ms: header.max_timestamp(),
        bytes: u32::try_from(header.length()).unwrap_or(u32::MAX),
        records,
    })
}

fn marker(batch: &Bytes) -> MarkerFact {
    match Marker::decode(batch).map(|marker| marker.kind) {
        Ok(MarkerKind::Commit) => MarkerFact::Commit,
        Ok(MarkerKind::Abort) => MarkerFact::Abort,
        Err(_) => MarkerFact::Other,
    }
}

fn codec(codec: Codec) -> CodecName {
    match codec {
        Codec::None => CodecName::None,
        Codec::Gzip => CodecName::Gzip,
        Codec::Snappy => CodecName::Snappy,
        Codec::Lz4 => CodecName::Lz4,
        Codec::Zstd => CodecName::Zstd,
        Codec::Unknown(_) => CodecName::Unknown,
    }
}
