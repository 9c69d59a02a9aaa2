//! Works whose effects are on their way to the broker, and works that came back.

use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::database::AnyRow;
use super::error::RunError;
use super::letters;
use super::pool::{Handled, Job};
use super::shell::{CALL, Shell};
use super::writer::{self, Piece, Writer};
use crate::partition::{Finished, Outcome, Task};
use crate::pipeline::{Failure, Made};
use crate::retry::ErrorClass;

/// An effect that could not be delivered is made again after this time.
const AGAIN: Duration = Duration::from_secs(1);

struct Flight {
    job: Job,
    left: usize,
    error: Option<KafkaError>,
}

/// Works by the number that their records carry.
#[derive(Default)]
pub(super) struct Flights {
    places: Vec<Option<Flight>>,
    free: Vec<usize>,
}

impl Flights {
    fn begin(&mut self, job: Job, left: usize) -> usize {
        let flight = Some(Flight {
            job,
            left,
            error: None,
        });
        if let Some(place) = self.free.pop() {
            self.places[place] = flight;
            return place;
        }
        self.places.push(flight);
        self.places.len() - 1
    }

    /// One record of a work was reported; the work, when it was the last.
    fn landed(&mut self, place: usize, result: Result<(), KafkaError>) -> Option<(Job, Option<KafkaError>)> {
        let flight = self.places.get_mut(place)?.as_mut()?;
        flight.left -= 1;
        if let Err(error) = result {
            flight.error.get_or_insert(error);
        }
        if flight.left > 0 {
            return None;
        }
        self.free.push(place);
        self.places[place].take().map(|flight| (flight.job, flight.error))
    }
}

