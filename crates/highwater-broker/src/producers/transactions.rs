//! Transactions as one partition sees them: where they began, which of them were aborted.
//!
//! Invariant: the open set names exactly the producers whose `open_from` is set, so the first unstable
//! offset is its smallest entry.

use highwater_wire::batch::BatchHeader;
use highwater_wire::control::{Marker, MarkerKind};
use serde::{Deserialize, Serialize};

use super::{Producer, Producers};

/// An aborted transaction, as committed readers are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Aborted {
    pub(crate) producer_id: i64,
    pub(crate) first_offset: i64,
    /// Offset of its marker.
    pub(crate) last_offset: i64,
    /// The last stable offset right after its marker: no later entry reaches below it.
    stable_offset: i64,
}

/// Why a marker is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkerRefusal {
    /// The producer is at a newer epoch.
    FencedProducer { current: i16 },
    /// A newer coordinator has been here.
    FencedCoordinator { current: i32 },
}

/// What DescribeProducers tells of a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    /// -1 if none is known in this epoch.
    pub(crate) last_sequence: i32,
    pub(crate) last_timestamp: i64,
    pub(crate) coordinator_epoch: i32,
    pub(crate) open_from: Option<i64>,
}

impl Producers {
    /// Offset of the first record whose transaction is open.
    pub(crate) fn first_unstable_offset(&self) -> Option<i64> {
        self.first_open().map(|(offset, _)| offset)
    }

    /// The same, and whose transaction it is.
    pub(crate) fn first_open(&self) -> Option<(i64, i64)> {
        self.open.first().copied()
    }

    /// Whether the batch goes on with a transaction that is open here.
    pub(crate) fn is_in_transaction(&self, header: &BatchHeader) -> bool {
        self.by_id
            .get(&header.producer_id())
            .is_some_and(|known| known.open_from.is_some() && known.epoch == header.producer_epoch())
    }

    /// Whether anything is known of the producer.
    pub(crate) fn knows(&self, producer_id: i64) -> bool {
        self.by_id.contains_key(&producer_id)
    }

    /// Judges a marker before it is appended. With version 2 its epoch is one above that of the
    /// records, so that a late one of an earlier transaction cannot end a later one; a repeated one
    /// finds nothing open.
    pub(crate) fn judge_marker(
        &self,
        producer_id: i64,
        epoch: i16,
        coordinator_epoch: i32,
        raised_epoch: bool,
    ) -> Result<(), MarkerRefusal> {
        let Some(producer) = self.by_id.get(&producer_id) else {
            return Ok(());
        };
        let same_is_late = raised_epoch && producer.open_from.is_some();
        if epoch < producer.epoch || (epoch == producer.epoch && same_is_late) {
            return Err(MarkerRefusal::FencedProducer {
                current: producer.epoch,
            });
        }
        if coordinator_epoch < producer.coordinator_epoch {
            return Err(MarkerRefusal::FencedCoordinator {
                current: producer.coordinator_epoch,
            });
        }
        Ok(())
    }

    /// Ends the producer's transaction with the marker at `offset`.
    pub(crate) fn record_marker(&mut self, header: &BatchHeader, marker: Marker, offset: i64) {
        let producer_id = header.producer_id();
        self.make_room_for(producer_id);
        let producer = self
            .by_id
            .entry(producer_id)
            .or_insert_with(|| Producer::new(header.producer_epoch()));
        if header.producer_epoch() > producer.epoch {
            producer.take_on_epoch(header.producer_epoch());
        }
        producer.coordinator_epoch = marker.coordinator_epoch;
        producer.last_timestamp = header.max_timestamp();
        let Some(first_offset) = producer.open_from.take() else {
            return;
        };
        self.open.remove(&(first_offset, producer_id));
        if marker.kind == MarkerKind::Abort {
            let stable_offset = self.first_unstable_offset().unwrap_or(offset + 1);
            self.aborted.push(Aborted {
                producer_id,
                first_offset,
                last_offset: offset,
                stable_offset,
            });
        }
    }

    /// The aborted transactions with records in `from..to`.
    pub(crate) fn aborted_in(&self, from: i64, to: i64) -> Vec<Aborted> {
        let begin = self.aborted.partition_point(|entry| entry.last_offset < from);
        let mut found = Vec::new();
        for entry in &self.aborted[begin..] {
            if entry.first_offset < to {
                found.push(*entry);
            }
            if entry.stable_offset >= to {
                break;
            }
        }
        found
    }

    /// Forgets aborted transactions that lie wholly below the start of the log.
    pub(crate) fn forget_aborted_before(&mut self, start_offset: i64) {
        let gone = self
            .aborted
            .partition_point(|entry| entry.last_offset < start_offset);
        self.aborted.drain(..gone);
    }

    /// Every producer known here, in order of id.
    pub(crate) fn known(&self) -> Vec<Known> {
        self.by_id
            .iter()
            .map(|(&producer_id, producer)| Known {
                producer_id,
                epoch: producer.epoch,
                last_sequence: producer.window.back().map_or(-1, |batch| batch.last_sequence),
                last_timestamp: producer.last_timestamp,
                coordinator_epoch: producer.coordinator_epoch,
                open_from: producer.open_from,
            })
            .collect()
    }
}
