//! The partition itself.

use std::time::Duration;

use super::work::{Config, Finished, Held, Origin, Outcome, Queued, Record, Task, Work, park_key};
use crate::flaw::{self, Flaw};
use crate::lanes::{Intake, Lanes};
use crate::offset::{CommitPoint, Delivery, EngineCounts, OffsetEngine, Resume};
use crate::retry::{Alert, Arrival, Attempts, DeadLetterCap, Decision, GiveUp, Lot};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Nothing new is given out; what runs may end.
    Draining,
    /// No longer ours.
    Fenced,
}

/// What may be committed of a partition: of its source, and of its retry topic.
///
/// Each of the two may be committed alone; with a transaction both go into it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commit {
    /// For the source partition, when it changed.
    pub source: Option<CommitPoint>,
    /// For the partition of the retry topic, when it changed.
    pub retry: Option<CommitPoint>,
}

/// One assigned partition.
#[derive(Debug)]
pub struct Partition<T> {
    config: Config,
    source: OffsetEngine,
    retry: OffsetEngine,
    /// Source records wait until the retry topic was read up to here: a parked key must not be overtaken.
    retry_end: i64,
    lanes: Lanes<Queued<T>>,
    lot: Lot<Held<T>>,
    cap: DeadLetterCap,
    intake: Intake,
    parked_intake: Intake,
    phase: Phase,
    halted: Option<Alert>,
    stopped: bool,
    epoch: u64,
    stale: u64,
    /// The record at the head when it was last asked for, and since when.
    head: Option<(i64, Duration)>,
}

impl<T: Record> Partition<T> {
    /// A partition that was just assigned: where its source and its retry topic were committed, and the end of the
    /// partition of the retry topic now (0 without one).
    #[must_use]
    pub fn new(config: Config, source: Resume, retry: Resume, retry_end: i64) -> Self {
        Self {
            source: OffsetEngine::new(source),
            retry: OffsetEngine::new(retry),
            retry_end,
            lanes: Lanes::new(config.ordering),
            lot: Lot::default(),
            cap: DeadLetterCap::new(config.cap),
            intake: Intake::new(config.intake),
            parked_intake: Intake::new(config.parked),
            phase: Phase::Running,
            halted: None,
            stopped: false,
            epoch: 0,
            stale: 0,
            head: None,
            config,
        }
    }

    /// Takes a record that the client delivered from the source partition.
    pub fn deliver(&mut self, offset: i64, record: T) -> Delivery {
        if self.phase != Phase::Running {
            return Delivery::Repeated;
        }
        let delivery = self.source.deliver(offset);
        if let Delivery::New(ticket) = delivery {
            let lane = self.lanes.lane(record.key());
            let bytes = record.bytes();
            let attempts = Attempts::default();
            self.lanes.push(
                lane,
                bytes,
                Queued {
                    record,
                    offset,
                    ticket,
                    attempts,
                    task: Task::Run,
                },
            );
        }
        delivery
    }

    /// Takes a record that the client delivered from the retry topic: `source_offset` and `attempts` are what its
    /// headers say.
    pub fn deliver_parked(
        &mut self,
        offset: i64,
        source_offset: i64,
        mut attempts: Attempts,
        record: T,
    ) -> Delivery {
        if self.phase != Phase::Running {
            return Delivery::Repeated;
        }
        let delivery = self.retry.deliver(offset);
        if let Delivery::New(ticket) = delivery {
            if flaw::planted(Flaw::ForgetDue) {
                attempts.due = Duration::ZERO;
            }
            let key = park_key(self.config.ordering, &record, source_offset);
            let bytes = record.bytes();
            let held = Held {
                record,
                attempts,
                task: Task::Run,
            };
            if let Arrival::Complete(done) =
                self.lot
                    .arrived(ticket, key, source_offset, attempts, bytes, held)
            {
                for ticket in done {
                    self.retry.complete(ticket);
                }
            }
        }
        delivery
    }

    /// No record of the source below this offset will come any more.
    pub fn pass(&mut self, next: i64) {
        self.source.pass(next);
    }

    /// No record of the retry topic below this offset will come any more.
    pub fn pass_parked(&mut self, next: i64) {
        self.retry.pass(next);
    }

