//! One partition: fence, replay, then window after window.
//!
//! ```text
//!  take over: fence ─▶ replay ─▶ first leg that is not taken ─▶ say so in the topic of owners
//!  serve:     jobs ─▶ window ─▶ transaction ─┬▶ committed: answers
//!                                            ├▶ aborted:   "not done", the window goes back
//!                                            └▶ unknown, fenced: take over again, or somebody else has
//! ```
//!
//! Invariant: a leg leaves the queue when the transaction that took it is committed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

use super::bank::{Bank, Job, Reply, State, lock};
use super::metrics::{add, add_time};
use super::owners;
use crate::account::{AccountId, ApplyError, Command, Event};
use crate::encoding::{Codec, EncodingError};
use crate::kafka::{Record, ReplayError, SESSION, Transacted, Writer, replay};
use crate::transfer::Leg;
use crate::window::{Window, Written};

/// Commands and legs in one window, of each: a commit costs some milliseconds, whatever is in it.
const MAX_WINDOW: usize = 1_000;
const GLANCE: Duration = Duration::from_millis(50);
const PAUSE: Duration = Duration::from_millis(500);

type Waiter = oneshot::Sender<Reply>;

/// An event that can't be taken.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error("{account} belongs to partition {belongs}: the number of partitions was changed")]
    Misplaced { account: AccountId, belongs: i32 },
}

enum NotOpen {
    Blocked(String),
    Again(String),
    Stopped,
}

pub(super) struct Partition {
    number: i32,
    bank: Arc<Bank>,
    jobs: mpsc::Receiver<Job>,
    depth: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    state: Arc<Mutex<State>>,
    codec: Codec,
    legs: VecDeque<(i64, Leg)>,
    /// Legs from here on were not seen yet.
    next_leg: i64,
    /// A leg that can't be read: those behind it wait.
    bad_leg: Option<String>,
}

