//! Exactly-once windows: the core says what to do with the transactional producer, and this does it.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult};

use super::error::RunError;
use super::facts::Facts;
use super::pool::Job;
use super::shell::{CALL, Shell};
use super::writer::{self, Piece, Writer};
use crate::offset::CommitPoint;
use crate::pipeline::Failure as Poisoned;
use crate::transaction::{Action, Failure, Window};

/// A new producer that cannot be made ready within this time counts as one that failed.
const READY: Duration = Duration::from_secs(60);

/// A group that refused a member and says nothing more is tried again: at once, then after this pause, then after twice
/// as long each time.
const REFUSED: Duration = Duration::from_millis(500);
const REFUSED_DOUBLINGS: u32 = 3;

/// The windows, and what waits for the next one.
pub(super) struct Windows {
    pub(super) window: Window,
    pub(super) waiting: VecDeque<(Job, Vec<Piece>)>,
    /// When the transaction was begun: the broker may end it when its timeout is over.
    begun: Instant,
    /// What is to be committed, until it was sent: the core tells a commit point once.
    offsets: Option<Offsets>,
    /// How often in a row the group refused offsets of a member that it does not know, and until when it is left
    /// alone: it will say more soon.
    refused: (u32, Duration),
    records: usize,
    /// Records whose effects are in the window, by the number that these carry, and whether they were sent alone.
    filled: Vec<(i32, i64, bool)>,
}

struct Offsets {
    source: BTreeMap<i32, CommitPoint>,
    retry: BTreeMap<i32, CommitPoint>,
}

impl Windows {
    pub(super) fn new(facts: &Facts) -> Self {
        Self {
            window: Window::new(facts.window),
            waiting: VecDeque::new(),
            begun: Instant::now(),
            offsets: None,
            refused: (0, Duration::ZERO),
            records: facts.window.records.max(1),
            filled: Vec::new(),
        }
    }

    /// The group has spoken: there is a membership again, or it is known to be lost.
    pub(super) fn heard(&mut self) {
        self.refused = (0, Duration::ZERO);
    }

    fn refused(&mut self, now: Duration) {
        let (before, _) = self.refused;
        let pause = match before {
            0 => Duration::ZERO,
            more => REFUSED * 2_u32.pow((more - 1).min(REFUSED_DOUBLINGS)),
        };
        self.refused = (before.saturating_add(1), now + pause);
    }

    /// Whether something is to be done soon, though nobody will wake the loop for it.
    pub(super) fn is_busy(&self) -> bool {
        self.window.is_open() || !self.waiting.is_empty() || self.offsets.is_some()
    }
}

