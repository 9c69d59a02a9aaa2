//! The records inside a batch: read them, and write a batch again without some of them.
//!
//! ```text
//! length varint │ attributes i8 │ timestamp delta varint │ offset delta varint │
//! key length varint (-1: none), key │ value length varint (-1: none), value │ headers
//! ```
//!
//! Invariant: any bytes give records or an error, with memory of at most
//! [`MAX_RECORDS_BYTES`] and no copy of a key or value. A rewritten batch has the same base and last
//! offset, producer, sequence, timestamps of its records and codec as before: what was removed leaves a
//! gap. Headers are kept as bytes and not looked at.

use bytes::{BufMut, Bytes, BytesMut};

use crate::batch::{BatchError, BatchHeader, Codec, HEADER_BYTES, MAX_BATCH_BYTES, PREFIX_BYTES};
use crate::compression::{self, CompressionError};

pub use crate::compression::MAX_RECORDS_BYTES;

/// Where the checksum is, where what it covers begins, and three fields behind that.
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const BASE_TIMESTAMP_AT: usize = 27;
const MAX_TIMESTAMP_AT: usize = 35;
const COUNT_AT: usize = 57;

/// The broker's clock made the timestamps.
const LOG_APPEND_TIME: i16 = 0x08;

/// The base timestamp is the time from which tombstones may be removed (KIP-534).
const DELETE_HORIZON: i16 = 0x40;

/// Why the records of a batch cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordsError {
    /// The batch itself is broken.
    #[error("record batch")]
    Batch(#[from] BatchError),
    /// The compressed bytes are broken, or hold too much.
    #[error("compressed records")]
    Compression(#[from] CompressionError),
    /// A record ends behind the end of the batch, or a field makes no sense.
    #[error("record {0} is malformed")]
    Malformed(i32),
    /// There are more or fewer records than the header says.
    #[error("{found} bytes behind the last of {count} records")]
    Count {
        /// As the header says.
        count: i32,
        /// Bytes that are left.
        found: usize,
    },
}

/// One record; key and value are slices of the decompressed batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its offset in the log.
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The key, if it has one.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The whole record without its length, up to the offset delta and from there on.
    timestamp_delta: i64,
    offset_delta: i64,
    behind_deltas: &'a [u8],
    attributes: u8,
}

/// The records of one batch, decompressed.
#[derive(Debug, Clone)]
pub struct Records {
    header: BatchHeader,
    attributes: i16,
    bytes: Bytes,
}

impl Records {
    /// Decompresses the records of a batch, whose checksum the caller has compared.
    ///
    /// # Errors
    /// [`RecordsError::Batch`] and [`RecordsError::Compression`].
    pub fn of(batch: &Bytes) -> Result<Self, RecordsError> {
        let header = BatchHeader::parse(batch)?;
        if batch.len() < header.length() {
            return Err(BatchError::Incomplete {
                need: header.length(),
                have: batch.len(),
            }
            .into());
        }
        let records = batch.slice(HEADER_BYTES..header.length());
        let bytes = match header.codec() {
            Codec::None => records,
            codec => compression::decompress(codec, &records)?.into(),
        };
        Ok(Self {
            attributes: i16::from_be_bytes([batch[ATTRIBUTES_AT], batch[ATTRIBUTES_AT + 1]]),
            header,
            bytes,
        })
    }