    /// Takes the next work that may be done now.
    pub fn take(&mut self, now: Duration) -> Option<Work<T>> {
        if self.phase != Phase::Running || self.halted.is_some() || self.stopped {
            return None;
        }
        if self.retry.next() < self.retry_end && !flaw::planted(Flaw::FlowBeforeRebuilt) {
            return None;
        }
        if let Some((permit, _, held)) = self.lot.take(now) {
            let offset = permit.source_offset();
            let Held {
                record,
                attempts,
                task,
            } = held;
            return Some(self.work(record, offset, task, attempts, Origin::Lot(permit), now));
        }
        self.lanes.wake(now);
        loop {
            let (
                permit,
                Queued {
                    record,
                    offset,
                    ticket,
                    attempts,
                    mut task,
                },
            ) = self.lanes.take()?;
            if self.lot.parked_keys() > 0 && task == Task::Run {
                let key = park_key(self.config.ordering, &record, offset);
                if self.lot.holds(&key, offset) {
                    // Parked before a restart, and its source offset was not committed then.
                    self.source.complete(ticket);
                    self.lanes.release(permit);
                    continue;
                }
                if self.lot.locked(&key) {
                    task = Task::Park;
                }
            }
            return Some(self.work(
                record,
                offset,
                task,
                attempts,
                Origin::Lane { permit, ticket },
                now,
            ));
        }
    }

    /// Takes a work back. `random` is any number, for the jitter of the next pause.
    ///
    /// For [`Outcome::Done`] everything that the task asked for must be acknowledged, or be part of the transaction
    /// that the next commit point goes into.
    pub fn finish(&mut self, work: Work<T>, outcome: Outcome, now: Duration, random: u64) -> Finished {
        if !self.is_current(&work) {
            self.stale += 1;
            return Finished::Stale;
        }
        match (work.task, outcome) {
            (Task::Run, Outcome::Done) => {
                self.cap.succeeded();
                self.complete(work.origin);
                Finished::Completed
            }
            (Task::DeadLetter(_), Outcome::Done) => {
                self.complete(work.origin);
                Finished::Completed
            }
            (Task::Park, Outcome::Done) => self.parked(work),
            (Task::Run, Outcome::Failed(class)) => {
                let mut work = work;
                work.attempts.made += 1;
                match self
                    .config
                    .retry
                    .decide(class, &work.attempts, work.parked(), now, random)
                {
                    Decision::InLane(due) => {
                        work.attempts.due = due;
                        self.again(work, Task::Run, due);
                        Finished::Retries { due }
                    }
                    Decision::Park(due) => {
                        work.attempts.due = due;
                        if flaw::planted(Flaw::CompleteBeforeWrite)
                            && let Origin::Lane { ticket, .. } = work.origin
                        {
                            self.source.complete(ticket);
                        }
                        self.again(work, Task::Park, now);
                        Finished::WillPark { due }
                    }
                    Decision::DeadLetter(reason) => self.give_up(work, reason, now),
                    Decision::Stop => {
                        self.stopped = true;
                        work.attempts.made -= 1;
                        self.again(work, Task::Run, now);
                        Finished::Stopped
                    }
                }
            }
            (Task::Park | Task::DeadLetter(_), Outcome::Failed(_)) => {
                let task = work.task;
                self.again(work, task, now + self.config.write_pause);
                Finished::Unwritten(Alert::Unwritable)
            }
        }
    }

    /// Takes a work back that was not begun: its turn has not come, or a service is to be spared. It is no attempt,
    /// and its key waits until that moment.
    pub fn postpone(&mut self, work: Work<T>, until: Duration) {
        if self.is_current(&work) {
            let task = work.task;
            self.again(work, task, until);
        } else {
            self.stale += 1;
        }
    }

    /// For how long the committed offset could not move, as far as this was asked: the time since the first call that
    /// found the same record at the head. Nothing when no record is incomplete.
    pub fn head_waits(&mut self, now: Duration) -> Option<Duration> {
        let head = self.source.lowest_incomplete()?;
        match self.head {
            Some((offset, since)) if offset == head => Some(now.saturating_sub(since)),
            _ => {
                self.head = Some((head, now));
                Some(Duration::ZERO)
            }
        }
    }

    /// Whether a work is of this assignment and of after the last rewind. Its effect may be made only then.
    #[must_use]
    pub fn is_current(&self, work: &Work<T>) -> bool {
        work.epoch == self.epoch && self.phase != Phase::Fenced
    }

    /// Whether the source partition is to be paused. Its parked records keep coming.
    pub fn paused(&mut self) -> bool {
        if flaw::planted(Flaw::NeverPause) {
            return false;
        }
        let lot = self
            .parked_intake
            .paused(self.lot.records(), self.lot.bytes(), false);
        let metadata = self.source.metadata_full() | self.retry.metadata_full();
        let idle = self.phase != Phase::Running || self.stopped;
        self.intake
            .paused(self.lanes.records(), self.lanes.bytes(), lot || metadata || idle)
    }

    /// What may be committed, as far as it changed since the last time.
    pub fn take_commit(&mut self) -> Commit {
        if self.phase == Phase::Fenced {
            return Commit::default();
        }
        Commit {
            source: self.source.take_commit(),
            retry: self.retry.take_commit(),
        }
    }

    /// The last commit did not reach the broker.
    pub fn commit_failed(&mut self) {
        self.source.commit_failed();
        self.retry.commit_failed();
    }

