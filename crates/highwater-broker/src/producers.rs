//! Sequences and transactions of producers, per partition (KIP-98, KIP-890).
//!
//! Invariant: for each producer the last five batches are remembered, which is as many as a client may
//! have under way, so a retry of any of them is recognised and answered with its first offset. The first
//! offset of every open transaction is known, and so is where each aborted one began and ended.
//! It holds no clock and does no I/O; after a restart it is rebuilt from the batches in the log.

mod transactions;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use highwater_wire::batch::{BatchHeader, NO_PRODUCER_ID};
use highwater_wire::control::Marker;
use serde::{Deserialize, Serialize};

use crate::log::SnapshotError;

pub(crate) use self::transactions::{Aborted, Known, MarkerRefusal};

/// Batches remembered per producer: `max.in.flight.requests.per.connection` of an idempotent client.
const WINDOW: usize = 5;

/// Producers remembered per partition. The one that was silent longest (by offset) is forgotten
/// first; Kafka forgets by age instead, but either way an unknown producer may go on at any sequence.
const MAX_PRODUCERS: usize = 10_000;

/// Coordinator epoch of "no marker yet".
const NO_COORDINATOR_EPOCH: i32 = -1;

/// Where a batch is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    pub(crate) last_offset: i64,
    /// Its largest timestamp, milliseconds since 1970.
    pub(crate) max_timestamp: i64,
}

/// What to do with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Append it.
    Append,
    /// It is there already.
    Duplicate(Appended),
    /// A batch before it is missing.
    OutOfOrder { expected: i32 },
    /// A newer instance of the producer has been here.
    FencedEpoch { current: i16 },
    /// Outside of a transaction, from a producer that is in one here.
    InTransaction,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Remembered {
    first_sequence: i32,
    last_sequence: i32,
    offsets: Appended,
}

#[derive(Debug, Serialize, Deserialize)]
struct Producer {
    epoch: i16,
    window: VecDeque<Remembered>,
    /// The next batch may leave a gap; see [`Producers::forgive_gaps`].
    gap_forgiven: bool,
    /// Where its open transaction began here.
    open_from: Option<i64>,
    /// Epoch of the coordinator that wrote the last marker, -1 if none has.
    coordinator_epoch: i32,
    /// Timestamp of its last batch, milliseconds since 1970.
    last_timestamp: i64,
}

impl Producer {
    fn new(epoch: i16) -> Self {
        Self {
            epoch,
            window: VecDeque::with_capacity(WINDOW),
            gap_forgiven: false,
            open_from: None,
            coordinator_epoch: NO_COORDINATOR_EPOCH,
            last_timestamp: -1,
        }
    }

    fn take_on_epoch(&mut self, epoch: i16) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.window.clear();
        }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Producers {
    by_id: BTreeMap<i64, Producer>,
    /// First offset and producer of each open transaction.
    open: BTreeSet<(i64, i64)>,
    /// In order of their markers.
    aborted: Vec<Aborted>,
}

/// Sequences count from 0 to `i32::MAX` and begin again.
fn advance(sequence: i32, by: i32) -> i32 {
    let next = (i64::from(sequence) + i64::from(by)) % (i64::from(i32::MAX) + 1);
    i32::try_from(next).unwrap_or(0)
}

fn last_sequence(header: &BatchHeader) -> i32 {
    let more = i32::try_from(header.offset_count() - 1).unwrap_or(i32::MAX);
    advance(header.base_sequence(), more)
}