    /// The fixed fields of the batch.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// When tombstones of the batch may go, in milliseconds since 1970, if that is known.
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON != 0).then(|| self.header.base_timestamp())
    }

    /// The records in order. After an error nothing more comes.
    pub fn iter(&self) -> impl Iterator<Item = Result<Record<'_>, RecordsError>> {
        let mut fields = Fields(&self.bytes);
        let mut number = 0;
        let count = self.header.record_count();
        std::iter::from_fn(move || {
            if number > count {
                return None;
            }
            number += 1;
            if number > count {
                let found = fields.0.len();
                return (found > 0).then_some(Err(RecordsError::Count { count, found }));
            }
            let record = self.read(&mut fields).ok_or(RecordsError::Malformed(number - 1));
            if record.is_err() {
                number = count + 1;
            }
            Some(record)
        })
    }

    fn read<'a>(&self, fields: &mut Fields<'a>) -> Option<Record<'a>> {
        let length = usize::try_from(fields.varint()?).ok()?;
        let mut rest = Fields(fields.take(length)?);
        let attributes = rest.take(1)?[0];
        let timestamp_delta = rest.varint()?;
        let offset_delta = rest.varint()?;
        let behind_deltas = rest.0;
        let (key, value) = (rest.bytes()?, rest.bytes()?);
        if !(0..self.header.offset_count()).contains(&offset_delta) {
            return None;
        }
        let timestamp = if self.attributes & LOG_APPEND_TIME != 0 {
            self.header.max_timestamp()
        } else {
            self.header.base_timestamp().checked_add(timestamp_delta)?
        };
        Some(Record {
            offset: self.header.base_offset().checked_add(offset_delta)?,
            timestamp,
            key,
            value,
            timestamp_delta,
            offset_delta,
            behind_deltas,
            attributes,
        })
    }

    /// The batch with only the records that `keep` wants, and if `horizon_ms` is given, with that as
    /// the time from which its tombstones may go. Without any record it is an empty batch, which keeps
    /// the producer's sequence.
    ///
    /// # Errors
    /// Those of [`Records::iter`], and of compressing.
    pub fn rewrite(
        &self,
        batch: &[u8],
        horizon_ms: Option<i64>,
        mut keep: impl FnMut(&Record<'_>) -> bool,
    ) -> Result<Bytes, RecordsError> {
        let horizon = horizon_ms.or(self.delete_horizon_ms());
        let base_timestamp = horizon.unwrap_or(self.header.base_timestamp());
        let (mut records, mut count, mut max_timestamp) = (BytesMut::new(), 0i32, -1);
        let mut body = BytesMut::new();
        for record in self.iter() {
            let record = record?;
            if !keep(&record) {
                continue;
            }
            count += 1;
            max_timestamp = record.timestamp.max(max_timestamp);
            // With the broker's time the deltas mean nothing, and stay.
            let delta = if self.attributes & LOG_APPEND_TIME == 0 {
                record.timestamp.wrapping_sub(base_timestamp)
            } else {
                record.timestamp_delta
            };
            body.clear();
            body.put_u8(record.attributes);
            put_varint(&mut body, delta);
            put_varint(&mut body, record.offset_delta);
            body.put_slice(record.behind_deltas);
            put_varint(&mut records, i64::try_from(body.len()).unwrap_or(i64::MAX));
            records.put_slice(&body);
        }
        let compressed = if count == 0 {
            Vec::new()
        } else {
            compression::compress(self.header.codec(), &records)?
        };
        if self.attributes & LOG_APPEND_TIME != 0 || count == 0 {
            max_timestamp = self.header.max_timestamp();
        }
        let mut attributes = self.attributes;
        if horizon.is_some() {
            attributes |= DELETE_HORIZON;
        }
        if count == 0 {
            // Nothing is compressed in an empty batch.
            attributes &= !0x07;
        }
        let mut rewritten = BytesMut::with_capacity(HEADER_BYTES + compressed.len());
        rewritten.put_slice(batch.get(..HEADER_BYTES).unwrap_or_default());
        rewritten.put_slice(&compressed);
        let length =
            i32::try_from(rewritten.len() - PREFIX_BYTES).map_err(|_| BatchError::Length(i64::MAX))?;
        let mut put = |at: usize, field: &[u8]| rewritten[at..at + field.len()].copy_from_slice(field);
        put(8, &length.to_be_bytes());
        put(ATTRIBUTES_AT, &attributes.to_be_bytes());
        put(BASE_TIMESTAMP_AT, &base_timestamp.to_be_bytes());
        put(MAX_TIMESTAMP_AT, &max_timestamp.to_be_bytes());
        put(COUNT_AT, &count.to_be_bytes());
        sign(&mut rewritten);
        Ok(rewritten.freeze())
    }
}

