//! A feed of records that can be told apart, for a pipeline under test.
//!
//! ```text
//! schedule ─▶ record n (key, sequence of the key, id) ─▶ idempotent producer ─▶ input topics
//!          └▶ now and then a few in a transaction that is aborted: nobody may ever process them
//! ```
//! Invariant: every record that was handed over has a [`Fed`] with what became of it, and the records of a key are
//! written in the order of their sequences. The feed talks to the cluster itself and not through a fault proxy: what
//! it writes is not under test.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};

use crate::{ClientSettings, LoadError, settings};

/// Header with the id of a record.
pub const ID_HEADER: &str = "highwater-id";
/// How long the client tries to deliver a record: longer than any fault lasts.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(120);
/// Records of a transaction that is aborted.
const ABORTED_RECORDS: u64 = 3;
/// How long a call for a transaction may take.
const TRANSACTION_LIMIT: Duration = Duration::from_secs(5);
/// Most records of a feed: their rows take some 100 bytes each.
pub const MOST_FED: u64 = 10_000_000;

/// What is fed.
#[derive(Debug, Clone)]
pub struct FeedOptions {
    /// Addresses of the cluster.
    pub bootstrap: String,
    /// Where to; records take turns by key.
    pub topics: Vec<String>,
    /// Records a second.
    pub rate: f64,
    /// Different keys.
    pub keys: u64,
    /// The value, with `{id}`, `{key}` and `{sequence}` where they belong.
    pub template: String,
    /// First part of every id.
    pub name: String,
    /// Time between two transactions that are aborted; none for no such transactions.
    pub aborted_every: Option<Duration>,
}

/// The value if no other is asked for.
pub const TEMPLATE: &str = r#"{"id":"{id}","key":"{key}","sequence":{sequence}}"#;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing known: handed over, and no answer came.
    Unknown,
    /// In the log, as the cluster says.
    Acknowledged {
        /// Partition.
        partition: i32,
        /// Offset.
        offset: i64,
    },
    /// In a transaction that was aborted, or never ended.
    Aborted,
}

/// A record of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fed {
    /// Its number in the feed, from 0.
    pub number: u64,
    /// Place of its topic in [`FeedOptions::topics`].
    pub topic: usize,
    /// Number of its key.
    pub key: u64,
    /// Place among the records of its key, from 0.
    pub sequence: u64,
    /// What became of it.
    pub fate: Fate,
}

/// The words of a record: all that a feed writes follows from them.
#[derive(Debug, Clone)]
pub struct Words {
    name: String,
    template: String,
}

impl Words {
    /// Id of a record.
    #[must_use]
    pub fn id(&self, fed: &Fed) -> String {
        format!("{}-{}", self.name, fed.number)
    }

    /// Key of a record.
    #[must_use]
    pub fn key(&self, fed: &Fed) -> String {
        format!("k{}", fed.key)
    }

    /// Value of a record.
    #[must_use]
    pub fn value(&self, fed: &Fed) -> String {
        self.template
            .replace("{id}", &self.id(fed))
            .replace("{key}", &self.key(fed))
            .replace("{sequence}", &fed.sequence.to_string())
    }
}

/// A feed that runs.
pub struct Feed {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    words: Words,
}

struct Shared {
    rows: Mutex<Vec<Fed>>,
    acknowledged: AtomicU64,
    handed_over: AtomicU64,
    ending: AtomicBool,
    trouble: Mutex<Option<String>>,
}

struct Delivered(Arc<Shared>);

impl ClientContext for Delivered {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl ProducerContext for Delivered {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, row: Self::DeliveryOpaque) {
        let mut rows = lock(&self.0.rows);
        let Some(fed) = rows.get_mut(*row) else { return };
        match result {
            Ok(message) if fed.fate == Fate::Unknown => {
                fed.fate = Fate::Acknowledged {
                    partition: message.partition(),
                    offset: message.offset(),
                };
                self.0.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            // With idempotence the library reports a timeout of what it may have sent in the same way.
            Ok(_) | Err(_) => {}
        }
    }
}

impl Feed {
    /// Starts to feed.
    ///
    /// # Errors
    /// The clients can't be made.
    pub fn start(options: FeedOptions) -> Result<Self, LoadError> {
        let shared = Arc::new(Shared {
            rows: Mutex::default(),
            acknowledged: AtomicU64::new(0),
            handed_over: AtomicU64::new(0),
            ending: AtomicBool::new(false),
            trouble: Mutex::default(),
        });
        let client = client(&options, &shared, None)?;
        let words = Words {
            name: options.name.clone(),
            template: options.template.clone(),
        };
        let (mine, of_thread) = (words.clone(), Arc::clone(&shared));
        let thread = std::thread::spawn(move || run(&options, &mine, &of_thread, &client));
        Ok(Self {
            shared,
            thread,
            words,
        })
    }

    /// Records acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Records handed over so far, without those of aborted transactions.
    #[must_use]
    pub fn handed_over(&self) -> u64 {
        self.shared.handed_over.load(Ordering::Relaxed)
    }

