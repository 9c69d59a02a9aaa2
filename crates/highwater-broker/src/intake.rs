//! What a batch of a producer has to be before it is appended: records that are what its header says, a
//! key in every record of a compacted topic, timestamps near the broker's clock, or the broker's own.
//!
//! Invariant: only what a setting asks for costs decompression; records that are not compressed are
//! always looked at, and the header's largest timestamp is theirs. It holds no clock.

use bytes::Bytes;
use highwater_wire::batch::{BatchError, BatchHeader, Codec, HEADER_BYTES, NO_PRODUCER_ID};
use highwater_wire::records::{Records, RecordsError, with_append_time, with_codec, with_max_timestamp};

use crate::log::LogConfig;

/// Timestamp of a record that has none.
const NO_TIMESTAMP: i64 = -1;

/// A batch as it is to be appended.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) header: BatchHeader,
    pub(crate) batch: Bytes,
    /// The timestamp that every record was given, milliseconds since 1970.
    pub(crate) append_time_ms: Option<i64>,
}

/// Why a batch is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntakeError {
    #[error("{0}")]
    Contradiction(&'static str),
    #[error("record {index} says that it is record {found}")]
    Numbering { index: i32, found: i64 },
    #[error("a compacted topic takes no record without a key")]
    NoKey {
        /// Which records of the batch.
        records: Vec<i32>,
    },
    #[error("timestamp {found} is outside of {earliest} to {latest}, which the topic takes now")]
    Timestamp {
        found: i64,
        earliest: i64,
        latest: i64,
        /// Which records of the batch.
        records: Vec<i32>,
    },
    #[error("the records are not compressed with the codec that the batch names")]
    Codec,
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Most records named in one refusal.
const MAX_NAMED: usize = 1_000;

/// Looks at a batch as the settings ask for; `now_ms` is the time of day.
pub(crate) fn take(
    config: &LogConfig,
    header: &BatchHeader,
    batch: &Bytes,
    now_ms: i64,
) -> Result<Taken, IntakeError> {
    check_header(header)?;
    check_codec(header, batch)?;
    let other_codec = config.codec.filter(|&codec| codec != header.codec());
    let window = Window::of(config, now_ms);
    let wants_records = config.compact
        || other_codec.is_some()
        || window.wants_records(header)
        || header.codec() == Codec::None;
    let largest = if wants_records {
        check_records(config, &window, batch)?
    } else {
        header.max_timestamp()
    };
    let mut stored = batch.clone();
    if let Some(codec) = other_codec {
        stored = with_codec(&stored, codec)?;
    }
    let stamped = if config.log_append_time {
        with_append_time(&stored, now_ms)
    } else if largest != header.max_timestamp() {
        with_max_timestamp(&stored, largest)
    } else {
        Some(stored)
    };
    let stored = stamped.ok_or_else(|| {
        RecordsError::Batch(BatchError::Incomplete {
            need: header.length(),
            have: batch.len(),
        })
    })?;
    Ok(Taken {
        header: BatchHeader::parse(&stored).map_err(RecordsError::Batch)?,
        batch: stored,
        append_time_ms: config.log_append_time.then_some(now_ms),
    })
}

/// What a producer's batch has to be, whatever is in it.
fn check_header(header: &BatchHeader) -> Result<(), IntakeError> {
    let refuse = |why| Err(IntakeError::Contradiction(why));
    if header.base_offset() != 0 {
        return refuse("the first offset of a batch from a client is 0");
    }
    if header.record_count() == 0 || i64::from(header.record_count()) != header.offset_count() {
        return refuse("record count and last offset delta contradict each other");
    }
    if header.is_control() {
        return refuse("clients do not write control batches");
    }
    if header.is_transactional() && header.producer_id() == NO_PRODUCER_ID {
        return refuse("a batch of a transaction without a producer id");
    }
    if header.producer_id() != NO_PRODUCER_ID && header.base_sequence() < 0 {
        return refuse("a producer id without a sequence");
    }
    Ok(())
}

/// Whether compressed bytes begin as those of their codec do. Snappy has two framings, and one of them
/// begins with nothing of its own.
fn check_codec(header: &BatchHeader, batch: &[u8]) -> Result<(), IntakeError> {
    let front: &[u8] = match header.codec() {
        Codec::None | Codec::Snappy => &[],
        Codec::Gzip => &[0x1f, 0x8b],
        Codec::Lz4 => &[0x04, 0x22, 0x4d, 0x18],
        Codec::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
        Codec::Unknown(_) => return Err(IntakeError::Codec),
    };
    let records = batch.get(HEADER_BYTES..).unwrap_or_default();
    if records.starts_with(front) {
        Ok(())
    } else {
        Err(IntakeError::Codec)
    }
}

/// The timestamps that a topic takes now, in milliseconds since 1970.
struct Window {
    earliest: i64,
    latest: i64,
}

impl Window {
    fn of(config: &LogConfig, now_ms: i64) -> Self {
        if config.log_append_time {
            return Self {
                earliest: i64::MIN,
                latest: i64::MAX,
            };
        }
        Self {
            earliest: now_ms.saturating_sub(config.timestamp_before_max_ms),
            latest: now_ms.saturating_add(config.timestamp_after_max_ms),
        }
    }

    /// No timestamp is a good one.
    fn takes(&self, timestamp: i64) -> bool {
        timestamp < 0 || (self.earliest..=self.latest).contains(&timestamp)
    }

    /// Whether the header does not say enough: of the records it knows the largest timestamp only.
    fn wants_records(&self, header: &BatchHeader) -> bool {
        self.earliest > 0 || !self.takes(header.max_timestamp())
    }
}

/// Looks at every record; gives their largest timestamp, -1 if none has one.
fn check_records(config: &LogConfig, window: &Window, batch: &Bytes) -> Result<i64, IntakeError> {
    let mut largest = NO_TIMESTAMP;
    let (mut keyless, mut untimely, mut found) = (Vec::new(), Vec::new(), NO_TIMESTAMP);
    for (index, record) in (0..).zip(Records::of(batch)?.iter()) {
        let record = record?;
        if record.offset != i64::from(index) {
            return Err(IntakeError::Numbering {
                index,
                found: record.offset,
            });
        }
        if config.compact && record.key.is_none() && keyless.len() < MAX_NAMED {
            keyless.push(index);
        }
        if !window.takes(record.timestamp) && untimely.len() < MAX_NAMED {
            untimely.push(index);
            found = record.timestamp;
        }
        largest = largest.max(record.timestamp);
    }
    if !keyless.is_empty() {
        return Err(IntakeError::NoKey { records: keyless });
    }
    if !untimely.is_empty() {
        return Err(IntakeError::Timestamp {
            found,
            earliest: window.earliest,
            latest: window.latest,
            records: untimely,
        });
    }
    Ok(largest)
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
