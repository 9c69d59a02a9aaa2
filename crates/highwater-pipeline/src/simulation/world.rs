//! One consumer after another on one partition, driven by a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::broker::{Broker, Op, Rec, RetryRec};
use super::oracle::{Oracle, Violation, ensure};
use crate::dedup::{Identity, RecentWindow, Seen};
use crate::lanes::{IntakeLimits, Ordering};
use crate::offset::{Delivery, Resume};
use crate::partition::{Commit, Config, Finished, Outcome, Partition, Task, Work};
use crate::rebalance::{Action, Departure, Next, Reason};
use crate::retry::{CapLimits, ErrorClass, RetryPolicy, Schedule};
use crate::transaction::{Action as Step, Failure, Window, WindowLimits};

/// How often the hard parts were come to, by name.
pub(super) type Counts = BTreeMap<&'static str, u64>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    AtLeastOnce,
    ExactlyOnce,
}

const KEYS: u8 = 5;
const HELD: usize = 40;
const BATCH: usize = 5;
const CONSECUTIVE: u32 = 5;
/// When attempts may start, after the first one.
const STARTS: [u64; 4] = [0, 1, 3, 7];

/// What a handler does with a record.
#[derive(Debug, Clone, Copy)]
enum Behaviour {
    Works,
    FailsFirst(u32),
    Poison,
    Hopeless,
}

struct Instance {
    partition: Partition<Rec>,
    window: Window,
    /// Before this the committed offsets are not known.
    ready: bool,
    running: Vec<Work<Rec>>,
    /// Results that wait for an open window.
    waiting: Vec<Work<Rec>>,
    position: usize,
    retry_position: usize,
    completed: BTreeSet<i64>,
    recent: RecentWindow,
    due: BTreeMap<i64, Duration>,
    given_up_in_a_row: u32,
}

pub(super) struct World {
    mode: Mode,
    seed: u64,
    rng: ChaCha8Rng,
    now: Duration,
    broker: Broker,
    oracle: Oracle,
    instance: Instance,
    /// Handlers of instances that lost the partition and do not know it.
    zombies: Vec<Work<Rec>>,
    failures: BTreeMap<i64, u32>,
    seen: Counts,
    faults: bool,
}

impl World {
    pub(super) fn new(mode: Mode, seed: u64) -> Self {
        let broker = Broker::default();
        let now = Duration::from_secs(1_000_000);
        Self {
            mode,
            seed,
            rng: ChaCha8Rng::seed_from_u64(seed),
            now,
            instance: instance(mode, &broker),
            broker,
            oracle: Oracle::default(),
            zombies: Vec::new(),
            failures: BTreeMap::new(),
            seen: Counts::new(),
            faults: true,
        }
    }

    /// Runs so many steps with faults, then to the end without.
    pub(super) fn run(mut self, steps: usize) -> Result<Counts, Violation> {
        for _ in 0..steps {
            self.step()?;
        }
        self.faults = false;
        self.oracle_end()?;
        Ok(self.seen)
    }

    fn oracle_end(&mut self) -> Result<(), Violation> {
        let mut rounds = 0;
        while self.broker.committed.0 < self.broker.source.len() as i64
            || self.broker.committed_retry.0 < self.broker.retry.len() as i64
        {
            rounds += 1;
            ensure(rounds < 2_000, "comes-to-an-end", || {
                format!(
                    "stuck at {:?} of {}",
                    self.broker.committed,
                    self.broker.source.len()
                )
            })?;
            self.now += Duration::from_millis(500);
            self.poll()?;
            self.poll_retry();
            while self.take()? {}
            while !self.instance.running.is_empty() {
                self.finish(0)?;
            }
            if self.instance.partition.halted().is_some() {
                self.resume();
            }
            match self.mode {
                Mode::AtLeastOnce => self.commit()?,
                Mode::ExactlyOnce => {
                    for _ in 0..8 {
                        self.now += Duration::from_millis(20);
                        self.window_step()?;
                    }
                }
            }
        }
        self.oracle
            .at_the_end(&self.broker, self.mode == Mode::ExactlyOnce)
    }

