//! Sequences of idempotent producers, per partition (KIP-98).
//!
//! Invariant: for each producer the last five batches are remembered, which is as many as a client may
//! have under way, so a retry of any of them is recognised and answered with its first offset.
//! It holds no clock and does no I/O; after a restart it is rebuilt from the batches in the log.

use std::collections::{BTreeMap, VecDeque};

use highwater_wire::batch::{BatchHeader, NO_PRODUCER_ID};
use serde::{Deserialize, Serialize};

use crate::log::SnapshotError;

/// Batches remembered per producer: `max.in.flight.requests.per.connection` of an idempotent client.
const WINDOW: usize = 5;

/// Producers remembered per partition. The one that was silent longest (by offset) is forgotten
/// first; Kafka forgets by age instead, but either way an unknown producer may go on at any sequence.
const MAX_PRODUCERS: usize = 10_000;

/// Offsets of a batch that is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    pub(crate) last_offset: i64,
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
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Producers {
    by_id: BTreeMap<i64, Producer>,
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
        if header.base_sequence() == expected || gap {
            Decision::Append
        } else {
            Decision::OutOfOrder { expected }
        }
    }

    /// Remembers a batch that was appended at `base_offset`.
    pub(crate) fn record(&mut self, header: &BatchHeader, base_offset: i64) {
        if header.producer_id() == NO_PRODUCER_ID || header.is_control() {
            return;
        }
        if !self.by_id.contains_key(&header.producer_id()) && self.by_id.len() >= MAX_PRODUCERS {
            self.forget_most_silent();
        }
        let producer = self
            .by_id
            .entry(header.producer_id())
            .or_insert_with(|| Producer {
                epoch: header.producer_epoch(),
                window: VecDeque::with_capacity(WINDOW),
                gap_forgiven: false,
            });
        if producer.epoch != header.producer_epoch() {
            producer.epoch = header.producer_epoch();
            producer.window.clear();
        }
        producer.gap_forgiven = false;
        if producer.window.len() == WINDOW {
            producer.window.pop_front();
        }
        producer.window.push_back(Remembered {
            first_sequence: header.base_sequence(),
            last_sequence: last_sequence(header),
            offsets: Appended {
                base_offset,
                last_offset: base_offset + header.offset_count() - 1,
            },
        });
    }

    /// Takes in a batch found in the log. A second copy of a batch, which only a bug switch can have
    /// written, does not turn the sequence back.
    pub(crate) fn rebuild(&mut self, header: &BatchHeader) {
        match self.judge(header) {
            Decision::Duplicate(_) | Decision::FencedEpoch { .. } => {}
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

    fn forget_most_silent(&mut self) {
        let most_silent = self
            .by_id
            .iter()
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
