//! Consumers of the run: they note in the ledgers when each record first arrived.
//!
//! Invariant: a record is counted as received once, however often it is delivered; redeliveries are counted
//! beside it. Receivers verify stamps and drop the rest of a value.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use highwater_model::{RecordId, RunId};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;

use crate::client_event::{ClientEvent, ClientEventKind, EventLog};
use crate::delivery::kind_of_log;
use crate::ledger::Received;
use crate::stamp::{self, Stamped};
use crate::{Clock, Ledger, LoadError, admin, settings};

/// Most consumers of a run: each takes a thread and a client with its own.
pub const MAX_CONSUMERS: u32 = 256;

/// How often a consumer without records looks whether it should stop.
const POLL: Duration = Duration::from_millis(250);
/// How long the number of partitions may take to find out.
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);
/// Leaving a group that is there takes milliseconds.
const LEAVE_LIMIT: Duration = Duration::from_secs(3);
/// How often it is looked whether they have left.
const LEAVE_LOOK: Duration = Duration::from_millis(2);

/// What consumers have seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReceiverCounts {
    /// Records received for the first time.
    pub received: u64,
    /// Deliveries of records that had been received before.
    pub redelivered: u64,
    /// Values with a damaged stamp.
    pub corrupt: u64,
    /// Values that are no record of this run, or one that was never offered.
    pub foreign: u64,
    /// Records that seem to have arrived before they were due.
    pub negative_latencies: u64,
}

/// Running consumers. Dropping them stops them.
pub struct Receivers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    partitions: usize,
}

struct Shared {
    run: RunId,
    clock: Clock,
    ledgers: Vec<Arc<Ledger>>,
    events: Arc<EventLog>,
    run_stop: Arc<AtomicBool>,
    stop: AtomicBool,
    received: AtomicU64,
    redelivered: AtomicU64,
    corrupt: AtomicU64,
    foreign: AtomicU64,
    negative_latencies: AtomicU64,
    /// Partitions that each consumer owns.
    owned: Vec<AtomicUsize>,
    fatal: OnceLock<String>,
}