    fn step(&mut self) -> Result<(), Violation> {
        self.now += Duration::from_millis(self.rng.random_range(0..40));
        if self.rng.random_range(0..60) == 0 {
            self.now += Duration::from_secs(self.rng.random_range(1..4));
        }
        // The answer of a commit in doubt arrives late, unless a new producer has decided it before.
        if !self.broker.in_doubt.is_empty() && self.rng.random_range(0..60) == 0 {
            self.settle(true)?;
        }
        match self.rng.random_range(0..1_000) {
            0..160 => self.produce(),
            160..330 => self.poll()?,
            330..350 => {
                let back = self.rng.random_range(1..6);
                self.instance.position = self.instance.position.saturating_sub(back);
            }
            350..450 => self.poll_retry(),
            450..650 => drop(self.take()?),
            650..840 if !self.instance.running.is_empty() => {
                let place = self.rng.random_range(0..self.instance.running.len());
                self.finish(place)?;
            }
            840..975 => match self.mode {
                Mode::AtLeastOnce => self.commit()?,
                Mode::ExactlyOnce => self.window_step()?,
            },
            975..980 => self.crash(),
            980..985 => {
                let reason = if self.rng.random() {
                    Reason::Revoked
                } else {
                    Reason::Shutdown
                };
                self.depart(reason)?;
            }
            985..990 => self.depart(Reason::Lost)?,
            990..1_000 if !self.zombies.is_empty() => self.zombie()?,
            _ if self.instance.partition.halted().is_some() && self.rng.random_range(0..5) == 0 => {
                self.resume();
            }
            _ => {}
        }
        Ok(())
    }

    fn produce(&mut self) {
        for _ in 0..self.rng.random_range(1..4) {
            match self.rng.random_range(0..20) {
                0 => self.broker.gap(),
                1 => self.broker.produce(None),
                2 if !self.broker.source.is_empty() => {
                    let newest = self.broker.source.len();
                    self.broker
                        .produce_again(self.rng.random_range(newest.saturating_sub(10)..newest));
                }
                _ => {
                    let key = self.rng.random_range(0..KEYS);
                    self.broker.produce(Some([key]));
                }
            }
        }
    }

    fn poll(&mut self) -> Result<(), Violation> {
        if !self.instance.ready {
            return Ok(());
        }
        if self.instance.partition.paused() {
            self.see("paused");
            return Ok(());
        }
        for _ in 0..BATCH {
            let Some(place) = self.broker.source.get(self.instance.position) else {
                self.instance.partition.pass(self.instance.position as i64);
                break;
            };
            self.instance.position += 1;
            let Some(rec) = place.clone() else { continue };
            match self.instance.partition.deliver(rec.offset, rec) {
                Delivery::New(_) => {}
                Delivery::DoneBefore => self.see("done before"),
                Delivery::Repeated => self.see("repeated"),
                Delivery::Rewritten => {
                    return Err(Violation {
                        invariant: "run-once",
                        what: "the log was not rewritten".to_owned(),
                    });
                }
            }
        }
        let held = self.instance.partition.records();
        ensure(held <= HELD + BATCH, "bounded", || {
            format!("{held} records are held")
        })
    }

    fn poll_retry(&mut self) {
        if !self.instance.ready {
            return;
        }
        for _ in 0..BATCH {
            let place = self.instance.retry_position;
            let Some(RetryRec { rec, attempts }) = self.broker.retry.get(place).cloned() else {
                self.instance.partition.pass_parked(place as i64);
                return;
            };
            self.instance.retry_position += 1;
            let _ = self
                .instance
                .partition
                .deliver_parked(place as i64, rec.offset, attempts, rec);
        }
    }

