//! Records of a batch: runs of records of the same form are told once, then come their hashes.

use super::coded::Coded;
use super::reader::{Malformed, Reader};
use super::writer::Writer;
use crate::history::{ContentHash, RecordFacts};

const KEY: i64 = 1;
const VALUE: i64 = 2;
const HEADERS: i64 = 4;
const GAP: i64 = 8;
const FLAG_BITS: u32 = 4;

/// Records that are told together: the same fields present, values of the same size, offsets without a gap.
impl Coded for Vec<RecordFacts> {
    fn put(&self, writer: &mut Writer) {
        writer.number(self.len() as i64);
        let mut offset_delta = -1_i32;
        let mut rest = self.as_slice();
        while let Some(first) = rest.first() {
            let step = first.offset_delta.wrapping_sub(offset_delta);
            let flags = form(first) | if step == 1 { 0 } else { GAP };
            let length = run(rest);
            let (run, after) = rest.split_at(length);
            writer.number((length as i64) << FLAG_BITS | flags);
            if flags & GAP != 0 {
                writer.number(i64::from(step));
            }
            first.value_bytes.put(writer);
            if flags & HEADERS != 0 {
                first.headers.put(writer);
            }
            for record in run {
                for hash in [record.key, record.value].into_iter().flatten() {
                    writer.hash(hash.0);
                }
                offset_delta = record.offset_delta;
            }
            rest = after;
        }
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let count = reader.count()?;
        let mut records = Self::new();
        let mut offset_delta = -1_i32;
        while records.len() < count {
            let head = reader.number()?;
            let (flags, length) = (head & ((1 << FLAG_BITS) - 1), head >> FLAG_BITS);
            let length = usize::try_from(length)
                .ok()
                .filter(|length| (1..=count - records.len()).contains(length))
                .ok_or("a run of records is longer than its batch")?;
            let step: i32 = if flags & GAP == 0 { 1 } else { reader.narrow()? };
            let value_bytes = reader.narrow()?;
            let headers = if flags & HEADERS == 0 {
                Vec::new()
            } else {
                Coded::take(reader)?
            };
            let hashes = usize::from(flags & KEY != 0) + usize::from(flags & VALUE != 0);
            if length > 1 && (hashes == 0 || flags & HEADERS != 0 || reader.hashes_left() < length * hashes) {
                return Err("a run of records has too few hashes");
            }
            records.reserve(length);
            offset_delta = offset_delta.wrapping_add(step).wrapping_sub(1);
            for _ in 0..length {
                offset_delta = offset_delta.wrapping_add(1);
                records.push(RecordFacts {
                    offset_delta,
                    key: hash(reader, flags & KEY)?,
                    value: hash(reader, flags & VALUE)?,
                    value_bytes,
                    headers: Vec::new(),
                });
            }
            if let Some(last) = records.last_mut() {
                last.headers = headers;
            }
        }
        Ok(records)
    }
}

fn hash(reader: &mut Reader<'_>, present: i64) -> Result<Option<ContentHash>, Malformed> {
    if present == 0 {
        return Ok(None);
    }
    reader.hash().map(|hash| Some(ContentHash(hash)))
}

/// Which fields a record has.
fn form(record: &RecordFacts) -> i64 {
    let mut flags = 0;
    if record.key.is_some() {
        flags |= KEY;
    }
    if record.value.is_some() {
        flags |= VALUE;
    }
    if !record.headers.is_empty() {
        flags |= HEADERS;
    }
    flags
}

/// How many records from the first one on can be told together.
fn run(records: &[RecordFacts]) -> usize {
    let Some(first) = records.first() else {
        return 0;
    };
    let flags = form(first);
    // Without a hash a record would cost nothing, and a reader could not bound it by the bytes that are there.
    if flags & HEADERS != 0 || flags & (KEY | VALUE) == 0 {
        return 1;
    }
    let same = records.windows(2).take_while(|pair| {
        form(&pair[1]) == flags
            && pair[1].value_bytes == first.value_bytes
            && pair[1].offset_delta == pair[0].offset_delta.wrapping_add(1)
    });
    1 + same.count()
}
