//! What brokers say of themselves beside a load, once a second, over connections of its own.
//!
//! ```text
//! Watch ─┬─ Metadata ─▶ any broker that answers: leaders, epochs, in-sync replicas of one topic
//!        └─ canary, a thread for each broker: one small question, timed from when it was due
//! ```
//!
//! The load of a run may be slow because of the client, the way there, or one broker of several: a question that asks for
//! nothing takes the same way to each broker, so the slow one is known by name. It goes to the brokers directly, never
//! through the fault proxy.
//!
//! Invariant: it never holds up a run. Threads that wait for an answer when it ends are left behind; they end with their
//! time limit. Where it is not let in it says so and measures nothing.

mod canary;
mod partitions;
mod seen;

use std::collections::{BTreeMap, BTreeSet};
use std::net::ToSocketAddrs;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use highwater_wire::Connection;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use crate::Clock;
use crate::access::{Door, Line, Patience, Place};
use canary::Canary;
use partitions::Partitions;
pub use seen::Seen;

/// Between two questions.
const EVERY_NS: u64 = 1_000_000_000;
/// For a connection, and for an answer to Metadata.
const METADATA_LIMIT: Patience = Patience {
    connect: Duration::from_secs(2),
    answer: Duration::from_secs(2),
};
/// Spoken by Kafka 2.4 to 4.x; it has leader epochs.
const METADATA_VERSION: i16 = 9;
const CLIENT_ID: &str = "highwater-watch";
/// More brokers than this are not asked, so that the asking stays small.
const MOST_BROKERS: usize = 64;

/// A watch that runs.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
}

/// What its threads have in common.
#[derive(Debug)]
struct Shared {
    clock: Clock,
    over: AtomicBool,
    seen: Mutex<Seen>,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.over.load(Relaxed)
    }

    /// Sleeps until a moment or the end, whichever is first.
    fn sleep_until(&self, at_ns: u64) {
        const LOOK: Duration = Duration::from_millis(100);
        while !self.is_over() && self.clock.until(at_ns) > Duration::ZERO {
            std::thread::sleep(self.clock.until(at_ns).min(LOOK));
        }
    }
}

impl Watch {
    /// Starts asking; `bootstrap` is `host:port`, or several with commas.
    ///
    /// # Errors
    /// A thread can't be started.
    pub fn start(bootstrap: &str, topic: &str, clock: Clock) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            clock,
            over: AtomicBool::new(false),
            seen: Mutex::new(Seen::default()),
        });
        let asking = Asking {
            shared: Arc::clone(&shared),
            bootstrap: bootstrap.to_owned(),
            topic: topic.to_owned(),
            places: BTreeMap::new(),
            canaries: BTreeSet::new(),
        };
        std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || asking.run())?;
        Ok(Self { shared })
    }

    /// Ends it and gives what was seen. A question that is still without an answer after a second counts as
    /// unanswered.
    #[must_use]
    pub fn finish(self) -> Seen {
        self.shared.over.store(true, Relaxed);
        let now = self.shared.clock.now_ns();
        let mut seen = std::mem::take(&mut *self.shared.seen());
        seen.close(now);
        seen
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.over.store(true, Relaxed);
    }
}

/// The thread that asks for metadata and starts a canary for each broker that it hears of.
struct Asking {
    shared: Arc<Shared>,
    bootstrap: String,
    topic: String,
    places: BTreeMap<i32, Place>,
    canaries: BTreeSet<i32>,
}

impl Asking {
    fn run(mut self) {
        let door = match Door::to(&self.bootstrap, CLIENT_ID) {
            Ok(door) => door,
            Err(error) => {
                self.shared.seen().last_error = Some(error.to_string());
                return;
            }
        };
        let mut partitions = Partitions::default();
        let mut connection: Option<Connection<Line>> = None;
        let mut due = self.shared.clock.now_ns();
        while !self.shared.is_over() {
            match self.ask(&door, &mut connection) {
                Ok(answer) => {
                    let at_ns = self.shared.clock.now_ns();
                    self.meet(&door, &answer);
                    let mut seen = self.shared.seen();
                    partitions.observe(&answer, at_ns, &mut seen);
                    seen.answered = true;
                }
                Err(reason) => self.shared.seen().last_error = Some(reason),
            }
            self.shared.seen().count_cpu();
            due = (due + EVERY_NS).max(self.shared.clock.now_ns());
            self.shared.sleep_until(due);
        }
    }

    fn ask(
        &self,
        door: &Door,
        connection: &mut Option<Connection<Line>>,
    ) -> Result<MetadataResponse, String> {
        let topic = TopicName(StrBytes::from_string(self.topic.clone()));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![MetadataRequestTopic::default().with_name(Some(topic))]))
            .with_allow_auto_topic_creation(false);
        if let Some(open) = connection
            && let Ok(answer) = open.call(&request, METADATA_VERSION)
        {
            return Ok(answer);
        }
        *connection = None;
        let mut last = "no address to ask".to_owned();
        let given = self.bootstrap.split(',').flat_map(Place::given);
        for place in given.chain(self.places.values().cloned()) {
            if self.shared.is_over() {
                break;
            }
            let opened = door.open(&place, METADATA_LIMIT);
            match opened.and_then(|mut open| Ok((open.call(&request, METADATA_VERSION)?, open))) {
                Ok((answer, open)) => {
                    *connection = Some(open);
                    return Ok(answer);
                }
                Err(error) => last = described(&error),
            }
        }
        Err(last)
    }

    /// Remembers brokers, and sets a canary beside each new one.
    fn meet(&mut self, door: &Door, answer: &MetadataResponse) {
        for broker in answer.brokers.iter().take(MOST_BROKERS) {
            let (node, host) = (broker.node_id.0, broker.host.as_str());
            let port = u16::try_from(broker.port).unwrap_or(0);
            let Some(address) = (host, port).to_socket_addrs().ok().and_then(|mut all| all.next()) else {
                continue;
            };
            let place = Place {
                host: host.to_owned(),
                address,
            };
            self.places.insert(node, place.clone());
            self.shared.seen().brokers.insert(node, format!("{host}:{port}"));
            if self.canaries.len() < MOST_BROKERS && self.canaries.insert(node) {
                let canary = Canary::new(Arc::clone(&self.shared), node, door.clone(), place);
                // Without its canary a broker is not timed; the run goes on.
                if let Err(error) = canary.start() {
                    tracing::warn!(node, %error, "no canary");
                }
            }
        }
    }
}

/// An error with what is behind it.
fn described(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