impl Partition {
    pub(super) fn new(
        number: i32,
        bank: Arc<Bank>,
        jobs: mpsc::Receiver<Job>,
        depth: Arc<AtomicUsize>,
        stop: Arc<AtomicBool>,
        state: Arc<Mutex<State>>,
    ) -> Self {
        Self {
            number,
            bank,
            jobs,
            depth,
            stop,
            state,
            codec: Codec::default(),
            legs: VecDeque::new(),
            next_leg: 0,
            bad_leg: None,
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.bank.stopping()
    }

    fn becomes(&self, state: State) {
        *lock(&self.state) = state;
    }

    pub(super) fn run(mut self) {
        while !self.stopped() {
            match self.take_over() {
                Ok((writer, window)) => {
                    self.becomes(self.bad_leg.clone().map_or(State::Open, State::Blocked));
                    let fenced = self.serve(&writer, window);
                    self.becomes(State::TakingOver);
                    // Whoever fenced us may be the owner now; the group will say so within a session. To fence back at
                    // once would only be a quarrel.
                    self.wait(if fenced { SESSION } else { Duration::ZERO });
                }
                Err(NotOpen::Blocked(why)) => {
                    tracing::error!(partition = self.number, why, "can't be served");
                    self.becomes(State::Blocked(why));
                    self.wait(Duration::MAX);
                }
                Err(NotOpen::Again(why)) => {
                    tracing::warn!(partition = self.number, why, "not yet taken over");
                    self.wait(PAUSE);
                }
                Err(NotOpen::Stopped) => {}
            }
        }
        self.wait(Duration::ZERO);
    }

    /// Waits, and sends away who comes meanwhile.
    fn wait(&mut self, time: Duration) {
        let began = Instant::now();
        loop {
            match self
                .jobs
                .recv_timeout(if time.is_zero() { Duration::ZERO } else { GLANCE })
            {
                Ok(job) => {
                    if let Some((_, waiter)) = self.arrived(job) {
                        add(&self.bank.metrics.not_done, 1);
                        let why = format!("partition {} is being given back or taken over", self.number);
                        let _ = waiter.send(Reply::NotDone(why));
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    if began.elapsed() >= time || self.stopped() {
                        return;
                    }
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take_over(&mut self) -> Result<(Writer, Window<Waiter>), NotOpen> {
        let began = Instant::now();
        let again = |error: &dyn std::error::Error| NotOpen::Again(with_sources(error));
        let writer = Writer::open(&self.bank.cluster, self.number).map_err(|error| again(&error))?;
        let mut window = Window::default();
        let events = replay(
            &self.bank.cluster,
            self.number,
            || self.stopped(),
            |value| {
                let event: Event = self.codec.read(value)?;
                self.belongs(&event.account)?;
                Ok(window.replay(&event)?)
            },
        )
        .map_err(|error: ReplayError<Unfit>| match error {
            ReplayError::Stopped => NotOpen::Stopped,
            ReplayError::Record { .. } => NotOpen::Blocked(with_sources(&error)),
            ReplayError::Kafka { .. } | ReplayError::Silence { .. } => again(&error),
        })?;
        let taken = writer.taken().map_err(|error| again(&error))?;
        while self.legs.front().is_some_and(|(offset, _)| *offset < taken) {
            self.legs.pop_front();
            self.depth.fetch_sub(1, Ordering::Relaxed);
        }
        self.next_leg = self.next_leg.max(taken);
        let told = owners::record(&self.bank, self.number);
        match writer.transaction(&[told], None) {
            Transacted::Committed => {}
            Transacted::Aborted(error) | Transacted::Unknown(error) | Transacted::Fenced(error) => {
                return Err(again(&error));
            }
        }
        add(
            &self.bank.metrics.replayed,
            usize::try_from(events).unwrap_or(usize::MAX),
        );
        add_time(&self.bank.metrics.replay_us, began.elapsed());
        let (partition, accounts) = (self.number, window.accounts());
        tracing::info!(partition, events, accounts, took = ?began.elapsed(), "taken over");
        Ok((writer, window))
    }

    /// Window after window; true if this writer was fenced.
    fn serve(&mut self, writer: &Writer, mut window: Window<Waiter>) -> bool {
        while !self.stopped() {
            let commands = self.gather();
            let at_ms = now_ms();
            let mut records = Vec::new();
            for (command, waiter) in commands {
                let written = window.command(&command, at_ms, waiter);
                self.write(written, &mut records);
            }
            let legs = self.legs.len().min(MAX_WINDOW);
            let mut taken = None;
            for place in 0..legs {
                let (offset, leg) = &self.legs[place];
                taken = Some(offset + 1);
                let written = window.leg(leg, at_ms);
                self.write(written, &mut records);
            }
            if records.is_empty() && taken.is_none() {
                self.tell(&mut window);
                continue;
            }
            let began = Instant::now();
            match writer.transaction(&records, taken) {
                Transacted::Committed => {
                    let metrics = &self.bank.metrics;
                    add_time(&metrics.commit_us, began.elapsed());
                    add(&metrics.committed, 1);
                    add(&metrics.legs, legs);
                    add(
                        &metrics.events,
                        records
                            .iter()
                            .filter(|record| record.topic.ends_with(".events"))
                            .count(),
                    );
                    self.legs.drain(..legs);
                    self.depth.fetch_sub(legs, Ordering::Relaxed);
                    self.tell(&mut window);
                }
                Transacted::Aborted(error) => {
                    tracing::warn!(partition = self.number, %error, "window aborted");
                    add(&self.bank.metrics.aborted, 1);
                    self.not_done(window.aborted(), Reply::NotDone, &error.to_string());
                    self.wait(PAUSE);
                }
                Transacted::Unknown(error) => {
                    tracing::warn!(partition = self.number, %error, "nobody knows whether the window is committed");
                    add(&self.bank.metrics.fenced, 1);
                    self.not_done(window.aborted(), Reply::Unknown, &error.to_string());
                    return false;
                }
                Transacted::Fenced(error) => {
                    tracing::warn!(partition = self.number, %error, "fenced");
                    add(&self.bank.metrics.fenced, 1);
                    self.not_done(window.aborted(), Reply::Unknown, &error.to_string());
                    return true;
                }
            }
        }
        false
    }

    /// The commands of the next window: what comes within the linger time from the first on.
    fn gather(&mut self) -> Vec<(Command, Waiter)> {
        let mut commands = Vec::new();
        let linger = self.bank.linger;
        let mut deadline: Option<Instant> = (!self.legs.is_empty()).then(|| Instant::now() + linger);
        while commands.len() < MAX_WINDOW && self.legs.len() < MAX_WINDOW {
            let left = deadline.map_or(GLANCE, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            let job = if left.is_zero() {
                self.jobs.try_recv().ok()
            } else {
                self.jobs.recv_timeout(left).ok()
            };
            let Some(job) = job else { break };
            commands.extend(self.arrived(job));
            deadline.get_or_insert_with(|| Instant::now() + linger);
        }
        commands
    }

    /// Keeps a leg for the next window; a command is the caller's.
    fn arrived(&mut self, job: Job) -> Option<(Command, Waiter)> {
        let (offset, value) = match job {
            Job::Command(command, waiter) => {
                self.depth.fetch_sub(1, Ordering::Relaxed);
                return Some((command, waiter));
            }
            Job::Leg { offset, value } => (offset, value),
        };
        let known = offset < self.next_leg;
        if known || self.bad_leg.is_some() {
            self.depth.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        match self.leg(&value) {
            Ok(leg) => {
                self.next_leg = offset + 1;
                self.legs.push_back((offset, leg));
            }
            Err(error) => {
                self.depth.fetch_sub(1, Ordering::Relaxed);
                let why = format!(
                    "the leg at offset {offset} can't be taken: {}",
                    with_sources(&error)
                );
                tracing::error!(partition = self.number, why, "it is not served any more");
                self.becomes(State::Blocked(why.clone()));
                self.bad_leg = Some(why);
            }
        }
        None
    }

    fn leg(&self, value: &[u8]) -> Result<Leg, Unfit> {
        let leg: Leg = self.codec.read(value)?;
        self.belongs(&leg.account)?;
        Ok(leg)
    }

    /// Whether an account belongs into this partition.
    fn belongs(&self, account: &AccountId) -> Result<(), Unfit> {
        let belongs = self.bank.partition_of(account);
        if belongs == self.number {
            return Ok(());
        }
        Err(Unfit::Misplaced {
            account: account.clone(),
            belongs,
        })
    }

    fn write(&self, written: Option<Written>, records: &mut Vec<Record>) {
        let Some(Written { event, leg }) = written else {
            return;
        };
        let key = event.account.to_string();
        // Numbers and checked names: there is nothing in them that JSON could not say.
        if let Ok(value) = self.codec.write(&event) {
            records.push(Record {
                topic: self.bank.cluster.events(),
                partition: self.number,
                key,
                value,
            });
        }
        if let Some(leg) = leg
            && let Ok(value) = self.codec.write(&leg)
        {
            let partition = self.bank.partition_of(&leg.account);
            let key = leg.account.to_string();
            records.push(Record {
                topic: self.bank.cluster.legs(),
                partition,
                key,
                value,
            });
        }
    }

    fn tell(&self, window: &mut Window<Waiter>) {
        for (waiter, told) in window.committed() {
            add(
                if told.is_ok() {
                    &self.bank.metrics.done
                } else {
                    &self.bank.metrics.refused
                },
                1,
            );
            // Whoever has gone may ask again.
            let _ = waiter.send(Reply::Told(told));
        }
    }

    fn not_done(&self, waiters: Vec<Waiter>, reply: fn(String) -> Reply, why: &str) {
        for waiter in waiters {
            let reply = reply(why.to_owned());
            let counter = match reply {
                Reply::Unknown(_) => &self.bank.metrics.unknown,
                Reply::NotDone(_) | Reply::Told(_) => &self.bank.metrics.not_done,
            };
            add(counter, 1);
            let _ = waiter.send(reply);
        }
    }
}

pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// An error and what it comes from, in one line.
pub(super) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