/// The batch with the broker's time as the timestamp of every record; `None` when it is too short.
pub fn with_append_time(batch: &[u8], timestamp_ms: i64) -> Option<Bytes> {
    let mut stamped = BytesMut::from(batch);
    let attributes = stamped.get(ATTRIBUTES_AT..ATTRIBUTES_AT + 2)?;
    let attributes = i16::from_be_bytes([attributes[0], attributes[1]]) | LOG_APPEND_TIME;
    stamped[ATTRIBUTES_AT..ATTRIBUTES_AT + 2].copy_from_slice(&attributes.to_be_bytes());
    stamped
        .get_mut(MAX_TIMESTAMP_AT..MAX_TIMESTAMP_AT + 8)?
        .copy_from_slice(&timestamp_ms.to_be_bytes());
    sign(&mut stamped);
    Some(stamped.freeze())
}

/// The batch with another largest timestamp in its header; `None` when it is too short.
pub fn with_max_timestamp(batch: &[u8], timestamp_ms: i64) -> Option<Bytes> {
    let mut corrected = BytesMut::from(batch);
    corrected
        .get_mut(MAX_TIMESTAMP_AT..MAX_TIMESTAMP_AT + 8)?
        .copy_from_slice(&timestamp_ms.to_be_bytes());
    sign(&mut corrected);
    Some(corrected.freeze())
}

/// The batch with the same records in another codec.
///
/// # Errors
/// Those of decompressing and compressing, and [`BatchError::Length`] when it gets too long.
pub fn with_codec(batch: &Bytes, codec: Codec) -> Result<Bytes, RecordsError> {
    let Records {
        header,
        attributes,
        bytes,
    } = Records::of(batch)?;
    let number = match codec {
        Codec::None => 0,
        Codec::Gzip => 1,
        Codec::Snappy => 2,
        Codec::Lz4 => 3,
        Codec::Zstd => 4,
        Codec::Unknown(number) => return Err(CompressionError::Unknown(number).into()),
    };
    let compressed = compression::compress(codec, &bytes)?;
    let length = HEADER_BYTES + compressed.len();
    if length > MAX_BATCH_BYTES {
        return Err(BatchError::Length(i64::try_from(length).unwrap_or(i64::MAX)).into());
    }
    let mut made = BytesMut::with_capacity(length);
    made.put_slice(&batch[..header.length().min(HEADER_BYTES)]);
    made.put_slice(&compressed);
    let counted = i32::try_from(length - PREFIX_BYTES).map_err(|_| BatchError::Length(i64::MAX))?;
    made[8..12].copy_from_slice(&counted.to_be_bytes());
    let attributes = (attributes & !0x07) | number;
    made[ATTRIBUTES_AT..ATTRIBUTES_AT + 2].copy_from_slice(&attributes.to_be_bytes());
    sign(&mut made);
    Ok(made.freeze())
}

/// Puts the checksum where it belongs.
fn sign(batch: &mut BytesMut) {
    let crc = crc32c::crc32c(&batch[ATTRIBUTES_AT..]);
    batch[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
}

/// Zigzag, then seven bits a byte.
fn put_varint(into: &mut BytesMut, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest >= 0x80 {
        into.put_u8((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    into.put_u8(rest as u8);
}

/// Longest variable-length integer of 64 bits.
const MAX_VARINT_BYTES: usize = 10;

/// The fields of records, read from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<i64> {
        let mut value = 0u64;
        for index in 0..MAX_VARINT_BYTES {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f).wrapping_shl(u32::try_from(index * 7).ok()?);
            if byte & 0x80 == 0 {
                return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        None
    }

    #[expect(clippy::option_option, reason = "malformed, absent, or there")]
    fn bytes(&mut self) -> Option<Option<&'a [u8]>> {
        match self.varint()? {
            -1 => Some(None),
            length => self.take(usize::try_from(length).ok()?).map(Some),
        }
    }
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
