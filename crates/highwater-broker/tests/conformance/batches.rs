//! Record batches as no client would send them, and compressed ones.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use highwater_wire::BatchBuilder;
use highwater_wire::batch::HEADER_BYTES;

const LENGTH_AT: usize = 8;
const CRC_AT: usize = 17;
const CRC_FROM: usize = 21;
const ATTRIBUTES_AT: usize = 21;
pub(crate) const LAST_OFFSET_DELTA_AT: usize = 23;
pub(crate) const MAX_TIMESTAMP_AT: usize = 35;
pub(crate) const RECORD_COUNT_AT: usize = 57;

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_millis()).expect("not that late")
}

/// A builder with the time of now. Records of 1970 would be a week older than the next marker: Kafka begins a new
/// segment there, a fetch ends with the old one, and retention removes it.
pub(crate) fn builder() -> BatchBuilder {
    BatchBuilder::new().timestamp(now_ms())
}

/// A batch of records without a key or producer.
pub(crate) fn batch(values: &[&str]) -> Bytes {
    fill(builder(), values)
}

pub(crate) fn fill(builder: BatchBuilder, values: &[&str]) -> Bytes {
    let add = |builder: BatchBuilder, value: &&str| builder.record(None, Some(value.as_bytes()));
    values.iter().fold(builder, add).build()
}

/// A batch of an idempotent producer.
pub(crate) fn sequenced(producer: (i64, i16), sequence: i32, values: &[&str]) -> Bytes {
    fill(
        BatchBuilder::new().producer(producer.0, producer.1, sequence),
        values,
    )
}

/// A batch of a transaction.
pub(crate) fn transactional(producer: (i64, i16), sequence: i32, values: &[&str]) -> Bytes {
    let builder = builder().producer(producer.0, producer.1, sequence);
    fill(builder.transactional(), values)
}

pub(crate) fn timestamped(milliseconds: i64, values: &[&str]) -> Bytes {
    fill(BatchBuilder::new().timestamp(milliseconds), values)
}

/// The same batch with other bytes at one place, and a checksum that fits.
pub(crate) fn altered(batch: &Bytes, at: usize, bytes: &[u8]) -> Bytes {
    let mut altered = batch.to_vec();
    altered[at..at + bytes.len()].copy_from_slice(bytes);
    sealed(altered)
}

/// The same batch with other attributes.
pub(crate) fn with_attributes(batch: &Bytes, attributes: i16) -> Bytes {
    altered(batch, ATTRIBUTES_AT, &attributes.to_be_bytes())
}

fn sealed(mut batch: Vec<u8>) -> Bytes {
    let length = i32::try_from(batch.len() - 12).expect("small");
    batch[LENGTH_AT..LENGTH_AT + 4].copy_from_slice(&length.to_be_bytes());
    let crc = crc32c::crc32c(&batch[CRC_FROM..]);
    batch[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
    batch.into()
}

/// The same batch with its records in the container of a codec, stored and not made smaller.
pub(crate) fn compressed(batch: &Bytes, codec: i16) -> Bytes {
    let records = &batch[HEADER_BYTES..];
    let body = match codec {
        1 => gzip(records),
        2 => snappy(records),
        3 => lz4(records),
        4 => zstd(records),
        other => panic!("codec {other}"),
    };
    let mut bytes = batch[..HEADER_BYTES].to_vec();
    bytes[ATTRIBUTES_AT..ATTRIBUTES_AT + 2].copy_from_slice(&codec.to_be_bytes());
    bytes.extend(body);
    sealed(bytes)
}

fn short(records: &[u8]) -> u16 {
    u16::try_from(records.len()).expect("a small batch")
}

/// RFC 1952, with one stored block of RFC 1951.
fn gzip(records: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    bytes.extend(short(records).to_le_bytes());
    bytes.extend((!short(records)).to_le_bytes());
    bytes.extend(records);
    bytes.extend(crc32(records).to_le_bytes());
    bytes.extend(u32::from(short(records)).to_le_bytes());
    bytes
}

/// CRC-32 of RFC 1952, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc));
    !bytes.iter().fold(u32::MAX, byte)
}

/// The framing of snappy's Java library, with one literal.
fn snappy(records: &[u8]) -> Vec<u8> {
    let mut block = vec![
        (short(records) & 0x7f) as u8 | 0x80,
        (short(records) >> 7) as u8,
        61 << 2,
    ];
    block.extend((short(records) - 1).to_le_bytes());
    block.extend(records);
    let mut bytes = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    bytes.extend(u32::try_from(block.len()).expect("small").to_be_bytes());
    bytes.extend(block);
    bytes
}

/// An LZ4 frame with independent blocks of at most 64 KiB, the only one stored.
fn lz4(records: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
    bytes.extend((u32::from(short(records)) | 1 << 31).to_le_bytes());
    bytes.extend(records);
    bytes.extend([0; 4]);
    bytes
}

/// RFC 8878: a single segment with its size in one byte, and one raw block.
fn zstd(records: &[u8]) -> Vec<u8> {
    let size = u8::try_from(records.len()).expect("a tiny batch");
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, size];
    bytes.extend(&((u32::from(size) << 3) | 1).to_le_bytes()[..3]);
    bytes.extend(records);
    bytes
}
