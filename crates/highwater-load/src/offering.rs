//! The thread that hands records to a client when they are due.
//!
//! ```text
//!  schedule ──due──▶ ledger ──cursor──▶ client's queue ──▶ broker
//!                      ▲                     │ full: the cursor waits, the schedule goes on
//! ```
//!
//! Invariant: a record gets its row when it is due, whatever the client does; nothing that happens moves the
//! intent of a later one. There is no spinning: the thread sleeps until the next record is due, but at least
//! [`SHORTEST_SLEEP`], and then hands over everything that has become due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use highwater_measure::DueTimes;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::client_event::{ClientEventKind, EventLog};
use crate::delivery::Delivery;
use crate::keys::KeyChoice;
use crate::progress::Progress;
use crate::value::ValuePool;

/// Fewer wake-ups cost less, and half a millisecond of slip stays far below what is told as one.
const SHORTEST_SLEEP: Duration = Duration::from_micros(500);
/// A request to stop is seen at least this often.
const LONGEST_SLEEP: Duration = Duration::from_millis(20);
/// Records between two looks at the clock of the schedule while a backlog is handed over.
const BURST: usize = 256;
/// How long a saturating load waits for room in a queue that is deep enough to go on meanwhile.
const ROOM_SLEEP: Duration = Duration::from_millis(1);
/// The same where the queue would run dry.
const SHALLOW_ROOM_SLEEP: Duration = Duration::from_micros(100);
/// Records that a fast client sends within a few milliseconds.
const SHALLOW_QUEUE: u64 = 20_000;
/// Pause of a saturating load after a record that the client refuses, so that it does not only count refusals.
const REFUSED_SLEEP: Duration = Duration::from_millis(10);

/// The ways to end a load, shared by all its threads.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// Nothing more becomes due; what is due is still handed over.
    pub(crate) stop_offering: AtomicBool,
    /// What is not handed over is given up.
    pub(crate) abandon: AtomicBool,
    /// Nobody waits for a delivery any more.
    pub(crate) over: AtomicBool,
}

/// When records are due.
pub(crate) enum Pace {
    /// At these times after the start of the load.
    Scheduled(DueTimes),
    /// Whenever the client has room, for as long as this.
    Saturating(Duration),
}

/// Everything one producer needs to offer its records.
pub(crate) struct Offering {
    pub(crate) client: Arc<BaseProducer<Delivery>>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) events: Arc<EventLog>,
    pub(crate) topic: String,
    pub(crate) start_at_ns: u64,
    pub(crate) records_limit: u64,
    /// Records that fit into the client's queue.
    pub(crate) room: u64,
    pub(crate) keys: KeyChoice,
    pub(crate) values: ValuePool,
    pub(crate) run_stop: Arc<AtomicBool>,
    pub(crate) ending: Arc<Ending>,
    /// First record that the client has not taken.
    pub(crate) cursor: u64,
    /// The record whose key was chosen last: a record keeps its key while it waits.
    pub(crate) key_of: Option<u64>,
}

/// What became of an attempt to hand a record over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    Taken,
    Full,
    Refused,
}

impl Offering {
    /// Offers everything; returns when all is handed over or given up.
    pub(crate) fn run(mut self, pace: Pace) {
        match pace {
            Pace::Scheduled(due_times) => self.offer_scheduled(due_times),
            Pace::Saturating(duration) => self.offer_saturating(duration),
        }
        self.progress.offering_done.store(true, Relaxed);
    }

    fn offer_scheduled(&mut self, due_times: DueTimes) {
        let start_at_ns = self.start_at_ns;
        let mut due = due_times
            .map(|after| start_at_ns.saturating_add(after))
            .take(usize::try_from(self.records_limit).unwrap_or(usize::MAX))
            .peekable();
        let mut offering = true;
        loop {
            let now_ns = self.progress.clock.now_ns();
            while offering && let Some(intended_ns) = due.next_if(|intended_ns| *intended_ns <= now_ns) {
                offering = self.add(intended_ns).is_some();
            }
            if !offering || due.peek().is_none() || self.must_stop() {
                offering = false;
                self.progress.offering_done.store(true, Relaxed);
            }
            let attempt = self.hand_over_burst();
            let waiting = self.cursor < self.progress.ledger.len();
            if (!waiting && !offering) || self.ending.abandon.load(Relaxed) {
                return;
            }
            if waiting && attempt != Attempt::Full {
                continue;
            }
            let next = match due.peek() {
                Some(intended_ns) if offering => self.progress.clock.until(*intended_ns),
                _ => LONGEST_SLEEP,
            };
            let longest = if waiting { ROOM_SLEEP } else { LONGEST_SLEEP };
            thread::sleep(next.clamp(SHORTEST_SLEEP, longest));
        }
    }

