//! The records of one batch as facts: where they are, and hashes of what they hold.
//!
//! Invariant: as many records as the header says, at most [`MAX_RECORDS`], and nothing behind them, or an error. The only memory
//! asked for is the list itself, as long as the bytes can hold records; keys and values are hashed in place.

use highwater_model::history::{ContentHash, HeaderFact, RecordFacts};
use xxhash_rust::xxh3::xxh3_64;

use crate::batch::{BatchHeader, Codec, HEADER_BYTES};
use crate::compression;
use crate::records::RecordsError;

/// Length, attributes, two deltas, length of the key, of the value, count of headers: a byte each.
const MIN_RECORD_BYTES: usize = 7;

/// Most records of one batch that are looked at: ten times what a batch of Kafka's default limit can hold, and
/// 56 MiB of facts. A small batch can unpack to far more.
const MAX_RECORDS: i32 = 1 << 20;

/// Longest value of a record header that is kept, in bytes.
const MAX_HEADER_VALUE_BYTES: usize = 64;

/// The records of a whole batch, with the record headers that `keep` names.
pub(super) fn read(
    header: &BatchHeader,
    batch: &[u8],
    keep: &[String],
) -> Result<Vec<RecordFacts>, RecordsError> {
    let bytes = batch.get(HEADER_BYTES..header.length()).unwrap_or_default();
    match header.codec() {
        Codec::None => walk(header, bytes, keep),
        codec => walk(header, &compression::decompress(codec, bytes)?, keep),
    }
}

fn walk(header: &BatchHeader, bytes: &[u8], keep: &[String]) -> Result<Vec<RecordFacts>, RecordsError> {
    let count = header.record_count();
    if count > MAX_RECORDS {
        return Err(RecordsError::Malformed(MAX_RECORDS));
    }
    let room = usize::try_from(count)
        .unwrap_or(0)
        .min(bytes.len() / MIN_RECORD_BYTES);
    let mut records = Vec::with_capacity(room);
    let mut rest = Cursor(bytes);
    for number in 0..count {
        let record = rest
            .record(keep)
            .filter(|record| i64::from(record.offset_delta) < header.offset_count());
        records.push(record.ok_or(RecordsError::Malformed(number))?);
    }
    if rest.0.is_empty() {
        Ok(records)
    } else {
        Err(RecordsError::Count {
            count,
            found: rest.0.len(),
        })
    }
}

/// What is left of the records.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    #[inline]
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Seven bits a byte, then zigzag. Numbers of one byte are by far the most frequent.
    #[inline]
    fn varint(&mut self) -> Option<i64> {
        let (&first, rest) = self.0.split_first()?;
        if first < 0x80 {
            self.0 = rest;
            return Some(zigzag(u64::from(first)));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Option<i64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(zigzag(value));
            }
        }
        None
    }

    #[inline]
    #[expect(clippy::option_option, reason = "malformed, absent, or there")]
    fn bytes(&mut self) -> Option<Option<&'a [u8]>> {
        match self.varint()? {
            -1 => Some(None),
            length => self.take(usize::try_from(length).ok()?).map(Some),
        }
    }

    #[inline]
    fn record(&mut self, keep: &[String]) -> Option<RecordFacts> {
        let length = usize::try_from(self.varint()?).ok()?;
        let mut fields = Cursor(self.take(length)?);
        fields.take(1)?; // attributes
        fields.varint()?; // timestamp delta
        let offset_delta = fields.varint()?;
        let offset_delta = i32::try_from(offset_delta).ok().filter(|&delta| delta >= 0)?;
        let key = fields.bytes()?;
        let value = fields.bytes()?;
        let headers = if keep.is_empty() {
            Vec::new()
        } else {
            fields.headers(keep)?
        };
        Some(RecordFacts {
            offset_delta,
            key: key.map(hash),
            value: value.map(hash),
            value_bytes: u32::try_from(value.map_or(0, <[u8]>::len)).ok()?,
            headers,
        })
    }

    fn headers(&mut self, keep: &[String]) -> Option<Vec<HeaderFact>> {
        let mut kept = Vec::new();
        for _ in 0..self.varint()? {
            let key = self.bytes()??;
            let value = self.bytes()?;
            if let Some(name) = keep.iter().find(|name| name.as_bytes() == key) {
                kept.push(HeaderFact {
                    key: name.clone(),
                    value: value.map(text),
                });
            }
        }
        Some(kept)
    }
}

fn zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

fn hash(bytes: &[u8]) -> ContentHash {
    ContentHash(xxh3_64(bytes))
}

/// Bytes as text, of at most [`MAX_HEADER_VALUE_BYTES`], cut between characters.
fn text(bytes: &[u8]) -> String {
    // A few bytes more than are kept, so that a character at the limit is seen whole before it is cut off.
    let seen = &bytes[..bytes.len().min(MAX_HEADER_VALUE_BYTES + 4)];
    let mut text = String::from_utf8_lossy(seen).into_owned();
    text.truncate(text.floor_char_boundary(MAX_HEADER_VALUE_BYTES));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_record_headers_are_cut_between_characters() {
        let cases: [(&str, Vec<u8>, String); 5] = [
            ("short", b"abc".to_vec(), "abc".to_owned()),
            ("as long as may be", vec![b'a'; 64], "a".repeat(64)),
            ("longer", vec![b'a'; 65], "a".repeat(64)),
            (
                "a character over the limit",
                ["a".repeat(63).as_bytes(), "ä".as_bytes()].concat(),
                "a".repeat(63),
            ),
            ("no text", vec![0xff; 30], "\u{fffd}".repeat(21)),
        ];
        for (name, bytes, expected) in cases {
            assert_eq!(text(&bytes), expected, "{name}");
        }
    }

    #[test]
    fn hashes_are_those_of_xxh3() {
        let cases: [(&str, Vec<u8>, u64); 4] = [
            ("nothing", Vec::new(), 0x2d06_8005_38d3_94c2),
            ("a short value", b"value".to_vec(), 0x87d5_7e26_9b9d_f0f0),
            ("a key", b"key".to_vec(), 0xbbea_0d63_a051_65e3),
            (
                "a long value",
                (0..1000u32).map(|number| number as u8).collect(),
                0xd33d_d80b_46f6_0e50,
            ),
        ];
        for (name, bytes, expected) in cases {
            assert_eq!(hash(&bytes), ContentHash(expected), "{name}");
        }
    }
}
