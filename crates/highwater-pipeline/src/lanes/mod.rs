//! Which record may run now: one lane per key, keys in parallel inside a partition.
//!
//! ```text
//!  push(key, record) ─▶ lane of the key is free? ─ yes ─▶ ready ─▶ take ─▶ (handler) ─▶ release(permit)
//!                                └ no: waits in the lane, in order           └─▶ delay(permit, due) ─▶ ready
//! ```
//!
//! A lane exists while a record of its key is here. A key is found by a 64-bit hash: two keys with one hash share a
//! lane, which costs them parallelism and never their order.
//!
//! Invariant: of one lane at most one record is out (ready, running or delayed), and records leave a lane in the
//! order in which they came.
//! Not here: threads. Whoever runs handlers takes records out and gives permits back.

mod due;
mod intake;

pub use intake::{Intake, IntakeLimits};

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use crate::flaw::{self, Flaw};
pub(crate) use due::DueQueue;

/// Which records of one partition may run at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ordering {
    /// One record of the partition at a time.
    Partition,
    /// One record of each key at a time. Records without a key have no order among each other.
    #[default]
    Key,
    /// Any records at a time, in any order.
    Unordered,
}

/// The right to run a record, and the duty to give it back.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a lane whose permit is lost never runs again"]
pub struct Permit {
    lane: Option<usize>,
    bytes: usize,
}

/// Which lane a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneKey(Option<u64>);

#[derive(Debug)]
struct Lane<T> {
    hash: u64,
    waiting: VecDeque<(usize, T)>,
}

/// The hash of a key is a hash already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The lanes of one partition. `T` is a record, moved and never copied.
///
/// Once its tables have their size, a record costs one look-up and no allocation.
#[derive(Debug)]
pub struct Lanes<T> {
    ordering: Ordering,
    by_key: HashMap<u64, usize, BuildHasherDefault<Hashed>>,
    lanes: Vec<Lane<T>>,
    free: Vec<usize>,
    ready: VecDeque<(Permit, T)>,
    delayed: DueQueue<(Permit, T)>,
    records: usize,
    bytes: usize,
    out: usize,
}

impl<T> Lanes<T> {
    /// No records yet.
    #[must_use]
    pub fn new(ordering: Ordering) -> Self {
        Self {
            ordering,
            by_key: HashMap::default(),
            lanes: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            delayed: DueQueue::default(),
            records: 0,
            bytes: 0,
            out: 0,
        }
    }

    /// The lane of a key. For a caller that moves the key together with its record.
    #[must_use]
    pub fn lane(&self, key: Option<&[u8]>) -> LaneKey {
        LaneKey(match (self.ordering, key) {
            (Ordering::Unordered, _) | (Ordering::Key, None) => None,
            (Ordering::Partition, _) => Some(0),
            (Ordering::Key, Some(key)) => Some(xxh3_64(key)),
        })
    }

    /// Puts a record behind those of its lane. `bytes` is what it counts against the limit of the intake.
    pub fn push(&mut self, lane: LaneKey, bytes: usize, record: T) {
        self.records += 1;
        self.bytes += bytes;
        let LaneKey(hash) = lane;
        let Some(hash) = hash else {
            self.ready.push_back((Permit { lane: None, bytes }, record));
            return;
        };
        if let Some(lane) = self.by_key.get(&hash).copied()
            && !flaw::planted(Flaw::LanesRunTogether)
        {
            self.lanes[lane].waiting.push_back((bytes, record));
            return;
        }
        let lane = self.open(hash);
        self.ready.push_back((
            Permit {
                lane: Some(lane),
                bytes,
            },
            record,
        ));
    }

    /// Takes the next record that may run.
    pub fn take(&mut self) -> Option<(Permit, T)> {
        let taken = self.ready.pop_front()?;
        self.out += 1;
        Some(taken)
    }

    /// The record is done with, whatever came of it: the next one of its lane may run.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a permit given back is a permit no more"
    )]
    pub fn release(&mut self, permit: Permit) {
        let Permit { lane, bytes } = permit;
        self.out -= 1;
        self.records -= 1;
        self.bytes -= bytes;
        let Some(place) = lane else { return };
        let lane = &mut self.lanes[place];
        if let Some((bytes, record)) = lane.waiting.pop_front() {
            self.ready.push_back((
                Permit {
                    lane: Some(place),
                    bytes,
                },
                record,
            ));
        } else {
            self.by_key.remove(&lane.hash);
            self.free.push(place);
        }
    }

    /// The record runs again when `due` has come; its lane waits for it, the others go on.
    pub fn delay(&mut self, permit: Permit, record: T, due: Duration) {
        self.out -= 1;
        self.delayed.push(due, (permit, record));
    }

    /// Makes delayed records ready whose moment has come. Returns when the next one is due.
    pub fn wake(&mut self, now: Duration) -> Option<Duration> {
        while let Some(woken) = self.delayed.pop(now) {
            self.ready.push_back(woken);
        }
        self.delayed.next_due()
    }

    /// Takes out everything that does not run now: ready, waiting and delayed. Records that run stay accounted for
    /// until they are released. For the end of an assignment, whose records others will get.
    pub fn clear(&mut self) -> usize {
        let mut dropped = self.ready.len() + self.delayed.len();
        let idle: Vec<Permit> = self
            .ready
            .drain(..)
            .chain(self.delayed.drain())
            .map(|(permit, _)| permit)
            .collect();
        for lane in &mut self.lanes {
            dropped += lane.waiting.len();
            self.bytes -= lane.waiting.drain(..).map(|(bytes, _)| bytes).sum::<usize>();
        }
        self.records -= dropped - idle.len();
        for permit in idle {
            self.out += 1;
            self.release(permit);
        }
        dropped
    }

    /// Records here, running ones included.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records
    }

    /// Their size, running ones included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Records taken out and not given back.
    #[must_use]
    pub fn running(&self) -> usize {
        self.out
    }

    /// Lanes in use: keys of which a record is here.
    #[must_use]
    pub fn open_lanes(&self) -> usize {
        self.by_key.len()
    }

    fn open(&mut self, hash: u64) -> usize {
        let place = self.free.pop().unwrap_or_else(|| {
            self.lanes.push(Lane {
                hash,
                waiting: VecDeque::new(),
            });
            self.lanes.len() - 1
        });
        self.lanes[place].hash = hash;
        self.by_key.insert(hash, place);
        place
    }
}

#[cfg(test)]
mod tests;