    /// Hands over what is due, up to a burst.
    fn hand_over_burst(&mut self) -> Attempt {
        let waiting = self.progress.ledger.len() - self.cursor;
        let burst = waiting.min(BURST as u64);
        if burst > 0 && self.progress.in_flight() >= self.room {
            return Attempt::Full;
        }
        for _ in 0..burst {
            let now_ns = self.progress.clock.now_ns();
            if self.hand_over_next(now_ns) == Attempt::Full {
                return Attempt::Full;
            }
        }
        Attempt::Taken
    }

    fn offer_saturating(&mut self, duration: Duration) {
        let clock = self.progress.clock;
        while clock.until(self.start_at_ns) > Duration::ZERO && !self.must_stop() {
            thread::sleep(clock.until(self.start_at_ns).min(LONGEST_SLEEP));
        }
        let end_ns = self.start_at_ns + u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 2);
        let room_sleep = if self.room < SHALLOW_QUEUE {
            SHALLOW_ROOM_SLEEP
        } else {
            ROOM_SLEEP
        };
        while !self.must_stop() && clock.now_ns() < end_ns && !self.ending.abandon.load(Relaxed) {
            let room = self.room.saturating_sub(self.progress.in_flight());
            match self.offer_burst(room.min(BURST as u64)) {
                Some(Attempt::Taken) => {}
                Some(Attempt::Full) => thread::sleep(room_sleep),
                Some(Attempt::Refused) => thread::sleep(REFUSED_SLEEP),
                None => return,
            }
        }
    }

    /// Offers up to `burst` records now; none when there are no more to offer.
    fn offer_burst(&mut self, burst: u64) -> Option<Attempt> {
        if burst == 0 {
            return Some(Attempt::Full);
        }
        for _ in 0..burst {
            let now_ns = self.progress.clock.now_ns();
            if self.cursor < self.progress.ledger.len() {
                self.progress.ledger.restate_intent(self.cursor, now_ns);
            } else if self.cursor >= self.records_limit {
                return None;
            } else {
                self.add(now_ns)?;
            }
            let attempt = self.hand_over_next(now_ns);
            if attempt != Attempt::Taken {
                return Some(attempt);
            }
        }
        Some(Attempt::Taken)
    }

    /// Gives a record its row; none if the ledger is full.
    fn add(&self, intended_ns: u64) -> Option<u64> {
        let sequence = self.progress.ledger.push_due(intended_ns);
        if sequence.is_none() {
            let text = "the ledger is full; offering ended".to_owned();
            self.events.report(ClientEventKind::Fatal, text);
        }
        sequence
    }

    /// Tries to hand over the record at the cursor.
    fn hand_over_next(&mut self, now_ns: u64) -> Attempt {
        let sequence = self.cursor;
        if self.key_of != Some(sequence) {
            self.keys.next_key();
            self.key_of = Some(sequence);
        }
        let ledger = &self.progress.ledger;
        let intended_ns = ledger.intended_ns(sequence).unwrap_or(now_ns);
        let value = self.values.stamped(sequence, intended_ns);
        let opaque = sequence as usize;
        let mut record = BaseRecord::<[u8], [u8], usize>::with_opaque_to(&self.topic, opaque).payload(value);
        record.key = self.keys.current();
        // Noted before the client has it, so that no acknowledgement can be earlier.
        ledger.hand_over(sequence, now_ns);
        let attempt = match self.client.send(record) {
            Ok(()) => Attempt::Taken,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Attempt::Full,
            Err((error, _)) => {
                let text = format!("record {sequence} refused: {error}");
                self.events.report(ClientEventKind::Delivery, text);
                Attempt::Refused
            }
        };
        match attempt {
            Attempt::Taken => self.progress.handed_over.count(),
            Attempt::Full => ledger.take_back(sequence),
            Attempt::Refused => {
                ledger.take_back(sequence);
                self.progress.fail_before_hand_over(sequence);
            }
        }
        if attempt != Attempt::Full {
            self.cursor += 1;
        }
        attempt
    }

    fn must_stop(&self) -> bool {
        self.ending.stop_offering.load(Relaxed)
            || self.run_stop.load(Relaxed)
            || self.client.context().fatal.get().is_some()
    }
}
