//! From the log to SQLite: all partitions, whoever has them, so that every instance answers every question.
//!
//! Invariant: a partition whose next event can't be projected goes no further and says why; the others go on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bank::{Bank, lock};
use super::metrics::add;
use super::partition::{now_ms, with_sources};
use crate::account::Event;
use crate::encoding::{Codec, EncodingError};
use crate::kafka::{Tail, Tailed};
use crate::projection::{Building, Placed, Projection, ProjectionError};

/// Events in one transaction of SQLite, at most.
const MAX_BATCH: usize = 10_000;
/// How long a batch waits for more, from its first event on: far less than a reader would notice.
const GATHER: Duration = Duration::from_millis(5);
const GLANCE: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(500);

/// Stands for a partition that librdkafka does not name.
const UNKNOWN: i32 = -1;

enum Into {
    Live(Projection),
    Beside(Building),
}

/// A reader of the log that writes to one file of projections.
pub(super) struct Projector {
    bank: Arc<Bank>,
    tail: Tail,
    into: Into,
    next: BTreeMap<i32, i64>,
    stuck: BTreeMap<i32, String>,
    ends: BTreeSet<i32>,
    codec: Codec,
}

/// Projects until the instance stops; starts again after errors that may pass.
pub(super) fn run(bank: &Arc<Bank>, projection: Projection) {
    let mut projector = loop {
        if bank.stopping() {
            return;
        }
        match Projector::open(bank, &projection) {
            Ok((tail, next)) => break Projector::new(bank, tail, next, Into::Live(projection)),
            Err(why) => {
                tracing::warn!(why, "can't project yet");
                std::thread::sleep(PAUSE);
            }
        }
    };
    while !bank.stopping() {
        let beside = lock(&bank.handover).take();
        if let Some(beside) = beside {
            projector = projector.give_way(beside);
        }
        projector.round();
        let mut projecting = lock(&bank.projecting);
        projecting.stuck.clone_from(&projector.stuck);
        projecting.caught_up |= projector.at_end();
    }
}

/// Makes projections again from the start of the log, beside the live ones, and hands them over.
pub(super) fn rebuild(bank: &Arc<Bank>) {
    let began = Instant::now();
    match Projector::beside(bank) {
        Ok(mut projector) => {
            while !projector.at_end() && !bank.stopping() {
                projector.round();
            }
            let events: i64 = projector.next.values().sum();
            tracing::info!(offsets = events, took = ?began.elapsed(), "projections are made again");
            *lock(&bank.handover) = Some(projector);
        }
        Err(why) => {
            tracing::error!(why, "projections can't be made again");
            lock(&bank.projecting).rebuilding = false;
        }
    }
}

impl Projector {
    fn open(bank: &Arc<Bank>, projection: &Projection) -> Result<(Tail, BTreeMap<i32, i64>), String> {
        let next = projection.positions().map_err(|error| with_sources(&error))?;
        let of = |partition: i32| next.get(&partition).copied();
        let tail = Tail::open(&bank.cluster, bank.cluster.events(), bank.partitions, of)
            .map_err(|error| with_sources(&error))?;
        Ok((tail, next))
    }

    fn beside(bank: &Arc<Bank>) -> Result<Self, String> {
        let building = bank.views.build().map_err(|error| with_sources(&error))?;
        let (tail, next) = Self::open(bank, &building.projection)?;
        Ok(Self::new(bank, tail, next, Into::Beside(building)))
    }

    fn new(bank: &Arc<Bank>, tail: Tail, next: BTreeMap<i32, i64>, into: Into) -> Self {
        Self {
            bank: Arc::clone(bank),
            tail,
            into,
            next,
            stuck: BTreeMap::new(),
            ends: BTreeSet::new(),
            codec: Codec::default(),
        }
    }

    /// Whether the end of every partition was seen, or it goes no further.
    fn at_end(&self) -> bool {
        (0..self.bank.partitions)
            .all(|partition| self.ends.contains(&partition) || self.stuck.contains_key(&partition))
    }