    /// How its records are written.
    #[must_use]
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// Stops offering, waits until every record has an outcome, and gives the records in order; and what went wrong
    /// with it, if something did.
    #[must_use]
    pub fn finish(self) -> (Vec<Fed>, Option<String>) {
        self.shared.ending.store(true, Ordering::Relaxed);
        let trouble = self
            .thread
            .join()
            .err()
            .map(|_| "the feed ended early".to_owned());
        let told = lock(&self.shared.trouble).take();
        (std::mem::take(&mut *lock(&self.shared.rows)), trouble.or(told))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn client(
    options: &FeedOptions,
    shared: &Arc<Shared>,
    transactional_id: Option<&str>,
) -> Result<ThreadedProducer<Delivered>, LoadError> {
    let settings = ClientSettings {
        delivery_timeout: DELIVERY_TIMEOUT,
        ..ClientSettings::default()
    };
    let mut config = settings::producer(&options.bootstrap, "highwater-feed", &settings);
    if let Some(id) = transactional_id {
        config
            .set("transactional.id", id)
            .set("message.timeout.ms", "10000")
            .set("transaction.timeout.ms", "10000");
    }
    config
        .create_with_context(Delivered(Arc::clone(shared)))
        .map_err(LoadError::of_client)
}

fn run(options: &FeedOptions, words: &Words, shared: &Arc<Shared>, client: &ThreadedProducer<Delivered>) {
    let began = Instant::now();
    let mut next = 0_u64;
    let mut sequences = vec![0_u64; usize::try_from(options.keys.max(1)).unwrap_or(1)];
    let mut aborting = options.aborted_every.map(|every| (every, every, None));
    while !shared.ending.load(Ordering::Relaxed) && next < MOST_FED {
        let due = Duration::from_secs_f64(next as f64 / options.rate);
        let wait = due.saturating_sub(began.elapsed());
        if !wait.is_zero() {
            std::thread::sleep(wait.min(Duration::from_millis(20)));
            continue;
        }
        if let Some((every, at, producer)) = &mut aborting
            && began.elapsed() >= *at
        {
            *at = began.elapsed() + *every;
            abort_some(options, words, shared, producer, &mut next);
        }
        let key = next % options.keys.max(1);
        let sequence = &mut sequences[usize::try_from(key).unwrap_or(0)];
        let fed = row(options, next, key, *sequence, Fate::Unknown);
        match send(client, options, words, shared, fed) {
            true => *sequence += 1,
            // The queue is full: the cluster is away. The same record again.
            false => {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
        }
        shared.handed_over.fetch_add(1, Ordering::Relaxed);
        next += 1;
    }
    if let Err(error) = client.flush(DELIVERY_TIMEOUT) {
        *lock(&shared.trouble) = Some(format!("the feed could not be written to its end: {error}"));
    }
}

fn row(options: &FeedOptions, number: u64, key: u64, sequence: u64, fate: Fate) -> Fed {
    let topics = options.topics.len().max(1);
    Fed {
        number,
        topic: usize::try_from(key).unwrap_or(0) % topics,
        key,
        sequence,
        fate,
    }
}

/// Hands a record over; false if the client has no room for it.
fn send(
    client: &ThreadedProducer<Delivered>,
    options: &FeedOptions,
    words: &Words,
    shared: &Arc<Shared>,
    fed: Fed,
) -> bool {
    let (id, key, value) = (words.id(&fed), words.key(&fed), words.value(&fed));
    let topic = options.topics.get(fed.topic).map_or("", String::as_str);
    let at = {
        let mut rows = lock(&shared.rows);
        rows.push(fed);
        rows.len() - 1
    };
    let header = Header {
        key: ID_HEADER,
        value: Some(&id),
    };
    let record = BaseRecord::with_opaque_to(topic, Box::new(at))
        .key(&key)
        .payload(&value)
        .headers(OwnedHeaders::new().insert(header));
    let taken = client.send(record).is_ok();
    if !taken {
        lock(&shared.rows).truncate(at);
    }
    taken
}

/// Records that nobody may process. What fails here fails quietly: they are not missed.
fn abort_some(
    options: &FeedOptions,
    words: &Words,
    shared: &Arc<Shared>,
    producer: &mut Option<ThreadedProducer<Delivered>>,
    next: &mut u64,
) {
    if producer.is_none() {
        let id = format!("{}-aborted", options.name);
        *producer = client(options, shared, Some(&id))
            .ok()
            .filter(|made| made.init_transactions(TRANSACTION_LIMIT).is_ok());
    }
    let Some(client) = producer.as_ref() else { return };
    if client.begin_transaction().is_err() {
        *producer = None;
        return;
    }
    for _ in 0..ABORTED_RECORDS {
        // Keys of their own: they have no place in the order of others.
        let fed = row(options, *next, options.keys + 1, *next, Fate::Aborted);
        if send(client, options, words, shared, fed) {
            *next += 1;
        }
    }
    // In the log before the end: readers of everything see them.
    let _ = client.flush(TRANSACTION_LIMIT);
    if client.abort_transaction(TRANSACTION_LIMIT).is_err() {
        *producer = None;
    }
}
