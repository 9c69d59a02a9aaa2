//! The loop: one thread that owns the partitions, and is woken by everybody else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::clock::{Clock, Dice};
use super::committing::Committing;
use super::control::Control;
use super::database::Sink;
use super::error::RunError;
use super::facts::Facts;
use super::flights::Flights;
use super::kept::Kept;
use super::leaving::Leaving;
use super::numbers::Numbers;
use super::pool::{Job, Pool};
use super::reader::{Change, Reader};
use super::sinking::Sinking;
use super::topics::Topography;
use super::windows::Windows;
use super::writer::Writer;
use crate::offset::Resume;
use crate::partition::Partition;
use crate::pipeline::Failure;
use crate::rebalance::Reason;

/// The loop looks around at least this often.
const GLANCE: Duration = Duration::from_millis(50);
/// And this often while a transaction is open, whose end is a matter of time.
const WINDOW_GLANCE: Duration = Duration::from_millis(4);
/// How long one question to a broker may take.
pub(super) const CALL: Duration = Duration::from_secs(2);
/// What went wrong with an assignment is tried again after this time.
const PAUSE: Duration = Duration::from_millis(200);
/// How often the numbers are told.
const TELL: Duration = Duration::from_millis(200);

/// A partition that is ours.
pub(super) struct Assigned {
    /// Tells this assignment from the one before.
    pub(super) id: u64,
    pub(super) core: Partition<Kept>,
    pub(super) paused: bool,
    /// It was read further than what counts; nothing is taken in before it was gone back.
    pub(super) astray: bool,
    /// It goes: what the client knows of its end does not count any more.
    pub(super) leaving: bool,
    /// The first record that was delivered, for one that nothing was ever committed of.
    pub(super) begin: Option<i64>,
    /// Why records failed last, by their offsets.
    pub(super) failures: BTreeMap<i64, Failure>,
    /// Records whose effects were refused together with what was in one batch with them: they are sent alone next.
    pub(super) suspects: BTreeSet<i64>,
    /// Records whose effects no broker takes, found out in a window that was undone.
    pub(super) doomed: BTreeMap<i64, Failure>,
}

pub(super) struct Shell<'a> {
    pub(super) facts: &'a Facts,
    pub(super) control: &'a Control,
    pub(super) pool: &'a Pool,
    pub(super) clock: Clock,
    pub(super) dice: Dice,
    pub(super) reader: Reader,
    pub(super) parked: Reader,
    pub(super) topography: &'a Topography,
    pub(super) writer: Writer,
    pub(super) parts: BTreeMap<i32, Assigned>,
    pub(super) flights: Flights,
    pub(super) windows: Option<Windows>,
    pub(super) sinking: Option<Sinking<'a>>,
    /// Nothing is gone back before, after it could not be.
    pub(super) back_not_before: Duration,
    pub(super) committing: Committing,
    pub(super) leaving: Option<Leaving>,
    pub(super) ends: Ends,
    /// Since when nothing is taken in, as a partition holds enough.
    pub(super) holding: Option<Duration>,
    /// When the producer was replaced last.
    pub(super) replaced: Duration,
    pub(super) numbers: Numbers,
    pub(super) ended: Option<RunError>,
    assignments: u64,
    change: Option<Change>,
    change_not_before: Duration,
    joined: bool,
    stopping: bool,
    told: Duration,
}

/// Ends of partitions that the client has told of, and that were not looked at yet.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) source: bool,
    pub(super) retry: bool,
    pub(super) looked: Duration,
}

impl<'a> Shell<'a> {
    pub(super) fn open(
        facts: &'a Facts,
        control: &'a Control,
        pool: &'a Pool,
        topography: &'a Topography,
        sink: Option<Box<dyn Sink + 'a>>,
    ) -> Result<Self, RunError> {
        let clock = Clock::start();
        let wake = control.wake();
        Ok(Self {
            reader: Reader::open(&facts.consumer, &facts.topics.source, wake, "consumer")?,
            parked: Reader::open(
                &facts.retry_consumer(),
                &facts.topics.retry,
                wake,
                "consumer of the retry topic",
            )?,
            writer: Writer::open(&facts.producer, wake).map_err(|source| RunError::Client {
                client: "producer",
                source,
            })?,
            sinking: sink.map(Sinking::new),
            back_not_before: Duration::ZERO,
            windows: facts.exactly_once.then(|| Windows::new(facts)),
            dice: Dice::new(&clock),
            facts,
            control,
            pool,
            clock,
            topography,
            parts: BTreeMap::new(),
            flights: Flights::default(),
            committing: Committing::default(),
            leaving: None,
            ends: Ends::default(),
            holding: None,
            replaced: Duration::ZERO,
            numbers: Numbers::default(),
            ended: None,
            assignments: 0,
            change: None,
            change_not_before: Duration::ZERO,
            joined: false,
            stopping: false,
            told: Duration::ZERO,
        })
    }

