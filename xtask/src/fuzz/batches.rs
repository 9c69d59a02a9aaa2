//! Record batches to start from: every codec, honest ones and those that lie about what is inside.

use bytes::{BufMut, Bytes, BytesMut};
use highwater_wire::BatchBuilder;
use highwater_wire::batch::Codec;
use highwater_wire::compression::{CompressionError, MAX_RECORDS_BYTES, compress};

/// Where the fields are, from the front of a batch.
pub(crate) const CRC_AT: usize = 17;
pub(crate) const CHECKED_FROM: usize = 21;
const ATTRIBUTES_LOW: usize = 22;
pub(crate) const RECORDS_FROM: usize = 61;
const LENGTH_AT: usize = 8;
const LENGTH_FROM: usize = 12;

/// What a bomb unpacks to: more than is ever unpacked.
const BOMB_BYTES: usize = MAX_RECORDS_BYTES + 1;
const CODECS: [(u8, Codec); 4] = [
    (1, Codec::Gzip),
    (2, Codec::Snappy),
    (3, Codec::Lz4),
    (4, Codec::Zstd),
];

/// Whole batches, and those whose records are not what their codec says, or end early.
pub(crate) fn all() -> Result<Vec<Bytes>, CompressionError> {
    let plain = honest();
    let records = plain.slice(RECORDS_FROM..);
    let mut batches = vec![
        plain.clone(),
        BatchBuilder::new().record(None, Some(b"value")).build(),
        BatchBuilder::new()
            .producer(1, 0, 0)
            .record(Some(b"key"), None)
            .build(),
        BatchBuilder::new()
            .transactional()
            .producer(2, 0, 0)
            .record(Some(b"key"), Some(b"value"))
            .build(),
    ];
    for (attribute, codec) in CODECS {
        let packed = compress(codec, &records)?;
        batches.push(with_records(&plain, attribute, &packed));
        batches.push(with_records(&plain, attribute, &records));
        batches.push(with_records(&plain, attribute, &packed[..packed.len() / 2]));
    }
    Ok(batches)
}

/// Small batches that unpack to a large one.
pub(crate) fn bombs() -> Result<Vec<Bytes>, CompressionError> {
    let (plain, zeros) = (honest(), vec![0; BOMB_BYTES]);
    CODECS
        .iter()
        .map(|(attribute, codec)| Ok(with_records(&plain, *attribute, &compress(*codec, &zeros)?)))
        .collect()
}

fn honest() -> Bytes {
    (0..5)
        .fold(
            BatchBuilder::new().timestamp(1_700_000_000_000),
            |builder, number| {
                let (key, value) = (format!("key{}", number % 2), format!("value {number}"));
                builder.record(Some(key.as_bytes()), Some(value.as_bytes()))
            },
        )
        .build()
}

/// The same header over other records.
fn with_records(batch: &[u8], codec: u8, records: &[u8]) -> Bytes {
    let mut other = BytesMut::from(&batch[..RECORDS_FROM]);
    other.put_slice(records);
    other[ATTRIBUTES_LOW] = codec;
    mend_length(&mut other);
    mend_checksum(&mut other);
    other.freeze()
}

pub(crate) fn mend_length(batch: &mut [u8]) {
    let length = u32::try_from(batch.len().saturating_sub(LENGTH_FROM)).unwrap_or(u32::MAX);
    if let Some(field) = batch.get_mut(LENGTH_AT..LENGTH_FROM) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

/// Without this nearly every damage would end at the checksum.
pub(crate) fn mend_checksum(batch: &mut [u8]) {
    if batch.len() < CHECKED_FROM {
        return;
    }
    let checksum = crc32c::crc32c(&batch[CHECKED_FROM..]);
    batch[CRC_AT..CHECKED_FROM].copy_from_slice(&checksum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use highwater_wire::batch;

    use super::*;

    #[test]
    fn what_it_starts_from_is_whole() {
        let batches = all().unwrap().into_iter().chain(bombs().unwrap());
        for batch in batches {
            let header = batch::check(&batch).expect("a good batch");
            assert_eq!(header.length(), batch.len());
        }
    }
}
