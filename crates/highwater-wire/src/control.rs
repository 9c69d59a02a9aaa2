//! Transaction markers: control batches with one record that says how a transaction ended.
//!
//! ```text
//! key:   version i16 = 0 │ kind i16 (0 abort, 1 commit)
//! value: version i16 = 0 │ coordinator epoch i32
//! ```
//!
//! Invariant: what [`Marker::encode`] writes, [`Marker::decode`] reads. Control batches of other kinds
//! (leader changes, snapshots) are of Kafka's own logs and never decoded here. Layout: KIP-98.

use bytes::Bytes;

use crate::BatchBuilder;
use crate::batch::{BatchError, BatchHeader, HEADER_BYTES, NO_SEQUENCE};

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkerKind {
    /// Its records are to be hidden from committed readers.
    Abort,
    /// Its records are there for everyone.
    Commit,
}

/// What the record of a control batch says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// How the transaction ended.
    pub kind: MarkerKind,
    /// Epoch of the coordinator that said so; an older one must not write any more.
    pub coordinator_epoch: i32,
}

const INCONSISTENT: BatchError = BatchError::Inconsistent("control record");

impl Marker {
    /// The batch that ends the transaction of this producer, with base offset 0.
    pub fn encode(self, producer_id: i64, producer_epoch: i16, timestamp_ms: i64) -> Bytes {
        let kind: i16 = match self.kind {
            MarkerKind::Abort => 0,
            MarkerKind::Commit => 1,
        };
        let mut key = [0; 4];
        key[2..].copy_from_slice(&kind.to_be_bytes());
        let mut value = [0; 6];
        value[2..].copy_from_slice(&self.coordinator_epoch.to_be_bytes());
        BatchBuilder::new()
            .producer(producer_id, producer_epoch, NO_SEQUENCE)
            .transactional()
            .control()
            .timestamp(timestamp_ms)
            .record(Some(&key), Some(&value))
            .build()
    }

    /// Reads the marker of a whole control batch, whose checksum the caller has compared. Versions
    /// above 0 may only append fields, and are read as 0.
    ///
    /// # Errors
    /// [`BatchError::Inconsistent`] when the batch is not a transaction marker, and everything of
    /// [`BatchHeader::parse`].
    pub fn decode(batch: &[u8]) -> Result<Self, BatchError> {
        let header = BatchHeader::parse(batch)?;
        if !header.is_control() || header.record_count() != 1 {
            return Err(INCONSISTENT);
        }
        let mut rest = Fields(batch.get(HEADER_BYTES..header.length()).ok_or(INCONSISTENT)?);
        rest.varint()?; // length of the record
        rest.take(1)?; // attributes
        rest.varint()?; // timestamp delta
        rest.varint()?; // offset delta
        let (key, value) = (rest.bytes()?, rest.bytes()?);
        let kind = match key.get(2..4) {
            Some([0, 0]) => MarkerKind::Abort,
            Some([0, 1]) => MarkerKind::Commit,
            _ => return Err(INCONSISTENT),
        };
        let epoch = value.get(2..).and_then(<[u8]>::first_chunk).ok_or(INCONSISTENT)?;
        Ok(Self {
            kind,
            coordinator_epoch: i32::from_be_bytes(*epoch),
        })
    }
}

/// The fields of a record, read from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], BatchError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(INCONSISTENT)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Seven bits a byte, then zigzag; the numbers of a marker fit into five bytes.
    fn varint(&mut self) -> Result<i64, BatchError> {
        let mut value: u64 = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        Err(INCONSISTENT)
    }

    fn bytes(&mut self) -> Result<&'a [u8], BatchError> {
        let length = usize::try_from(self.varint()?).map_err(|_| INCONSISTENT)?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::batch;

    #[test]
    fn a_marker_has_the_bytes_that_kafka_writes() {
        let marker = Marker {
            kind: MarkerKind::Commit,
            coordinator_epoch: 3,
        };
        let bytes = marker.encode(7, 2, 1_000);
        let header = batch::check(&bytes).expect("a batch");
        assert!(header.is_control() && header.is_transactional());
        assert_eq!((header.producer_id(), header.producer_epoch()), (7, 2));
        assert_eq!((header.base_sequence(), header.record_count()), (NO_SEQUENCE, 1));
        assert_eq!(header.max_timestamp(), 1_000);
        let record = [32, 0, 0, 0, 8, 0, 0, 0, 1, 12, 0, 0, 0, 0, 0, 3, 0];
        assert_eq!(bytes[HEADER_BYTES..], record);
    }

    #[test]
    fn other_batches_are_not_markers() {
        let data = BatchBuilder::new().record(Some(&[0; 4]), Some(&[0; 6])).build();
        assert_eq!(Marker::decode(&data), Err(INCONSISTENT));
        let leader_change = BatchBuilder::new()
            .control()
            .record(Some(&[0, 0, 0, 2]), Some(&[0; 6]))
            .build();
        assert_eq!(Marker::decode(&leader_change), Err(INCONSISTENT));
    }

    proptest! {
        #[test]
        fn what_is_encoded_reads_back(
            commit: bool,
            coordinator_epoch: i32,
            id in 0i64..,
            epoch in 0i16..,
            timestamp: i64,
        ) {
            let kind = if commit { MarkerKind::Commit } else { MarkerKind::Abort };
            let marker = Marker { kind, coordinator_epoch };
            prop_assert_eq!(Marker::decode(&marker.encode(id, epoch, timestamp)), Ok(marker));
        }

        #[test]
        fn damage_never_panics(at in 0usize..78, value: u8, cut in 0usize..79) {
            let marker = Marker { kind: MarkerKind::Abort, coordinator_epoch: 0 };
            let mut bytes = marker.encode(1, 0, 0).to_vec();
            bytes[at] = value;
            bytes.truncate(cut);
            let _ = Marker::decode(&bytes);
        }
    }
}