    /// Runs until it is stopped, or cannot go on.
    pub(super) fn run(mut self) -> Result<Numbers, RunError> {
        if !self.initialise() {
            return self.finish();
        }
        self.reader
            .subscribe()
            .map_err(|source| RunError::Consumer { source })?;
        let mut jobs = Vec::new();
        loop {
            let now = self.clock.now();
            self.group(now);
            if self.stopping && self.leaving.is_none() && self.change.is_none() {
                break;
            }
            let busy = self.take_in(now);
            self.results(now);
            self.give_out(now, &mut jobs);
            self.pool.put(&mut jobs);
            self.windows(now);
            self.sink(now);
            self.back_pressure(now);
            self.commits(now);
            self.depart(now);
            if self.broken() {
                break;
            }
            self.tell(now);
            if !busy {
                let limit = self.until_next(now);
                self.control.wake().wait(limit);
            }
        }
        self.finish()
    }

    /// What is left to do when no partition is left, or nothing can be done for them.
    fn finish(mut self) -> Result<Numbers, RunError> {
        self.answer_all();
        self.numbers.windows = self
            .windows
            .as_ref()
            .map_or(0, |windows| windows.window.committed());
        self.control.tell(false, self.numbers.clone());
        self.pool.close();
        if self.windows.is_none() {
            self.writer.settle(CALL);
        }
        match self.ended {
            Some(error) => Err(error),
            None => Ok(self.numbers),
        }
    }

    /// The group gets an answer to what it wanted last: the client waits for it when it is closed.
    fn answer_all(&mut self) {
        if let Some(partitions) = self.leaving.take().and_then(Leaving::unanswered) {
            self.answer(&partitions, false);
        }
        match self.change.take() {
            Some(Change::Assigned(partitions)) => self.answer(&partitions, true),
            Some(Change::Revoked(partitions) | Change::Lost(partitions)) => {
                self.answer(&partitions, false);
            }
            None => {}
        }
    }

    /// Nothing can be committed any more: waiting would be in vain.
    fn broken(&self) -> bool {
        matches!(
            self.ended,
            Some(RunError::Transaction(_) | RunError::Consumer { .. })
        )
    }

    /// What the group wants, one thing after the other, and the way out.
    fn group(&mut self, now: Duration) {
        self.stopping |= self.control.stopping() || self.ended.is_some();
        if self.leaving.is_some() {
            return;
        }
        if self.change.is_none() {
            self.change = self.reader.next_change();
            if let (Some(_), Some(windows)) = (&self.change, &mut self.windows) {
                windows.heard();
            }
        }
        match self.change.take() {
            Some(Change::Assigned(partitions)) => {
                self.joined = true;
                if partitions.is_empty() {
                    // A rebalance that took and gave nothing is answered too.
                    self.answer(&partitions, true);
                } else if now < self.change_not_before || !self.assign(&partitions) {
                    if self.stopping {
                        // It will not be read, only given back.
                        self.answer(&partitions, true);
                        return;
                    }
                    if now >= self.change_not_before {
                        self.change_not_before = now + PAUSE;
                    }
                    self.change = Some(Change::Assigned(partitions));
                }
            }
            Some(Change::Revoked(partitions)) => self.leave(partitions, Reason::Revoked, now),
            Some(Change::Lost(partitions)) => self.leave(partitions, Reason::Lost, now),
            None if self.stopping && !self.parts.is_empty() => {
                let all = self.parts.keys().copied().collect();
                self.leave(all, Reason::Shutdown, now);
            }
            None => {}
        }
    }

    fn answer(&self, partitions: &[i32], assigned: bool) {
        let answered = if assigned {
            let places = partitions.iter().map(|partition| (*partition, None)).collect();
            self.reader.assign(&places)
        } else {
            self.reader.unassign(partitions)
        };
        if let Err(error) = answered {
            tracing::warn!(%error, ?partitions, "a rebalance was not answered");
        }
    }

