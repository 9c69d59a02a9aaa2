//! Record batches of magic 2, kept as bytes.
//!
//! ```text
//! 0 base offset i64 │ 8 length i32 │ 12 leader epoch i32 │ 16 magic i8 │ 17 crc u32 │
//! 21 attributes i16 │ 23 last offset delta i32 │ 27 base timestamp i64 │ 35 max timestamp i64 │
//! 43 producer id i64 │ 51 producer epoch i16 │ 53 base sequence i32 │ 57 record count i32 │ 61 records
//! ```
//!
//! The CRC-32C covers everything from the attributes on, so the base offset and the leader epoch can
//! be patched without touching it. Layout: Kafka's documentation, "Message Format".
//!
//! Invariant: a [`BatchHeader`] describes a batch whose fixed fields were all there and in range; only
//! [`check`] says that its bytes are intact. Records are not looked at here, see [`crate::records`].

/// Fixed part of a batch, up to its records, in bytes.
pub const HEADER_BYTES: usize = 61;

/// Base offset and length: what a batch has in front of the bytes its length counts.
pub const PREFIX_BYTES: usize = 12;

/// Bytes at the front that can be patched without changing the CRC: base offset, length, leader epoch.
pub const PATCH_BYTES: usize = 16;

/// Longest batch accepted anywhere, in bytes: Kafka allows any `max.message.bytes`, but a length
/// beyond this can only be damage, and every reader may have to hold one batch in memory.
pub const MAX_BATCH_BYTES: usize = 32 << 20;

/// Producer id of a batch that was written without idempotence.
pub const NO_PRODUCER_ID: i64 = -1;

/// Sequence of a batch that was written without idempotence.
pub const NO_SEQUENCE: i32 = -1;

/// The only record batch format since Kafka 0.11.
pub const MAGIC: i8 = 2;

const CRC_START: usize = 21;

/// Why bytes are not a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Fewer bytes than the batch needs: a torn tail, or a caller that cut too early.
    #[error("incomplete batch: {have} of {need} bytes")]
    Incomplete {
        /// Bytes needed.
        need: usize,
        /// Bytes there.
        have: usize,
    },
    /// A message set of Kafka before 0.11, or damage.
    #[error("magic {0}, only 2 is supported")]
    Magic(i8),
    /// A length below the fixed part or above [`MAX_BATCH_BYTES`].
    #[error("batch length {0} out of range")]
    Length(i64),
    /// The bytes do not match their checksum.
    #[error("crc-32c is {computed:#010x}, the header says {stored:#010x}")]
    Crc {
        /// As stored in the header.
        stored: u32,
        /// As computed over the bytes.
        computed: u32,
    },
    /// A header field contradicts another one.
    #[error("inconsistent {0}")]
    Inconsistent(&'static str),
}

/// Compression of a batch's records, the lowest three bits of its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// Not compressed.
    None,
    /// gzip.
    Gzip,
    /// snappy, in its Java framing.
    Snappy,
    /// lz4 frames.
    Lz4,
    /// zstd.
    Zstd,
    /// A number nobody has given a meaning to.
    Unknown(u8),
}

/// The fixed fields of one record batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    base_offset: i64,
    length: i32,
    leader_epoch: i32,
    crc: u32,
    attributes: i16,
    last_offset_delta: i32,
    base_timestamp: i64,
    max_timestamp: i64,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    record_count: i32,
}

fn array<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[at..at + N]);
    field
}