impl Shell<'_> {
    /// What handlers gave, and what the broker acknowledged.
    pub(super) fn results(&mut self, now: Duration) {
        for Handled { job, result } in self.pool.handled() {
            match result {
                Ok(Made { rows: Some(row), .. }) => self.row(job, row, now),
                Ok(Made { records, rows: None }) => {
                    let pieces = records
                        .into_iter()
                        .map(|record| Piece {
                            topic: record.topic,
                            partition: None,
                            key: record.key,
                            value: record.value,
                            headers: None,
                        })
                        .collect();
                    self.effect(job, pieces, now);
                }
                Err(failure) => self.failed(job, failure, now),
            }
        }
        self.writer.go_on();
        let mut fatal = false;
        for (place, result) in self.writer.reports() {
            fatal |= matches!(
                result,
                Err(KafkaError::MessageProduction(RDKafkaErrorCode::Fatal))
            );
            self.report(place, result, now);
        }
        if fatal && self.windows.is_none() {
            self.replace_writer(now);
        }
    }

    fn report(&mut self, place: usize, result: Result<(), KafkaError>, now: Duration) {
        if self.windows.is_some() {
            self.window_report(place, result, now);
            return;
        }
        match self.flights.landed(place, result) {
            Some((job, None)) => self.done(job, now),
            Some((job, Some(error))) => self.undelivered(job, &error, now),
            None => {}
        }
    }

    /// Writes a retry record or a dead letter.
    pub(super) fn write(&mut self, job: Job) {
        let failure = self
            .parts
            .get(&job.partition)
            .and_then(|part| part.failures.get(&job.work.offset));
        let piece = match job.work.task {
            Task::Park => letters::retry_record(self.facts, job.partition, &job.work, failure),
            Task::DeadLetter(_) | Task::Run => {
                letters::dead_letter(self.facts, job.partition, &job.work, failure)
            }
        };
        let now = self.clock.now();
        self.effect(job, vec![piece], now);
    }

    /// A row waits for the next transaction of the database.
    fn row(&mut self, job: Job, row: AnyRow, now: Duration) {
        if !self.is_current(&job) {
            self.numbers.stale += 1;
            return;
        }
        let doom = self
            .parts
            .get(&job.partition)
            .and_then(|part| part.doomed.get(&job.work.offset))
            .cloned();
        match doom {
            Some(failure) => self.failed(job, failure, now),
            None => self.put_row(job, row, now),
        }
    }

    /// Makes an effect: in a window when there are windows, and only while it is asked for.
    fn effect(&mut self, job: Job, pieces: Vec<Piece>, now: Duration) {
        if !self.is_current(&job) {
            self.numbers.stale += 1;
            return;
        }
        let doom = self
            .parts
            .get(&job.partition)
            .filter(|_| job.work.task == Task::Run);
        if let Some(failure) = doom.and_then(|part| part.doomed.get(&job.work.offset)).cloned() {
            self.failed(job, failure, now);
            return;
        }
        if let Some(windows) = &mut self.windows {
            windows.waiting.push_back((job, pieces));
            return;
        }
        if pieces.is_empty() {
            self.done(job, now);
            return;
        }
        let alone = self.is_suspect(&job);
        let place = self.flights.begin(job, pieces.len());
        for piece in pieces {
            let sent = alone.then(|| self.writer.send_alone(place, &piece, CALL));
            // What cannot be sent alone now is sent with others, and comes back here if they are refused.
            if !matches!(sent, Some(Ok(()))) {
                self.writer.send(place, piece);
            }
        }
    }

    /// Whether its effect was refused before, perhaps for what was in one batch with it.
    pub(super) fn is_suspect(&self, job: &Job) -> bool {
        self.parts
            .get(&job.partition)
            .is_some_and(|part| part.suspects.contains(&job.work.offset))
    }

    pub(super) fn is_current(&self, job: &Job) -> bool {
        self.parts
            .get(&job.partition)
            .is_some_and(|part| part.id == job.assignment && part.core.is_current(&job.work))
    }

    /// The effect is safe, or in the open window.
    pub(super) fn done(&mut self, job: Job, now: Duration) {
        self.back(job, Outcome::Done, None, now);
    }

    fn failed(&mut self, job: Job, failure: Failure, now: Duration) {
        self.numbers.failed += 1;
        self.back(job, Outcome::Failed(failure.class()), Some(failure), now);
    }

    /// An effect that was not delivered is no failure of its record, unless it never can be.
    fn undelivered(&mut self, job: Job, error: &KafkaError, now: Duration) {
        self.numbers.unwritten += 1;
        tracing::warn!(partition = job.partition, offset = job.work.offset, %error, "not delivered");
        match job.work.task {
            Task::Run if writer::is_poison(error) && self.is_suspect(&job) => {
                self.failed(job, Failure::poison(error.clone()), now);
            }
            Task::Run => {
                if self.is_current(&job)
                    && let Some(part) = self.parts.get_mut(&job.partition)
                {
                    let mut again = now + AGAIN;
                    if writer::is_poison(error) {
                        part.suspects.insert(job.work.offset);
                        again = now;
                    }
                    part.core.postpone(job.work, again);
                }
            }
            Task::Park | Task::DeadLetter(_) => {
                if writer::is_poison(error)
                    && self.is_current(&job)
                    && let Some(part) = self.parts.get_mut(&job.partition)
                {
                    part.suspects.insert(job.work.offset);
                }
                self.back(job, Outcome::Failed(ErrorClass::Transient), None, now);
            }
        }
    }

    /// A producer that failed for good is replaced. What was on its way comes back as not delivered.
    fn replace_writer(&mut self, now: Duration) {
        if now < self.replaced + AGAIN {
            return;
        }
        self.replaced = now;
        tracing::error!("the producer failed for good; it is replaced");
        match Writer::open(&self.facts.producer, self.control.wake()) {
            Ok(new) => {
                let old = std::mem::replace(&mut self.writer, new);
                for (place, result) in old.end(&mut self.writer) {
                    self.report(place, result, now);
                }
            }
            Err(error) => tracing::error!(%error, "no new producer"),
        }
    }

    /// A record whose effect no broker takes.
    pub(super) fn poisoned(&mut self, job: Job, error: &KafkaError, now: Duration) {
        self.failed(job, Failure::poison(error.clone()), now);
    }

    fn back(&mut self, job: Job, outcome: Outcome, failure: Option<Failure>, now: Duration) {
        if !self.is_current(&job) {
            self.numbers.stale += 1;
            return;
        }
        let Some(part) = self.parts.get_mut(&job.partition) else {
            return;
        };
        let (offset, task) = (job.work.offset, job.work.task);
        let message = failure
            .as_ref()
            .and_then(|failure| failure.chain().first().cloned());
        match part.core.finish(job.work, outcome, now, self.dice.roll()) {
            Finished::Completed => {
                part.failures.remove(&offset);
                if self.windows.is_none() {
                    part.suspects.remove(&offset);
                }
                match task {
                    Task::DeadLetter(_) => self.numbers.dead_letters += 1,
                    _ => self.numbers.completed += 1,
                }
            }
            Finished::Parked { .. } => {
                part.failures.remove(&offset);
                self.numbers.parked += 1;
            }
            Finished::Retries { .. } => {}
            Finished::WillPark { .. } | Finished::WillGiveUp(_) => {
                part.failures.extend(failure.map(|failure| (offset, failure)));
            }
            Finished::Halted(alert) => {
                part.failures.extend(failure.map(|failure| (offset, failure)));
                tracing::error!(partition = job.partition, %alert, "halted");
            }
            Finished::Unwritten(alert) => {
                tracing::error!(partition = job.partition, offset, %alert, "unwritten");
            }
            Finished::Stopped => {
                self.ended.get_or_insert_with(|| RunError::Handler {
                    topic: self.facts.topics.source.clone(),
                    partition: job.partition,
                    offset,
                    message: message.unwrap_or_default(),
                });
            }
            Finished::Stale => self.numbers.stale += 1,
        }
    }
}