    fn take(&mut self) -> Result<bool, Violation> {
        let Some(work) = self.instance.partition.take(self.now) else {
            return Ok(false);
        };
        let offset = work.offset;
        let together = self
            .instance
            .running
            .iter()
            .chain(&self.instance.waiting)
            .find(|other| {
                self.instance.partition.is_current(other)
                // A later record may be written behind a parked one while that runs.
                && (work.task, other.task) == (Task::Run, Task::Run)
                    && other.record.key.is_some()
                    && other.record.key == work.record.key
            });
        ensure(together.is_none(), "one-per-key", || {
            format!("offset {offset} is out together with {together:?}")
        })?;
        if work.task == Task::Run {
            let early =
                self.now < work.attempts.first + Duration::from_secs(STARTS[work.attempts.made as usize]);
            ensure(!early, "never-early", || {
                format!("offset {offset} at {:?}: {:?}", self.now, work.attempts)
            })?;
            if !work.parked() {
                let due = self.instance.due.get(&offset).copied().unwrap_or_default();
                ensure(self.now >= due, "never-early", || {
                    format!("offset {offset} was due at {due:?}")
                })?;
                ensure(!self.instance.completed.contains(&offset), "run-once", || {
                    format!("offset {offset} runs again in one assignment")
                })?;
                ensure(
                    !self.oracle.committed_done.contains(&offset),
                    "saved-completions",
                    || format!("offset {offset} runs, and was committed as done"),
                )?;
            }
        }
        if work.task == Task::Run && self.mode == Mode::AtLeastOnce {
            match self.instance.recent.begin(identity(&work)) {
                Seen::New => {}
                Seen::Running => {
                    self.see("waited for its duplicate");
                    self.instance
                        .partition
                        .postpone(work, self.now + Duration::from_millis(50));
                    return Ok(true);
                }
                Seen::Done => {
                    self.see("duplicate");
                    self.oracle.left_out(&work.record)?;
                    self.back(work, Outcome::Done)?;
                    return Ok(true);
                }
            }
        }
        self.instance.running.push(work);
        Ok(true)
    }

    /// A work ends: its effect is made, or it fails.
    fn finish(&mut self, place: usize) -> Result<(), Violation> {
        let work = self.instance.running.swap_remove(place);
        if !self.instance.partition.is_current(&work) {
            let finished = self.instance.partition.finish(work, Outcome::Done, self.now, 0);
            return ensure(finished == Finished::Stale, "run-once", || {
                format!("{finished:?} of a stale work")
            });
        }
        let failed = match work.task {
            Task::Run => self.handle(&work),
            Task::Park | Task::DeadLetter(_) => {
                (self.faults && self.rng.random_range(0..6) == 0).then_some(ErrorClass::Transient)
            }
        };
        if work.task == Task::Run && self.mode == Mode::AtLeastOnce {
            match failed {
                None => self.instance.recent.succeeded(identity(&work)),
                Some(_) => self.instance.recent.failed(identity(&work)),
            }
        }
        if let Some(class) = failed {
            return self.back(work, Outcome::Failed(class));
        }
        if self.mode == Mode::ExactlyOnce {
            self.instance.waiting.push(work);
            return Ok(());
        }
        let op = effect(&work);
        self.oracle.apply(&mut self.broker, op)?;
        self.back(work, Outcome::Done)
    }

    fn back(&mut self, work: Work<Rec>, outcome: Outcome) -> Result<(), Violation> {
        let (offset, parked, task) = (work.offset, work.parked(), work.task);
        let random = self.rng.random();
        let finished = self.instance.partition.finish(work, outcome, self.now, random);
        match finished {
            Finished::Completed | Finished::Parked { .. } => {
                if !parked {
                    self.instance.completed.insert(offset);
                }
                if task == Task::Run {
                    self.instance.given_up_in_a_row = 0;
                }
            }
            Finished::Retries { due } => {
                self.see("retried");
                self.instance.due.insert(offset, due);
            }
            Finished::WillPark { .. } => self.see("parked"),
            Finished::WillGiveUp(_) => {
                self.see("dead");
                self.instance.given_up_in_a_row += 1;
                let row = self.instance.given_up_in_a_row;
                ensure(row <= CONSECUTIVE, "capped", || {
                    format!("{row} records given up in a row")
                })?;
            }
            Finished::Halted(_) => self.see("halted"),
            Finished::Unwritten(_) => self.see("unwritten"),
            Finished::Stopped | Finished::Stale => {}
        }
        Ok(())
    }

    fn handle(&mut self, work: &Work<Rec>) -> Option<ErrorClass> {
        let failures = self.failures.entry(work.offset).or_default();
        let class = match behaviour(self.seed, work.offset) {
            Behaviour::Works => None,
            Behaviour::FailsFirst(times) => (*failures < times).then_some(ErrorClass::Transient),
            Behaviour::Poison => Some(ErrorClass::Poison),
            Behaviour::Hopeless => Some(ErrorClass::Transient),
        };
        *failures += u32::from(class.is_some());
        class
    }

    fn commit(&mut self) -> Result<(), Violation> {
        let commit = self.instance.partition.take_commit();
        if self.faults && self.rng.random_range(0..8) == 0 {
            self.instance.partition.commit_failed();
            return Ok(());
        }
        self.oracle.apply(&mut self.broker, Op::Offsets(commit))
    }