impl Shell<'_> {
    /// Before anything is read: fences older instances with this id and ends what they left open. False: it was
    /// stopped first, or cannot be.
    pub(super) fn initialise(&mut self) -> bool {
        loop {
            let Some(windows) = &mut self.windows else {
                return true;
            };
            if self.ended.is_some() || self.control.stopping() {
                return false;
            }
            match windows.window.next(self.clock.now(), false) {
                Some(action) => self.perform(action),
                None if windows.window.is_idle() => return true,
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// Goes as far as it can go now.
    pub(super) fn windows(&mut self, _: Duration) {
        loop {
            let now = self.clock.now();
            self.fill(now);
            let Some(windows) = &mut self.windows else { return };
            let Some(action) = windows.window.next(now, !windows.waiting.is_empty()) else {
                return;
            };
            self.perform(action);
            if self.ended.is_some() {
                return;
            }
        }
    }

    /// Makes the effects that wait, while a window is open.
    fn fill(&mut self, now: Duration) {
        while let Some(windows) = &mut self.windows {
            if !windows.window.is_open() || windows.filled.len() >= windows.records {
                return;
            }
            let Some((job, pieces)) = windows.waiting.pop_front() else {
                return;
            };
            let whose = windows.filled.len();
            if !self.is_current(&job) {
                self.numbers.stale += 1;
                continue;
            }
            let alone = self.is_suspect(&job);
            if let Some(windows) = &mut self.windows {
                windows.filled.push((job.partition, job.work.offset, alone));
            }
            let sent = pieces.iter().enumerate().try_for_each(|(place, piece)| {
                let sent = if alone {
                    self.writer.send_alone(whose, piece, CALL)
                } else {
                    self.writer.send_now(whose, piece, CALL)
                };
                sent.map_err(|error| (place, error))
            });
            match sent {
                Ok(()) => {
                    self.done(job, now);
                    if let Some(windows) = &mut self.windows {
                        windows.window.produced(1);
                    }
                }
                // Nothing of it is in the window.
                Err((0, error)) if writer::is_poison(&error) => self.poisoned(job, &error, now),
                // It stays with its partition, which is rewound after the abort.
                Err((_, error)) => self.window_report(whose, Err(error), now),
            }
        }
    }

    /// A record of the window was reported. One that was refused is remembered: after the abort it is sent alone, and
    /// when it is refused again it is given up instead of sent.
    pub(super) fn window_report(&mut self, whose: usize, result: Result<(), KafkaError>, now: Duration) {
        let (Err(error), Some(windows)) = (result, &mut self.windows) else {
            return;
        };
        self.numbers.unwritten += 1;
        tracing::warn!(%error, "a record of the window was not delivered");
        windows.window.produce_failed(Failure::Abortable, now);
        if writer::is_poison(&error)
            && let Some((partition, offset, alone)) = windows.filled.get(whose)
            && let Some(part) = self.parts.get_mut(partition)
        {
            if *alone {
                part.doomed.insert(*offset, Poisoned::poison(error));
            } else {
                part.suspects.insert(*offset);
            }
        }
    }

    fn perform(&mut self, action: Action) {
        let result = self.act(action);
        let now = self.clock.now();
        let Some(windows) = &mut self.windows else { return };
        match result {
            Ok(()) => windows.window.done(),
            Err(failure) => {
                windows.window.failed(failure, now);
            }
        }
        let settled = matches!(
            action,
            Action::Begin | Action::Commit | Action::Abort | Action::Rebuild
        );
        if settled && result.is_ok() {
            let filled = std::mem::take(&mut windows.filled);
            windows.offsets = None;
            if action == Action::Commit {
                windows.heard();
                self.clear(&filled);
            }
        }
    }

    /// What was suspected of records does not matter any more: they are committed.
    fn clear(&mut self, committed: &[(i32, i64, bool)]) {
        for (partition, part) in &mut self.parts {
            if part.suspects.is_empty() && part.doomed.is_empty() {
                continue;
            }
            for (_, offset, _) in committed.iter().filter(|(of, ..)| of == partition) {
                part.suspects.remove(offset);
                part.doomed.remove(offset);
            }
        }
    }

    fn act(&mut self, action: Action) -> Result<(), Failure> {
        let begun = self
            .windows
            .as_ref()
            .map_or_else(Instant::now, |windows| windows.begun);
        let overdue = begun.elapsed() >= self.facts.transaction_timeout();
        let told = |error: KafkaError| {
            tracing::warn!(%error, ?action, "window");
            writer::failure(&error, overdue)
        };
        match action {
            Action::Initialise => self.writer.initialise(CALL).map_err(told),
            Action::Begin => {
                if let Some(windows) = &mut self.windows {
                    windows.begun = Instant::now();
                }
                self.writer.begin().map_err(told)
            }
            Action::Flush => self.writer.flush(CALL).map_err(told),
            Action::SendOffsets => self.send_offsets(told),
            Action::Commit => self.writer.commit(CALL).map_err(told),
            Action::Abort => {
                self.stray();
                self.writer.abort(CALL).map_err(told)?;
                // What it threw away is no failure of the next window; what was refused is remembered.
                self.writer.settle(CALL);
                for (whose, result) in self.writer.reports() {
                    self.window_report(whose, result, self.clock.now());
                }
                Ok(())
            }
            Action::Rebuild => {
                self.stray();
                self.rebuild()
            }
            Action::Rewind => {
                self.stray();
                let refused = self.windows.as_ref().map(|windows| windows.refused.1);
                if refused.is_some_and(|until| self.clock.now() < until) {
                    return Err(Failure::Retriable);
                }
                let all: Vec<i32> = self.parts.keys().copied().collect();
                self.go_back(&all).map_err(|error| {
                    tracing::warn!(%error, "cannot go back yet");
                    Failure::Retriable
                })
            }
            Action::Stop(reason) => {
                self.ended.get_or_insert(RunError::Transaction(reason));
                Ok(())
            }
        }
    }

    /// What was read does not count: nothing more is taken in before it was gone back.
    fn stray(&mut self) {
        for part in self.parts.values_mut() {
            part.astray = true;
        }
        if let Some(windows) = &mut self.windows {
            windows.waiting.clear();
        }
    }

    fn send_offsets(&mut self, told: impl Fn(KafkaError) -> Failure) -> Result<(), Failure> {
        let Some(windows) = &mut self.windows else {
            return Ok(());
        };
        let offsets = windows.offsets.get_or_insert_with(|| {
            let (mut source, mut retry) = (BTreeMap::new(), BTreeMap::new());
            for (partition, part) in &mut self.parts {
                let commit = part.core.take_commit();
                source.extend(commit.source.map(|point| (*partition, point)));
                retry.extend(commit.retry.map(|point| (*partition, point)));
            }
            Offsets { source, retry }
        });
        let left_out: u64 = offsets
            .source
            .values()
            .chain(offsets.retry.values())
            .map(|point| point.left_out)
            .sum();
        if left_out > 0 {
            // They would run again after a crash.
            tracing::warn!(
                left_out,
                "completions did not fit into the metadata of the commit"
            );
            return Err(Failure::Abortable);
        }
        let send = |list: KafkaResult<TopicPartitionList>, member: &ConsumerGroupMetadata| {
            list.and_then(|list| self.writer.send_offsets(&list, member, CALL))
        };
        if !offsets.source.is_empty() {
            let Some(member) = self.reader.member() else {
                return Err(Failure::Abortable);
            };
            if let Err(error) = send(self.reader.points(&offsets.source), &member) {
                if writer::is_outdated(&error) {
                    windows.refused(self.clock.now());
                }
                return Err(told(error));
            }
        }
        if !offsets.retry.is_empty() {
            let Some(nobody) = self.parked.nobody() else {
                return Err(Failure::Abortable);
            };
            send(self.parked.points(&offsets.retry), &nobody).map_err(&told)?;
        }
        Ok(())
    }

    /// A new producer with the same id: it decides what the old one left.
    fn rebuild(&mut self) -> Result<(), Failure> {
        let new = Writer::open(&self.facts.producer, self.control.wake()).map_err(|error| {
            tracing::warn!(%error, "no new producer");
            Failure::Retriable
        })?;
        self.writer = new;
        let end = Instant::now() + READY;
        loop {
            match self.writer.initialise(CALL) {
                Ok(()) => return Ok(()),
                Err(error) => match writer::failure(&error, true) {
                    Failure::Retriable if Instant::now() < end && !self.control.stopping() => {}
                    failure => {
                        tracing::warn!(%error, "the new producer is not ready");
                        return Err(failure);
                    }
                },
            }
        }
    }
}