impl BatchHeader {
    /// Reads the fixed fields and checks their ranges; the checksum is not looked at.
    ///
    /// # Errors
    /// [`BatchError::Incomplete`] when fewer than [`HEADER_BYTES`] are there, [`BatchError::Magic`],
    /// [`BatchError::Length`], [`BatchError::Inconsistent`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let header = Self::read(bytes)?;
        header.check_consistency()?;
        Ok(header)
    }

    /// The fields, of which only magic and length are sure to make sense.
    fn read(bytes: &[u8]) -> Result<Self, BatchError> {
        let Some(fixed) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(BatchError::Incomplete {
                need: HEADER_BYTES,
                have: bytes.len(),
            });
        };
        let magic = i8::from_be_bytes(array(fixed, 16));
        if magic != MAGIC {
            return Err(BatchError::Magic(magic));
        }
        let header = Self {
            base_offset: i64::from_be_bytes(array(fixed, 0)),
            length: i32::from_be_bytes(array(fixed, 8)),
            leader_epoch: i32::from_be_bytes(array(fixed, 12)),
            crc: u32::from_be_bytes(array(fixed, 17)),
            attributes: i16::from_be_bytes(array(fixed, 21)),
            last_offset_delta: i32::from_be_bytes(array(fixed, 23)),
            base_timestamp: i64::from_be_bytes(array(fixed, 27)),
            max_timestamp: i64::from_be_bytes(array(fixed, 35)),
            producer_id: i64::from_be_bytes(array(fixed, 43)),
            producer_epoch: i16::from_be_bytes(array(fixed, 51)),
            base_sequence: i32::from_be_bytes(array(fixed, 53)),
            record_count: i32::from_be_bytes(array(fixed, 57)),
        };
        let content = usize::try_from(header.length).unwrap_or(0);
        if !(HEADER_BYTES - PREFIX_BYTES..=MAX_BATCH_BYTES - PREFIX_BYTES).contains(&content) {
            return Err(BatchError::Length(i64::from(header.length)));
        }
        Ok(header)
    }

    fn check_consistency(&self) -> Result<(), BatchError> {
        if self.base_offset < 0
            || self
                .base_offset
                .checked_add(i64::from(self.last_offset_delta))
                .is_none()
        {
            return Err(BatchError::Inconsistent("base offset"));
        }
        if self.last_offset_delta < 0 {
            return Err(BatchError::Inconsistent("last offset delta"));
        }
        // A compacted batch may hold fewer records than it spans offsets, never more.
        if self.record_count < 0 || i64::from(self.record_count) > i64::from(self.last_offset_delta) + 1 {
            return Err(BatchError::Inconsistent("record count"));
        }
        Ok(())
    }

    /// Offset of the first record.
    pub fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Offset of the last record.
    pub fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// Offsets that the batch spans; equals the record count unless the log was compacted.
    pub fn offset_count(&self) -> i64 {
        i64::from(self.last_offset_delta) + 1
    }

    /// Leader epoch in which the batch was appended.
    pub fn leader_epoch(&self) -> i32 {
        self.leader_epoch
    }

    /// Records in the batch.
    pub fn record_count(&self) -> i32 {
        self.record_count
    }

    /// Producer id, or [`NO_PRODUCER_ID`].
    pub fn producer_id(&self) -> i64 {
        self.producer_id
    }

    /// Producer epoch, or -1.
    pub fn producer_epoch(&self) -> i16 {
        self.producer_epoch
    }

    /// Sequence of the first record, or [`NO_SEQUENCE`].
    pub fn base_sequence(&self) -> i32 {
        self.base_sequence
    }

    /// Whether the batch belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & 0x10 != 0
    }

    /// Whether the batch holds a transaction marker and no data.
    pub fn is_control(&self) -> bool {
        self.attributes & 0x20 != 0
    }

    /// Compression of the records.
    pub fn codec(&self) -> Codec {
        match self.attributes & 0x07 {
            0 => Codec::None,
            1 => Codec::Gzip,
            2 => Codec::Snappy,
            3 => Codec::Lz4,
            4 => Codec::Zstd,
            other => Codec::Unknown(u8::try_from(other).unwrap_or(u8::MAX)),
        }
    }

    /// Timestamp of the first record, milliseconds since 1970, -1 if none.
    pub fn base_timestamp(&self) -> i64 {
        self.base_timestamp
    }

    /// Largest timestamp of a record, milliseconds since 1970, -1 if none.
    pub fn max_timestamp(&self) -> i64 {
        self.max_timestamp
    }

    /// Bytes of the whole batch, prefix included.
    pub fn length(&self) -> usize {
        // In range since `read`.
        usize::try_from(self.length).unwrap_or(0) + PREFIX_BYTES
    }
}

/// Parses the batch at the front of `bytes` and compares its checksum.
///
/// # Errors
/// Everything of [`BatchHeader::parse`], [`BatchError::Incomplete`] when the end is missing,
/// [`BatchError::Crc`] when the bytes are damaged; [`BatchError::Inconsistent`] only of a batch that is
/// as its writer made it.
pub fn check(bytes: &[u8]) -> Result<BatchHeader, BatchError> {
    let header = BatchHeader::read(bytes)?;
    let Some(batch) = bytes.get(..header.length()) else {
        return Err(BatchError::Incomplete {
            need: header.length(),
            have: bytes.len(),
        });
    };
    let computed = crc32c::crc32c(&batch[CRC_START..]);
    if computed != header.crc {
        return Err(BatchError::Crc {
            stored: header.crc,
            computed,
        });
    }
    header.check_consistency()?;
    Ok(header)
}

/// The first [`PATCH_BYTES`] of a batch with another base offset and leader epoch, to be written in
/// place of the first bytes of the batch, whose checksum stays valid.
///
/// `None` when `batch` is shorter than that.
pub fn patched_front(batch: &[u8], base_offset: i64, leader_epoch: i32) -> Option<[u8; PATCH_BYTES]> {
    let mut front = *batch.first_chunk::<PATCH_BYTES>()?;
    front[..8].copy_from_slice(&base_offset.to_be_bytes());
    front[12..].copy_from_slice(&leader_epoch.to_be_bytes());
    Some(front)
}

/// Sets the base offset and leader epoch in place; `false` when `batch` is too short to have them.
pub fn patch(batch: &mut [u8], base_offset: i64, leader_epoch: i32) -> bool {
    let Some(front) = patched_front(batch, base_offset, leader_epoch) else {
        return false;
    };
    batch[..PATCH_BYTES].copy_from_slice(&front);
    true
}

/// One step through a slice of batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// A whole batch with a good checksum.
    Complete(BatchHeader, &'a [u8]),
    /// The slice ends inside a batch; so many bytes are left.
    Torn(usize),
    /// The bytes at this place are not a batch, or are damaged.
    Corrupt(BatchError),
}

/// Walks a slice of batches from front to end; stops after the first torn or corrupt step.
#[derive(Debug, Clone)]
pub struct Batches<'a> {
    rest: &'a [u8],
    position: usize,
    stopped: bool,
}

impl<'a> Batches<'a> {
    /// Starts at the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            position: 0,
            stopped: false,
        }
    }

    /// Bytes walked over so far; after the last step, where the good part ends.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        if self.stopped || self.rest.is_empty() {
            return None;
        }
        match check(self.rest) {
            Ok(header) => {
                let (batch, rest) = self.rest.split_at(header.length());
                self.rest = rest;
                self.position += batch.len();
                Some(Step::Complete(header, batch))
            }
            Err(BatchError::Incomplete { .. }) => {
                self.stopped = true;
                Some(Step::Torn(self.rest.len()))
            }
            Err(error) => {
                self.stopped = true;
                Some(Step::Corrupt(error))
            }
        }
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