    fn window_step(&mut self) -> Result<(), Violation> {
        let Some(action) = self
            .instance
            .window
            .next(self.now, !self.instance.waiting.is_empty())
        else {
            if self.instance.window.is_open() {
                for work in std::mem::take(&mut self.instance.waiting) {
                    if self.instance.partition.is_current(&work) {
                        self.broker.open.push(effect(&work));
                        self.instance.window.produced(1);
                        self.back(work, Outcome::Done)?;
                    }
                }
            }
            return Ok(());
        };
        let dice = if self.faults {
            self.rng.random_range(0..100)
        } else {
            99
        };
        let failure = match (action, dice) {
            (Step::Begin | Step::Flush | Step::SendOffsets, 0..4) => Some(Failure::Abortable),
            (_, 4..8) => Some(Failure::Retriable),
            (Step::Begin | Step::Flush | Step::SendOffsets | Step::Commit, 8..11) => Some(Failure::Fatal),
            (Step::Commit, 11..17) => {
                self.see("in doubt");
                let open = std::mem::take(&mut self.broker.open);
                self.broker.in_doubt.extend(open);
                Some(Failure::UnknownOutcome)
            }
            (Step::Abort, 11..20) => Some(Failure::UnknownOutcome),
            _ => None,
        };
        if let Some(failure) = failure {
            self.instance.window.failed(failure, self.now);
            return Ok(());
        }
        match action {
            Step::Initialise | Step::Rebuild => {
                if action == Step::Rebuild {
                    self.see("rebuilt");
                }
                self.broker.open.clear();
                let happened = self.rng.random();
                self.settle(happened)?;
            }
            Step::Begin | Step::Flush => {}
            Step::SendOffsets => {
                let commit = self.instance.partition.take_commit();
                self.broker.open.push(Op::Offsets(commit));
            }
            Step::Commit => {
                for op in std::mem::take(&mut self.broker.open) {
                    self.oracle.apply(&mut self.broker, op)?;
                }
            }
            Step::Abort => {
                self.see("aborted");
                self.broker.open.clear();
            }
            Step::Rewind => {
                let (source, retry) = committed(&self.broker);
                self.instance.position = source.offset() as usize;
                self.instance.retry_position = retry.offset() as usize;
                self.instance
                    .partition
                    .rewind(source, retry, self.broker.retry.len() as i64);
                self.instance.completed.clear();
                self.instance.due.clear();
                self.instance.waiting.clear();
                self.instance.ready = true;
            }
            Step::Stop(reason) => {
                return Err(Violation {
                    invariant: "comes-to-an-end",
                    what: reason.to_string(),
                });
            }
        }
        self.instance.window.done();
        Ok(())
    }

    /// The commit in doubt happens, or it never will.
    fn settle(&mut self, happened: bool) -> Result<(), Violation> {
        for op in std::mem::take(&mut self.broker.in_doubt) {
            if happened {
                self.oracle.apply(&mut self.broker, op)?;
            }
        }
        Ok(())
    }

    fn crash(&mut self) {
        self.see("crash");
        self.next_instance();
    }

