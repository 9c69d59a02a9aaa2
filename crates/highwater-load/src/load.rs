//! A load: producers that offer records, each with a thread that offers and one that polls.
//!
//! Invariant: after [`Load::drain`] every record that was due has an outcome: due = acknowledged + failed +
//! unknown.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use highwater_measure::histogram::IntervalSummary;
use highwater_model::ThrottleSample;
use rdkafka::producer::{BaseProducer, Producer, PurgeConfig};

use crate::client_event::{ClientEvent, EventLog};
use crate::connecting::Connecting;
use crate::delivery::Delivery;
use crate::interval::LastLook;
use crate::keys::KeyChoice;
use crate::ledger::MAX_RECORDS;
use crate::offer::{Offer, ProducerSpec};
use crate::offering::{Ending, Offering, Pace};
use crate::progress::Progress;
use crate::settings::{self, Codec};
use crate::throttle::Throttles;
use crate::traffic::{Traffic, TrafficCounters};
use crate::value::ValuePool;
use crate::{Clock, Ledger, LoadError};

/// The polling thread looks this often whether it is still needed. The client library spins for the last
/// fraction of a millisecond of each wait, so this is not short.
const POLL: Duration = Duration::from_millis(250);
/// How often a draining load looks whether it is done.
const DRAIN_LOOK: Duration = Duration::from_millis(1);
/// How long the client may take to report what was purged.
const PURGE_LIMIT: Duration = Duration::from_secs(2);

/// Live figures over all producers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that have been due.
    pub due: u64,
    /// Records that a client took.
    pub handed_over: u64,
    /// Acknowledged.
    pub acknowledged: u64,
    /// Certainly not in the log.
    pub failed: u64,
    /// May be in the log or not.
    pub unknown: u64,
    /// Records that a client has and that have no outcome.
    pub in_flight: u64,
    /// Age of the oldest record that is due and has no outcome; 0 if there is none.
    pub oldest_pending_ns: u64,
}

/// How a load ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// How long it took.
    pub took: Duration,
    /// True if every record got its outcome from its client, and none because the limit was reached.
    pub complete: bool,
    /// Records that had to be given up, handed over or not.
    pub given_up: u64,
}

/// A running load. Dropping it ends it without waiting for deliveries.
pub struct Load {
    workers: Vec<Worker>,
    ending: Arc<Ending>,
    events: Arc<EventLog>,
    fatal: Arc<OnceLock<String>>,
    clock: Clock,
    last_look: Mutex<LastLook>,
}

struct Worker {
    client: Arc<BaseProducer<Delivery>>,
    progress: Arc<Progress>,
    offering: Option<JoinHandle<()>>,
    /// The threads that end with the load: polling, connecting.
    others: Vec<JoinHandle<()>>,
}

impl Load {
    /// Creates the clients and their ledgers, so that consumers can be given the ledgers before the first record
    /// is offered.
    ///
    /// # Errors
    /// Figures that can't be offered, settings that the client library refuses. That no broker answers is not an
    /// error here: records will tell.
    pub fn prepare(offer: &Offer) -> Result<Self, LoadError> {
        offer.check()?;
        let mut load = Self {
            workers: Vec::new(),
            ending: Arc::new(Ending::default()),
            events: Arc::new(EventLog::new(offer.clock)),
            fatal: Arc::new(OnceLock::new()),
            clock: offer.clock,
            last_look: Mutex::new(LastLook::new(offer.producers.len())),
        };
        for spec in &offer.producers {
            let worker = load.worker(offer, spec)?;
            load.workers.push(worker);
        }
        Ok(load)
    }

    /// Starts the threads. The schedule begins at `start_at_ns` on the clock of the run; a few hundred
    /// milliseconds before it let clients connect first.
    ///
    /// # Errors
    /// A thread can't be started.
    pub fn start(&mut self, offer: &Offer, start_at_ns: u64) -> Result<(), LoadError> {
        for (place, spec) in offer.producers.iter().enumerate() {
            self.start_threads(place, offer, spec, start_at_ns)?;
        }
        Ok(())
    }