impl Receivers {
    /// Starts consumers in one group; `ledgers` are those of the run's producers. They read until `stop` is set
    /// or they are stopped.
    ///
    /// # Errors
    /// No such topic, no broker, settings that the client library refuses.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a part of the run that already exists"
    )]
    pub fn start(
        bootstrap: &str,
        topic: &str,
        run: RunId,
        clock: Clock,
        ledgers: Vec<Arc<Ledger>>,
        consumers: u32,
        group: &str,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, LoadError> {
        let consumers = consumers.clamp(1, MAX_CONSUMERS);
        let partitions = admin::partitions(bootstrap, topic, METADATA_TIMEOUT)?.len();
        let shared = Arc::new(Shared {
            run,
            clock,
            ledgers,
            events: Arc::new(EventLog::new(clock)),
            run_stop: stop,
            stop: AtomicBool::new(false),
            received: AtomicU64::new(0),
            redelivered: AtomicU64::new(0),
            corrupt: AtomicU64::new(0),
            foreign: AtomicU64::new(0),
            negative_latencies: AtomicU64::new(0),
            owned: (0..consumers).map(|_| AtomicUsize::new(0)).collect(),
            fatal: OnceLock::new(),
        });
        let mut receivers = Self {
            shared,
            threads: Vec::new(),
            partitions,
        };
        for index in 0..consumers {
            let consumer = receivers.consumer(bootstrap, topic, group, index)?;
            let shared = Arc::clone(&receivers.shared);
            let handle = thread::Builder::new()
                .name(format!("receive-{index}"))
                .spawn(move || shared.receive(&consumer))
                .map_err(LoadError::Thread)?;
            receivers.threads.push(handle);
        }
        Ok(receivers)
    }

    fn consumer(
        &self,
        bootstrap: &str,
        topic: &str,
        group: &str,
        index: u32,
    ) -> Result<BaseConsumer<Membership>, LoadError> {
        let client = format!("highwater-consumer-{index}");
        let context = Membership {
            client: client.clone(),
            index: index as usize,
            shared: Arc::clone(&self.shared),
        };
        let consumer: BaseConsumer<_> = settings::group_consumer(bootstrap, &client, group)
            .create_with_context(context)
            .map_err(LoadError::of_client)?;
        consumer.subscribe(&[topic]).map_err(|source| LoadError::Topic {
            action: "subscription",
            topic: topic.to_owned(),
            source,
        })?;
        Ok(consumer)
    }

    /// What has been seen so far.
    #[must_use]
    pub fn counts(&self) -> ReceiverCounts {
        let shared = &self.shared;
        ReceiverCounts {
            received: shared.received.load(Relaxed),
            redelivered: shared.redelivered.load(Relaxed),
            corrupt: shared.corrupt.load(Relaxed),
            foreign: shared.foreign.load(Relaxed),
            negative_latencies: shared.negative_latencies.load(Relaxed),
        }
    }

    /// True while every partition of the topic has an owner in the group.
    #[must_use]
    pub fn assigned(&self) -> bool {
        let owned: usize = self.shared.owned.iter().map(|owned| owned.load(Relaxed)).sum();
        owned >= self.partitions
    }

    /// What the clients reported about themselves, oldest first.
    #[must_use]
    pub fn client_events(&self) -> Vec<ClientEvent> {
        self.shared.events.all()
    }

    /// Why a consumer can't go on, if one can't.
    #[must_use]
    pub fn fatal(&self) -> Option<String> {
        self.shared.fatal.get().cloned()
    }

    /// Stops the consumers: they commit what they have read and leave the group. A cluster that does not answer
    /// any more can hold a client for most of a minute; it is left to itself after `LEAVE_LIMIT`.
    pub fn stop(&mut self) {
        self.shared.stop.store(true, Relaxed);
        let limit = Instant::now() + LEAVE_LIMIT;
        for handle in self.threads.drain(..) {
            while !handle.is_finished() && Instant::now() < limit {
                thread::sleep(LEAVE_LOOK);
            }
            if handle.is_finished() && handle.join().is_err() {
                self.shared
                    .fatal
                    .get_or_init(|| "a receiving thread panicked".to_owned());
            }
        }
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn receive(&self, consumer: &BaseConsumer<Membership>) {
        while !self.stop.load(Relaxed) && !self.run_stop.load(Relaxed) {
            match consumer.poll(POLL) {
                Some(Ok(message)) => self.note(message.payload().unwrap_or_default()),
                Some(Err(error)) => self.note_error(&consumer.context().client, &error),
                None => {}
            }
        }
    }

    fn note(&self, value: &[u8]) {
        let at_ns = self.clock.now_ns();
        match stamp::find(value, self.run) {
            Stamped::Record { id, .. } => self.note_record(id, at_ns),
            Stamped::Foreign => add(&self.foreign),
            Stamped::Corrupt(_) => add(&self.corrupt),
        }
    }

    fn note_record(&self, id: RecordId, at_ns: u64) {
        let ledger = self
            .ledgers
            .iter()
            .find(|ledger| ledger.producer() == id.producer);
        match ledger.map_or(Received::Unheard, |ledger| {
            ledger.mark_received(id.sequence, at_ns)
        }) {
            Received::First { before_intent } => {
                add(&self.received);
                if before_intent {
                    add(&self.negative_latencies);
                }
            }
            Received::Again => add(&self.redelivered),
            Received::Unheard => add(&self.foreign),
        }
    }

    fn note_error(&self, client: &str, error: &KafkaError) {
        let kind = match error {
            KafkaError::MessageConsumptionFatal(_) => {
                self.fatal.get_or_init(|| format!("{client}: {error}"));
                ClientEventKind::Fatal
            }
            KafkaError::MessageConsumption(
                RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown,
            ) => ClientEventKind::Connection,
            _ => ClientEventKind::Warning,
        };
        self.events.report(kind, format!("{client}: {error}"));
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// Where a consumer's client reports to.
struct Membership {
    client: String,
    index: usize,
    shared: Arc<Shared>,
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        tracing::debug!(target: "librdkafka", client = self.client, ?level, facility, text);
        let text = format!("{}: {text}", self.client);
        self.shared.events.report(kind_of_log(facility), text);
    }

    fn error(&self, _: KafkaError, _: &str) {
        // The same error comes out of the poll.
    }
}

impl ConsumerContext for Membership {
    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, _: &Rebalance<'_>) {
        let owned = consumer.assignment().map_or(0, |partitions| partitions.count());
        self.shared.owned[self.index].store(owned, Relaxed);
    }
}
