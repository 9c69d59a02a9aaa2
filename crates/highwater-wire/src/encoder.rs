//! A minimal encoder of uncompressed batches, for tests and probes.
//!
//! It is not a producer: no compression, no headers, all records with one timestamp.

use bytes::{BufMut, Bytes, BytesMut};

use crate::batch::{HEADER_BYTES, MAGIC, NO_PRODUCER_ID, NO_SEQUENCE, PREFIX_BYTES};

/// Builds one batch.
#[derive(Debug, Clone)]
pub struct BatchBuilder {
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    timestamp: i64,
    transactional: bool,
    control: bool,
    records: BytesMut,
    count: i32,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchBuilder {
    /// An empty batch without a producer id, timestamp 0.
    pub fn new() -> Self {
        Self {
            producer_id: NO_PRODUCER_ID,
            producer_epoch: -1,
            base_sequence: NO_SEQUENCE,
            timestamp: 0,
            transactional: false,
            control: false,
            records: BytesMut::new(),
            count: 0,
        }
    }

    /// Makes it a batch of an idempotent producer.
    #[must_use]
    pub fn producer(mut self, id: i64, epoch: i16, base_sequence: i32) -> Self {
        self.producer_id = id;
        self.producer_epoch = epoch;
        self.base_sequence = base_sequence;
        self
    }

    /// Marks the batch as part of a transaction.
    #[must_use]
    pub fn transactional(mut self) -> Self {
        self.transactional = true;
        self
    }

    /// Makes it a control batch, which holds no data; see [`crate::control`].
    #[must_use]
    pub fn control(mut self) -> Self {
        self.control = true;
        self
    }

    /// Timestamp of every record, milliseconds since 1970.
    #[must_use]
    pub fn timestamp(mut self, milliseconds: i64) -> Self {
        self.timestamp = milliseconds;
        self
    }

    /// Adds a record.
    #[must_use]
    pub fn record(mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Self {
        let mut record = BytesMut::new();
        record.put_i8(0);
        put_varint(&mut record, 0);
        put_varint(&mut record, i64::from(self.count));
        put_bytes(&mut record, key);
        put_bytes(&mut record, value);
        put_varint(&mut record, 0);
        put_varint(&mut self.records, record.len() as i64);
        self.records.put_slice(&record);
        self.count += 1;
        self
    }

    /// The batch with base offset 0 and leader epoch 0, as a client sends it.
    pub fn build(self) -> Bytes {
        let length = HEADER_BYTES - PREFIX_BYTES + self.records.len();
        let mut checked = BytesMut::with_capacity(length);
        let transactional = if self.transactional { 0x10 } else { 0 };
        let control = if self.control { 0x20 } else { 0 };
        checked.put_i16(transactional | control);
        checked.put_i32((self.count - 1).max(0));
        checked.put_i64(self.timestamp);
        checked.put_i64(self.timestamp);
        checked.put_i64(self.producer_id);
        checked.put_i16(self.producer_epoch);
        checked.put_i32(self.base_sequence);
        checked.put_i32(self.count);
        checked.put_slice(&self.records);
        let mut batch = BytesMut::with_capacity(length + PREFIX_BYTES);
        batch.put_i64(0);
        batch.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
        batch.put_i32(0);
        batch.put_i8(MAGIC);
        batch.put_u32(crc32c::crc32c(&checked));
        batch.put_slice(&checked);
        batch.freeze()
    }
}

fn put_bytes(into: &mut BytesMut, bytes: Option<&[u8]>) {
    match bytes {
        None => put_varint(into, -1),
        Some(bytes) => {
            put_varint(into, bytes.len() as i64);
            into.put_slice(bytes);
        }
    }
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