    fn worker(&self, offer: &Offer, spec: &ProducerSpec) -> Result<Worker, LoadError> {
        let name = format!("highwater-producer-{}", spec.index);
        let progress = Arc::new(Progress::new(offer.clock, spec.index));
        let context = Delivery {
            client: name.clone(),
            progress: Arc::clone(&progress),
            events: Arc::clone(&self.events),
            traffic: TrafficCounters::default(),
            throttles: Throttles::default(),
            fatal: Arc::clone(&self.fatal),
        };
        let client = settings::producer(&offer.bootstrap, &name, &spec.client)
            .create_with_context(context)
            .map_err(LoadError::of_client)?;
        Ok(Worker {
            client: Arc::new(client),
            progress,
            offering: None,
            others: Vec::new(),
        })
    }

    fn start_threads(
        &mut self,
        place: usize,
        offer: &Offer,
        spec: &ProducerSpec,
        start_at_ns: u64,
    ) -> Result<(), LoadError> {
        let worker = &mut self.workers[place];
        let ending = Arc::clone(&self.ending);
        let client = Arc::clone(&worker.client);
        let poll = move || {
            while !ending.over.load(Relaxed) {
                client.poll(POLL);
            }
        };
        worker.others.push(thread(&format!("poll-{}", spec.index), poll)?);

        let connecting = Connecting {
            client: Arc::clone(&worker.client),
            progress: Arc::clone(&worker.progress),
            topic: offer.topic.clone(),
            ending: Arc::clone(&self.ending),
        };
        let connect = move || connecting.run();
        worker
            .others
            .push(thread(&format!("connect-{}", spec.index), connect)?);

        let offering = Offering {
            client: Arc::clone(&worker.client),
            progress: Arc::clone(&worker.progress),
            events: Arc::clone(&self.events),
            topic: offer.topic.clone(),
            start_at_ns,
            records_limit: spec.records_limit.unwrap_or(MAX_RECORDS),
            room: spec.room(),
            keys: KeyChoice::new(spec.keys, spec.seed ^ u64::from(spec.index)),
            values: ValuePool::new(
                spec.values,
                spec.compressibility,
                spec.client.compression != Codec::None,
                offer.run,
                spec.index,
                spec.seed,
            ),
            run_stop: Arc::clone(&offer.stop),
            ending: Arc::clone(&self.ending),
            cursor: 0,
            key_of: None,
        };
        let pace = if spec.schedule.is_saturating() {
            Pace::Saturating(spec.schedule.duration())
        } else {
            Pace::Scheduled(spec.schedule.due_times(spec.index % spec.of, spec.of, spec.seed))
        };
        let offer_all = move || offering.run(pace);
        worker.offering = Some(thread(&format!("offer-{}", spec.index), offer_all)?);
        Ok(())
    }