    /// Takes partitions: where they were committed, what is parked of them, and where the retry topic ends. False:
    /// not yet.
    fn assign(&mut self, partitions: &[i32]) -> bool {
        if let Some(partition) = partitions
            .iter()
            .find(|partition| **partition >= self.facts.retry_partitions)
        {
            self.ended = Some(RunError::Partitions {
                retry: self.facts.topics.retry.clone(),
                has: self.facts.retry_partitions,
                source_topic: self.facts.topics.source.clone(),
                needs: partition + 1,
            });
            return false;
        }
        let places = match self.places(partitions) {
            Ok(places) => places,
            Err(error) => {
                tracing::warn!(%error, ?partitions, "cannot learn where to begin yet");
                return false;
            }
        };
        let source = places
            .iter()
            .map(|(partition, place)| (*partition, place.source.as_ref().map(Resume::offset)))
            .collect();
        let retry = places
            .iter()
            .map(|(partition, place)| (*partition, Some(place.retry.offset())))
            .collect();
        if let Err(error) = self
            .reader
            .assign(&source)
            .and_then(|()| self.parked.assign(&retry))
        {
            tracing::warn!(%error, ?partitions, "cannot take partitions");
        }
        for (partition, place) in places {
            self.assignments += 1;
            let begin = place.source.as_ref().map(Resume::offset);
            let core = Partition::new(
                self.facts.config.clone(),
                place.source.unwrap_or_else(Resume::fresh),
                place.retry,
                place.retry_end,
            );
            self.parts.insert(
                partition,
                Assigned {
                    id: self.assignments,
                    core,
                    paused: false,
                    astray: false,
                    leaving: false,
                    begin,
                    failures: BTreeMap::new(),
                    suspects: BTreeSet::new(),
                    doomed: BTreeMap::new(),
                },
            );
        }
        true
    }

    /// Gives out what may run now.
    fn give_out(&mut self, now: Duration, jobs: &mut Vec<Job>) {
        if self.control.take_resume() {
            for part in self.parts.values_mut() {
                part.core.resume();
            }
        }
        let numbers: Vec<i32> = self.parts.keys().copied().collect();
        for partition in numbers {
            while let Some(part) = self.parts.get_mut(&partition) {
                if part.astray {
                    break;
                }
                let Some(work) = part.core.take(now) else { break };
                let job = Job {
                    partition,
                    assignment: part.id,
                    work,
                };
                match job.work.task {
                    crate::partition::Task::Run => jobs.push(job),
                    _ => self.write(job),
                }
            }
        }
    }

    fn until_next(&mut self, now: Duration) -> Duration {
        let open = self.windows.as_ref().is_some_and(Windows::is_busy)
            || self.sinking.as_ref().is_some_and(Sinking::is_busy);
        let glance = if open { WINDOW_GLANCE } else { GLANCE };
        let due = self
            .parts
            .values_mut()
            .filter(|part| !part.astray)
            .filter_map(|part| part.core.next_due(now))
            .min();
        // Half a millisecond late is late enough to be on time.
        due.map_or(glance, |due| {
            (due.saturating_sub(now) + Duration::from_micros(100)).min(glance)
        })
    }

    fn tell(&mut self, now: Duration) {
        if now.saturating_sub(self.told) < TELL {
            return;
        }
        self.told = now;
        let numbers = &mut self.numbers;
        numbers.partitions = self.parts.len();
        (numbers.paused_partitions, numbers.halted_partitions) = (0, 0);
        (numbers.held, numbers.in_flight, numbers.parked_keys) = (0, 0, 0);
        numbers.oldest_incomplete = Duration::ZERO;
        for part in self.parts.values_mut() {
            numbers.paused_partitions += usize::from(part.paused);
            numbers.halted_partitions += usize::from(part.core.halted().is_some());
            numbers.held += part.core.records();
            numbers.in_flight += part.core.running();
            numbers.parked_keys += part.core.parked_keys();
            let waits = part.core.head_waits(now).unwrap_or_default();
            numbers.oldest_incomplete = numbers.oldest_incomplete.max(waits);
        }
        if let Some(windows) = &self.windows {
            numbers.windows = windows.window.committed();
            numbers.aborted_windows = windows.window.aborted();
        }
        let ready = self.joined && !self.stopping && numbers.halted_partitions == 0;
        self.control.tell(ready, numbers.clone());
    }
}