impl Producers {
    /// The state as bytes, to be kept with a closed segment.
    pub(crate) fn snapshot(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    /// The state that [`Producers::snapshot`] gave.
    pub(crate) fn restore(snapshot: &[u8]) -> Result<Self, SnapshotError> {
        serde_json::from_slice(snapshot).map_err(|error| SnapshotError(error.to_string()))
    }

    /// Judges a batch before it is appended. Nothing changes.
    pub(crate) fn judge(&self, header: &BatchHeader) -> Decision {
        if header.producer_id() == NO_PRODUCER_ID {
            return Decision::Append;
        }
        let Some(producer) = self.by_id.get(&header.producer_id()) else {
            return Decision::Append;
        };
        if header.producer_epoch() < producer.epoch {
            return Decision::FencedEpoch {
                current: producer.epoch,
            };
        }
        if header.producer_epoch() > producer.epoch {
            return match header.base_sequence() {
                0 => Decision::Append,
                _ => Decision::OutOfOrder { expected: 0 },
            };
        }
        let last = last_sequence(header);
        let known = producer
            .window
            .iter()
            .find(|batch| batch.first_sequence == header.base_sequence() && batch.last_sequence == last);
        if let Some(known) = known {
            return Decision::Duplicate(known.offsets);
        }
        let expected = producer
            .window
            .back()
            .map_or(0, |batch| advance(batch.last_sequence, 1));
        let gap = producer.gap_forgiven && header.base_sequence() > expected;
        if header.base_sequence() != expected && !gap {
            Decision::OutOfOrder { expected }
        } else if producer.open_from.is_some() && !header.is_transactional() {
            Decision::InTransaction
        } else {
            Decision::Append
        }
    }

    /// Remembers a batch that was appended at `base_offset`.
    pub(crate) fn record(&mut self, header: &BatchHeader, base_offset: i64) {
        if header.producer_id() == NO_PRODUCER_ID || header.is_control() {
            return;
        }
        self.make_room_for(header.producer_id());
        let producer = self
            .by_id
            .entry(header.producer_id())
            .or_insert_with(|| Producer::new(header.producer_epoch()));
        producer.take_on_epoch(header.producer_epoch());
        producer.last_timestamp = header.max_timestamp();
        producer.gap_forgiven = false;
        if header.is_transactional() && producer.open_from.is_none() {
            producer.open_from = Some(base_offset);
            self.open.insert((base_offset, header.producer_id()));
        }
        if producer.window.len() == WINDOW {
            producer.window.pop_front();
        }
        producer.window.push_back(Remembered {
            first_sequence: header.base_sequence(),
            last_sequence: last_sequence(header),
            offsets: Appended {
                base_offset,
                last_offset: base_offset + header.offset_count() - 1,
                max_timestamp: header.max_timestamp(),
            },
        });
    }

    /// Takes in a batch found in the log. A second copy of a batch, which only a bug switch can have
    /// written, does not turn the sequence back.
    pub(crate) fn rebuild(&mut self, header: &BatchHeader, marker: Option<Marker>) {
        if let Some(marker) = marker {
            self.record_marker(header, marker, header.base_offset());
            return;
        }
        match self.judge(header) {
            Decision::Duplicate(_) | Decision::FencedEpoch { .. } | Decision::InTransaction => {}
            Decision::OutOfOrder { expected } if header.base_sequence() < expected => {}
            Decision::Append | Decision::OutOfOrder { .. } => {
                self.record(header, header.base_offset());
            }
        }
    }

    /// Lets every producer known here leave one gap: after a bug switch has lost acknowledged batches
    /// their producers go on behind them, and a retry of anything older is still recognised.
    pub(crate) fn forgive_gaps(&mut self) {
        for producer in self.by_id.values_mut() {
            producer.gap_forgiven = true;
        }
    }

    fn make_room_for(&mut self, producer_id: i64) {
        if self.by_id.len() >= MAX_PRODUCERS && !self.by_id.contains_key(&producer_id) {
            self.forget_most_silent();
        }
    }

    fn forget_most_silent(&mut self) {
        let most_silent = self
            .by_id
            .iter()
            .filter(|(_, producer)| producer.open_from.is_none())
            .min_by_key(|(_, producer)| producer.window.back().map(|batch| batch.offsets.last_offset))
            .map(|(&id, _)| id);
        if let Some(id) = most_silent {
            self.by_id.remove(&id);
        }
    }
}

#[cfg(test)]
#[path = "producers_tests.rs"]
mod tests;