    /// Live figures.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let now_ns = self.clock.now_ns();
        for Worker { progress, .. } in &self.workers {
            // Read from the end of a record's way to its start, so that no sum exceeds its whole.
            counts.acknowledged += progress.acknowledged();
            counts.failed += progress.failed();
            counts.unknown += progress.unknown();
            counts.in_flight += progress.in_flight();
            counts.handed_over += progress.handed_over.get();
            counts.due += progress.ledger.len();
            let age_ns = progress
                .oldest_pending_intent()
                .map_or(0, |intended_ns| now_ns.saturating_sub(intended_ns));
            counts.oldest_pending_ns = counts.oldest_pending_ns.max(age_ns);
        }
        counts
    }

    /// Response times of the acknowledgements since the last call.
    pub fn take_interval(&self) -> IntervalSummary {
        let mut look = self.last_look.lock().unwrap_or_else(PoisonError::into_inner);
        look.take(self.workers.iter().map(|worker| worker.progress.responses()))
    }

    /// True once nothing more becomes due.
    #[must_use]
    pub fn offering_done(&self) -> bool {
        let done = |worker: &Worker| worker.progress.offering_done.load(Relaxed);
        self.workers.iter().all(done)
    }

    /// Lets nothing more become due. What is due already is still handed over.
    pub fn stop_offering(&self) {
        self.ending.stop_offering.store(true, Relaxed);
    }

    /// Stops offering and waits until every record has an outcome. What has none after `limit`, or when
    /// `interrupted` is set, is given up: [`Unknown`](highwater_model::Outcome::Unknown) if a client had it,
    /// else [`Failed`](highwater_model::Outcome::Failed).
    pub fn drain(&mut self, limit: Duration, interrupted: &AtomicBool) -> Drained {
        let start = Instant::now();
        self.stop_offering();
        let waits = |load: &Self| start.elapsed() < limit && !interrupted.load(Relaxed) && load.pending() > 0;
        // Until its thread has noticed, a producer may still add a record.
        let offers = |load: &Self| load.is_started() && !load.offering_done();
        while waits(self) || offers(self) {
            thread::sleep(DRAIN_LOOK);
        }
        let given_up = self.pending();
        self.ending.abandon.store(true, Relaxed);
        self.join_offering();
        if given_up > 0 {
            self.purge();
        }
        for worker in &self.workers {
            worker.progress.settle_the_rest();
        }
        self.ending.over.store(true, Relaxed);
        Drained {
            took: start.elapsed(),
            complete: given_up == 0,
            given_up,
        }
    }

    fn is_started(&self) -> bool {
        self.workers.iter().all(|worker| worker.offering.is_some())
    }

    fn pending(&self) -> u64 {
        self.workers.iter().map(|worker| worker.progress.pending()).sum()
    }

    /// Makes the clients report everything that they still have.
    fn purge(&self) {
        for worker in &self.workers {
            worker.client.purge(PurgeConfig::default().queue().inflight());
        }
        let start = Instant::now();
        let held = || self.workers.iter().any(|worker| worker.progress.in_flight() > 0);
        while held() && start.elapsed() < PURGE_LIMIT {
            thread::sleep(DRAIN_LOOK);
        }
    }

    /// The ledgers in the order of the producers.
    #[must_use]
    pub fn ledgers(&self) -> Vec<Arc<Ledger>> {
        let ledger = |worker: &Worker| Arc::clone(&worker.progress.ledger);
        self.workers.iter().map(ledger).collect()
    }

    /// What clients reported about themselves, oldest first; at most
    /// [`MAX_CLIENT_EVENTS`](crate::MAX_CLIENT_EVENTS).
    #[must_use]
    pub fn client_events(&self) -> Vec<ClientEvent> {
        self.events.all()
    }

    /// Why the load can't go on, if it can't.
    #[must_use]
    pub fn fatal(&self) -> Option<String> {
        self.fatal.get().cloned()
    }

    /// Bytes sent so far, at most a second old.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let read = |worker: &Worker| worker.client.context().traffic.read();
        self.workers
            .iter()
            .map(read)
            .fold(Traffic::default(), Traffic::plus)
    }

    /// What brokers told the producers about throttling so far, in order of time; at most a second old.
    #[must_use]
    pub fn throttles(&self) -> Vec<ThrottleSample> {
        let read = |worker: &Worker| worker.client.context().throttles.all();
        let mut all: Vec<ThrottleSample> = self.workers.iter().flat_map(read).collect();
        all.sort_by_key(|one| (one.at_ns, one.node));
        all
    }

    fn join_offering(&mut self) {
        for worker in &mut self.workers {
            let Some(handle) = worker.offering.take() else {
                continue;
            };
            if handle.join().is_err() {
                self.fatal
                    .get_or_init(|| "an offering thread panicked".to_owned());
            }
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop_offering();
        self.ending.abandon.store(true, Relaxed);
        self.ending.over.store(true, Relaxed);
        self.join_offering();
        for worker in &mut self.workers {
            for handle in worker.others.drain(..) {
                // A panic there has been printed, and there is nobody to tell any more.
                drop(handle.join());
            }
        }
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LoadError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(LoadError::Thread)
}