    /// Starts again at what the broker has as committed, as after an aborted transaction. Works that are out become
    /// stale.
    pub fn rewind(&mut self, source: Resume, retry: Resume, retry_end: i64) {
        self.epoch += 1;
        self.source.rewind(source);
        self.retry.rewind(retry);
        self.retry_end = retry_end;
        self.lanes = Lanes::new(self.config.ordering);
        self.lot = Lot::default();
    }

    /// Goes on after a halt. The cap counts from the beginning.
    pub fn resume(&mut self) {
        self.halted = None;
        self.cap.reset();
    }

    /// The partition will be taken away: nothing new is given out, what is out may end.
    pub fn drain(&mut self) {
        if self.phase == Phase::Running {
            self.phase = Phase::Draining;
            self.lanes.clear();
        }
    }

    /// Works that are out.
    #[must_use]
    pub fn running(&self) -> usize {
        self.lanes.running() + self.lot.running()
    }

    /// The partition is no longer ours: works that are out become stale, and nothing more is committed.
    pub fn fence(&mut self) {
        self.phase = Phase::Fenced;
        self.epoch += 1;
    }

    /// When a record that waits for its moment is due next.
    #[must_use]
    pub fn next_due(&mut self, now: Duration) -> Option<Duration> {
        [self.lanes.wake(now), self.lot.next_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Why the partition is halted.
    #[must_use]
    pub fn halted(&self) -> Option<Alert> {
        self.halted
    }

    /// Records in lanes, running ones included.
    #[must_use]
    pub fn records(&self) -> usize {
        self.lanes.records()
    }

    /// Keys that wait in the lot.
    #[must_use]
    pub fn parked_keys(&self) -> usize {
        self.lot.parked_keys()
    }

    /// The offset that the source may be committed at.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.source.offset()
    }

    /// What the source's engine has seen that is worth a metric.
    #[must_use]
    pub fn counts(&self) -> EngineCounts {
        self.source.counts()
    }

    /// Works that came back after a rewind or after the partition was gone.
    #[must_use]
    pub fn stale(&self) -> u64 {
        self.stale
    }

    fn work(
        &self,
        record: T,
        offset: i64,
        task: Task,
        mut attempts: Attempts,
        origin: Origin,
        now: Duration,
    ) -> Work<T> {
        if task == Task::Run && attempts.made == 0 {
            attempts.first = now;
            attempts.due = now;
        }
        Work {
            record,
            offset,
            task,
            attempts,
            origin,
            epoch: self.epoch,
        }
    }

    fn complete(&mut self, origin: Origin) {
        match origin {
            Origin::Lane { permit, ticket } => {
                self.source.complete(ticket);
                self.lanes.release(permit);
            }
            Origin::Lot(permit) => {
                if let Some(ticket) = self.lot.finished(permit) {
                    self.retry.complete(ticket);
                }
            }
        }
    }

    fn parked(&mut self, work: Work<T>) -> Finished {
        let Work {
            record,
            offset,
            attempts,
            origin,
            ..
        } = work;
        let key = park_key(self.config.ordering, &record, offset);
        let bytes = record.bytes();
        let held = Held {
            record,
            attempts,
            task: Task::Run,
        };
        match origin {
            Origin::Lane { permit, ticket } => {
                self.lot.written(None, key, offset, attempts, bytes, held);
                self.source.complete(ticket);
                self.lanes.release(permit);
            }
            Origin::Lot(permit) => {
                if let Some(older) = self.lot.written(Some(permit), key, offset, attempts, bytes, held) {
                    self.retry.complete(older);
                }
            }
        }
        Finished::Parked { due: attempts.due }
    }

    fn give_up(&mut self, work: Work<T>, reason: GiveUp, now: Duration) -> Finished {
        if flaw::planted(Flaw::DropExhausted) {
            self.complete(work.origin);
            return Finished::Completed;
        }
        let allowed = self.cap.give_up();
        self.again(work, Task::DeadLetter(reason), now);
        match allowed {
            Ok(()) => Finished::WillGiveUp(reason),
            Err(alert) => {
                self.halted = Some(alert);
                Finished::Halted(alert)
            }
        }
    }

    /// The record comes out again at that moment, with this task.
    fn again(&mut self, work: Work<T>, task: Task, due: Duration) {
        let Work {
            record,
            offset,
            attempts,
            origin,
            ..
        } = work;
        match origin {
            Origin::Lane { permit, ticket } => {
                self.lanes.delay(
                    permit,
                    Queued {
                        record,
                        offset,
                        ticket,
                        attempts,
                        task,
                    },
                    due,
                );
            }
            Origin::Lot(permit) => self.lot.put_back(
                permit,
                due,
                Held {
                    record,
                    attempts,
                    task,
                },
            ),
        }
    }
}