    /// The partition goes, in the order in which the core wants it.
    fn depart(&mut self, reason: Reason) -> Result<(), Violation> {
        let lost = reason == Reason::Lost;
        self.see(if lost { "lost" } else { "revoke" });
        let transactional = self.mode == Mode::ExactlyOnce;
        let mut departure = Departure::new(reason, transactional, self.now, Duration::from_secs(4));
        loop {
            match departure.next(self.now, self.instance.partition.running()) {
                Next::Finished => break,
                Next::WaitUntil(until) => {
                    // A handler ends, a window moves on, or the budget runs out.
                    match self.rng.random_range(0..8) {
                        0 => self.now = until,
                        1..5 if !self.instance.running.is_empty() => self.finish(0)?,
                        _ => {
                            self.now += Duration::from_millis(30);
                            if transactional {
                                self.window_step()?;
                            }
                        }
                    }
                    continue;
                }
                Next::Do(Action::StopIntake) => self.instance.partition.drain(),
                Next::Do(Action::Commit) => {
                    ensure(!lost, "lost-commits-nothing", || {
                        "a commit of a lost partition".to_owned()
                    })?;
                    if transactional {
                        self.instance.window.close();
                        for _ in 0..20 {
                            self.now += Duration::from_millis(60);
                            self.window_step()?;
                        }
                    } else {
                        self.commit()?;
                    }
                    if self.rng.random_range(0..4) == 0 {
                        self.instance.partition.commit_failed();
                        departure.failed(self.now);
                        continue;
                    }
                }
                Next::Do(Action::Fence) => {
                    self.instance.partition.fence();
                    let commit = self.instance.partition.take_commit();
                    ensure(commit == Commit::default(), "commit-safe", || {
                        format!("fenced, and commits {commit:?}")
                    })?;
                }
                Next::Do(Action::Abandon) => self.instance.window.lost(),
                Next::Do(Action::Release) => {}
            }
            departure.done();
        }
        if self.mode == Mode::AtLeastOnce {
            // Their handlers run on and do not know it.
            let running = std::mem::take(&mut self.instance.running);
            self.zombies
                .extend(running.into_iter().filter(|work| work.task == Task::Run));
        }
        self.next_instance();
        Ok(())
    }

    fn zombie(&mut self) -> Result<(), Violation> {
        let work = self.zombies.remove(0);
        if self.handle(&work).is_none() {
            let op = effect(&work);
            self.oracle.apply(&mut self.broker, op)?;
        }
        Ok(())
    }

    fn next_instance(&mut self) {
        // Of a producer that died the broker keeps the transaction open until the next one initialises.
        self.instance = instance(self.mode, &self.broker);
    }

    fn resume(&mut self) {
        self.instance.partition.resume();
        self.instance.given_up_in_a_row = 0;
    }

    fn see(&mut self, name: &'static str) {
        *self.seen.entry(name).or_default() += 1;
    }
}

fn identity(work: &Work<Rec>) -> Identity {
    Identity::of_id(&work.record.id.to_be_bytes())
}

fn effect(work: &Work<Rec>) -> Op {
    match work.task {
        Task::Run => Op::Effect(work.record.clone()),
        Task::DeadLetter(_) => Op::Dead(work.record.clone()),
        Task::Park => Op::Retry(RetryRec {
            rec: work.record.clone(),
            attempts: work.attempts,
        }),
    }
}

fn committed(broker: &Broker) -> (Resume, Resume) {
    let (source, _) = Resume::committed(broker.committed.0, &broker.committed.1);
    let (retry, _) = Resume::committed(broker.committed_retry.0, &broker.committed_retry.1);
    (source, retry)
}

fn instance(mode: Mode, broker: &Broker) -> Instance {
    let config = Config {
        ordering: Ordering::Key,
        intake: IntakeLimits {
            records: HELD,
            bytes: usize::MAX,
        },
        retry: RetryPolicy {
            schedule: Schedule::exponential(Duration::from_secs(1), 2, Duration::from_secs(60), 4),
            in_lane: Duration::from_millis(2_500),
        },
        cap: CapLimits {
            consecutive: CONSECUTIVE,
            share_per_mille: 1_000,
            window: 10_000,
        },
        ..Config::default()
    };
    let (source, retry) = committed(broker);
    let (position, retry_position) = (source.offset() as usize, retry.offset() as usize);
    Instance {
        partition: Partition::new(config, source, retry, broker.retry.len() as i64),
        window: Window::new(WindowLimits {
            records: 12,
            rebuilds: 1_000,
            ..WindowLimits::default()
        }),
        ready: mode == Mode::AtLeastOnce,
        running: Vec::new(),
        waiting: Vec::new(),
        position,
        retry_position,
        completed: BTreeSet::new(),
        recent: RecentWindow::new(20),
        due: BTreeMap::new(),
        given_up_in_a_row: 0,
    }
}

/// The same record behaves the same in every run of a seed. Some seeds have a bad stretch.
fn behaviour(seed: u64, offset: i64) -> Behaviour {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ (offset as u64) << 20);
    if seed.is_multiple_of(3) && (60..90).contains(&offset) {
        return Behaviour::Poison;
    }
    match rng.random_range(0..100) {
        0..5 => Behaviour::Poison,
        5..9 => Behaviour::Hopeless,
        9..22 => Behaviour::FailsFirst(rng.random_range(1..4)),
        _ => Behaviour::Works,
    }
}