    /// One batch.
    fn round(&mut self) {
        let mut batch: Vec<Placed> = Vec::new();
        let mut deadline = Instant::now() + GLANCE;
        while batch.len() < MAX_BATCH && !self.bank.stopping() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let codec = self.codec;
            let read = self.tail.next(left, |partition, offset, value| {
                codec
                    .read::<Event>(value)
                    .map(|event| Placed {
                        partition,
                        offset,
                        event,
                    })
                    .map_err(|error| (partition, offset, error))
            });
            match read {
                Tailed::Record(read) => {
                    if batch.is_empty() {
                        deadline = Instant::now() + GATHER;
                    }
                    self.take(read, &mut batch);
                }
                Tailed::End(partition) => {
                    self.ends.insert(partition);
                    if self.at_end() {
                        break;
                    }
                }
                Tailed::Gone(error) => {
                    let why = format!("events were deleted from the log before they were projected: {error}");
                    if self.stuck.insert(UNKNOWN, why.clone()).is_none() {
                        tracing::error!(why, "projected no further");
                    }
                }
                Tailed::Nothing => {}
            }
        }
        while !batch.is_empty() && !self.bank.stopping() {
            match self.apply(&batch) {
                Ok(()) => return,
                Err(error) => match error.partition() {
                    Some(partition) => {
                        self.stop(partition, with_sources(&error));
                        batch.retain(|placed| placed.partition != partition);
                    }
                    None => {
                        // A full disk, a lock: the events wait in here and in the log.
                        tracing::error!(error = with_sources(&error), "can't project");
                        std::thread::sleep(PAUSE);
                    }
                },
            }
        }
    }

    fn take(&mut self, read: Result<Placed, (i32, i64, EncodingError)>, batch: &mut Vec<Placed>) {
        match read {
            Ok(placed) if !self.stuck.contains_key(&placed.partition) => batch.push(placed),
            Ok(_) => {}
            Err((partition, offset, error)) => {
                self.stop(
                    partition,
                    format!(
                        "the event at {partition}@{offset} can't be read: {}",
                        with_sources(&error)
                    ),
                );
            }
        }
    }

    fn stop(&mut self, partition: i32, why: String) {
        tracing::error!(partition, why, "projected no further");
        if let Err(error) = self.tail.leave(partition) {
            tracing::debug!(%error, partition, "leave");
        }
        self.stuck.entry(partition).or_insert(why);
    }

    fn apply(&mut self, batch: &[Placed]) -> Result<(), ProjectionError> {
        let projection = match &mut self.into {
            Into::Live(projection) => projection,
            Into::Beside(building) => &mut building.projection,
        };
        let applied = projection.apply(batch)?;
        for placed in batch {
            let next = self.next.entry(placed.partition).or_default();
            *next = (*next).max(placed.offset + 1);
        }
        if matches!(self.into, Into::Live(_)) {
            add(&self.bank.metrics.projected, applied.new);
            let now = now_ms();
            for placed in batch {
                self.bank
                    .metrics
                    .projection_delay
                    .add(now.saturating_sub(placed.event.at_ms));
            }
            self.bank.progress.send_modify(|progress| *progress += 1);
        }
        Ok(())
    }

    /// The other one takes the place of this one, once it is as far.
    fn give_way(self, mut other: Self) -> Self {
        let behind = |other: &Self| {
            self.next.iter().any(|(partition, next)| {
                other.next.get(partition).is_none_or(|theirs| theirs < next)
                    && !other.stuck.contains_key(partition)
            })
        };
        while behind(&other) && !self.bank.stopping() {
            other.round();
        }
        lock(&self.bank.projecting).rebuilding = false;
        let Self {
            bank,
            tail,
            into,
            next,
            stuck,
            ends,
            codec,
        } = other;
        let building = match into {
            Into::Beside(building) => building,
            live @ Into::Live(_) => {
                return Self {
                    bank,
                    tail,
                    into: live,
                    next,
                    stuck,
                    ends,
                    codec,
                };
            }
        };
        match bank.views.switch(building) {
            Ok(projection) => {
                bank.progress.send_modify(|progress| *progress += 1);
                Self {
                    bank,
                    tail,
                    into: Into::Live(projection),
                    next,
                    stuck,
                    ends,
                    codec,
                }
            }
            Err(error) => {
                tracing::error!(error = with_sources(&error), "the live projections stay");
                self
            }
        }
    }
}
