//! Sending letters back, or letting them be.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use highwater_pipeline::deadletter;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use serde::Serialize;

use super::{Dead, Desk, Selection};
use crate::{ClientSettings, LoadError, admin, settings};

/// Says where a redriven record was: `TOPIC/PARTITION@OFFSET` of the dead-letter topic.
const REDRIVEN_FROM: &str = "highwater.redriven-from";
/// What is done is written down that often.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// Letters on their way at a time: what is lost of the order of work, and never of the order of a key, in a crash.
const UNDER_WAY: usize = 1_000;
/// Letters that stay are told of up to this many.
const STAYING_TOLD: usize = 20;
const GLANCE: Duration = Duration::from_millis(5);
/// Headers of other families that a record had as a dead letter only.
const FAMILIES: [&str; 4] = [
    "kafka_dlt-",
    "kafka_original-",
    "__connect.errors.",
    "dead-letter-",
];

/// How letters are sent back.
#[derive(Debug, Clone, Default)]
pub struct Redrive {
    /// Which ones.
    pub selection: Selection,
    /// Where to; without it to where each one was first.
    pub to: Option<String>,
    /// Records a second, at most; as fast as they go without it.
    pub per_s: Option<f64>,
    /// So many, at most.
    pub limit: Option<u64>,
    /// Says what would be done, and does nothing.
    pub dry_run: bool,
}

/// What became of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It was sent, and its topic has it.
    Redriven,
    /// Nothing was sent, and it does not wait any longer.
    Discarded,
}

/// A line of the record of what was done.
#[derive(Debug, Clone, Serialize)]
pub struct Done {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// What became of it.
    pub fate: Fate,
    /// The dead-letter topic.
    pub topic: String,
    /// Its partition there.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its key, as far as that is text.
    pub key: Option<String>,
    /// Where it is now.
    pub to: Option<(String, i32, i64)>,
}

/// What was done, or with a dry run what would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redriven {
    /// Letters that were seen to, by the topic that they went to.
    pub sent: BTreeMap<String, u64>,
    /// Letters that were not meant.
    pub left_out: u64,
    /// Letters that were meant and stay, because an earlier one of their key does.
    pub behind: u64,
    /// Letters that do not say where they were, and nobody did.
    pub homeless: u64,
    /// Some of those that stay: partition, offset and why.
    pub staying: Vec<(i32, i64, &'static str)>,
}

impl Redriven {
    fn stays(&mut self, dead: &Dead, why: &'static str) {
        if self.staying.len() < STAYING_TOLD {
            self.staying.push((dead.partition, dead.offset, why));
        }
    }
}

/// Records that brokers have, or not.
#[derive(Default)]
struct Reports(Mutex<Vec<(Place, Report)>>);

/// Where a record is now.
type Report = Result<(i32, i64), KafkaError>;

/// Partition and offset of a letter.
type Place = (i32, i64);

struct Context(Arc<Reports>);

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, text);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Place>;

    fn delivery(&self, result: &DeliveryResult<'_>, place: Box<Place>) {
        let report = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.clone()),
        };
        let mut reports = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        reports.push((*place, report));
    }
}

/// Sends letters that wait back, in the order in which they lie, and writes a line of JSON into `journal` for each
/// whose topic has it. `progress` hears how many that are.
///
/// Letters of one key keep their order: one that stays (not meant, or nobody knows where it was) keeps the later ones
/// of its key, too. Headers that made it a dead letter are left out, all others are kept, and one is added that says
/// where it was. The partition is the one that it was in first, if its topic still has that.
///
/// # Errors
/// A topic that can't be read or written, a journal that can't be written, an interruption. What was done until then is
/// written down, and the next redrive goes on behind it.
pub fn redrive(
    bootstrap: &str,
    desk: &mut Desk,
    options: &Redrive,
    journal: &mut dyn Write,
    interrupted: &AtomicBool,
    progress: &mut dyn FnMut(u64),
) -> Result<Redriven, LoadError> {
    let reports = Arc::new(Reports::default());
    let settings = settings::producer(bootstrap, "highwater-dlq", &ClientSettings::default());
    let producer: ThreadedProducer<Context> = settings
        .create_with_context(Context(Arc::clone(&reports)))
        .map_err(LoadError::of_client)?;
    let mut run = Run {
        bootstrap,
        options,
        producer: &producer,
        reports: &reports,
        partitions: BTreeMap::new(),
        under_way: BTreeMap::new(),
        sent: 0,
        acknowledged: 0,
        began: Instant::now(),
        committed_at: Instant::now(),
    };
    let mut redriven = Redriven::default();
    let mut staying: BTreeSet<Vec<u8>> = BTreeSet::new();
    desk.begin(false);
    let mut outcome = Ok(());
    while options.limit.is_none_or(|limit| run.sent < limit) {
        let dead = match desk.next(interrupted) {
            Ok(Some(dead)) => dead,
            Ok(None) => break,
            Err(error) => {
                outcome = Err(error);
                break;
            }
        };
        let home = run.home(&dead);
        let stays = if !options.selection.takes(&dead) {
            redriven.left_out += 1;
            true
        } else if dead.key.as_ref().is_some_and(|key| staying.contains(key)) {
            redriven.behind += 1;
            redriven.stays(&dead, "an earlier one of its key stays");
            true
        } else if home.is_none() {
            redriven.homeless += 1;
            redriven.stays(&dead, "its headers do not say where it was");
            true
        } else {
            false
        };
        if stays {
            staying.extend(dead.key);
            continue;
        }
        let Some(home) = home else { continue };
        *redriven.sent.entry(home.clone()).or_insert(0) += 1;
        if !options.dry_run {
            outcome = run.send(desk, dead, home, journal, interrupted, progress);
            if outcome.is_err() {
                break;
            }
        }
        run.sent += 1;
    }
    // Also after a failure: what is done is done.
    let settled = run.settle(desk, journal, progress, 0);
    let committed = if options.dry_run { Ok(()) } else { desk.commit() };
    outcome.and(settled).and(committed).map(|()| redriven)
}

/// Takes letters off the list of those that wait, sends nothing, and writes a line of JSON for each. They stay in their
/// topic as long as that keeps them.
///
/// # Errors
/// As [`redrive`].
pub fn discard(
    desk: &mut Desk,
    selection: &Selection,
    dry_run: bool,
    journal: &mut dyn Write,
    interrupted: &AtomicBool,
) -> Result<u64, LoadError> {
    let mut discarded = 0;
    desk.begin(false);
    while let Some(dead) = desk.next(interrupted)? {
        if !selection.takes(&dead) {
            continue;
        }
        discarded += 1;
        if !dry_run {
            note(journal, &dead, Fate::Discarded, None)?;
            desk.seen_to(dead.partition, dead.offset);
        }
    }
    if !dry_run {
        journal.flush().map_err(LoadError::Journal)?;
        desk.commit()?;
    }
    Ok(discarded)
}

struct Run<'a> {
    bootstrap: &'a str,
    options: &'a Redrive,
    producer: &'a ThreadedProducer<Context>,
    reports: &'a Reports,
    /// How many partitions topics have.
    partitions: BTreeMap<String, i32>,
    under_way: BTreeMap<Place, (Dead, String)>,
    sent: u64,
    acknowledged: u64,
    began: Instant,
    committed_at: Instant,
}

impl Run<'_> {
    fn home(&self, dead: &Dead) -> Option<String> {
        let own = || dead.letter.as_ref().and_then(|letter| letter.topic.clone());
        self.options.to.clone().or_else(own)
    }

    fn send(
        &mut self,
        desk: &mut Desk,
        dead: Dead,
        home: String,
        journal: &mut dyn Write,
        interrupted: &AtomicBool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), LoadError> {
        if let Some(per_s) = self.options.per_s {
            let due = self.began + Duration::from_secs_f64(self.sent as f64 / per_s);
            while Instant::now() < due && !interrupted.load(Relaxed) {
                self.hear(desk, journal, progress)?;
                std::thread::sleep(GLANCE.min(due.saturating_duration_since(Instant::now())));
            }
        }
        if interrupted.load(Relaxed) {
            return Err(LoadError::Interrupted {
                read: self.acknowledged,
            });
        }
        self.settle(desk, journal, progress, UNDER_WAY - 1)?;
        let place = (dead.partition, dead.offset);
        let partition = self.partition(&dead, &home)?;
        let headers = headers(&dead);
        loop {
            let mut record: BaseRecord<'_, [u8], [u8], Box<Place>> =
                BaseRecord::with_opaque_to(&home, Box::new(place));
            record.key = dead.key.as_deref();
            record.payload = dead.value.as_deref();
            record.headers = Some(headers.clone());
            record.partition = partition;
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    std::thread::sleep(GLANCE);
                }
                Err((source, _)) => return Err(not_redriven(&dead, &home, source)),
            }
        }
        self.under_way.insert(place, (dead, home));
        Ok(())
    }

    /// The partition that it was in, if that is there; none leaves it to the key.
    fn partition(&mut self, dead: &Dead, home: &str) -> Result<Option<i32>, LoadError> {
        let first = dead
            .letter
            .as_ref()
            .filter(|letter| letter.topic.as_deref() == Some(home));
        let Some(partition) = first.and_then(|letter| letter.partition) else {
            return Ok(None);
        };
        let there = match self.partitions.get(home) {
            Some(there) => *there,
            None => {
                let there = admin::partitions(self.bootstrap, home, Duration::from_secs(20))?;
                let there = i32::try_from(there.len()).unwrap_or(i32::MAX);
                self.partitions.insert(home.to_owned(), there);
                there
            }
        };
        Ok((0..there).contains(&partition).then_some(partition))
    }

    /// Waits until no more than so many are under way.
    fn settle(
        &mut self,
        desk: &mut Desk,
        journal: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
        most: usize,
    ) -> Result<(), LoadError> {
        self.hear(desk, journal, progress)?;
        while self.under_way.len() > most {
            // The client gives each record up after its time, so that this ends.
            let _ = self.producer.flush(GLANCE);
            self.hear(desk, journal, progress)?;
        }
        Ok(())
    }

    /// Takes what the client reported.
    fn hear(
        &mut self,
        desk: &mut Desk,
        journal: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), LoadError> {
        let reports = {
            let mut reports = self.reports.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *reports)
        };
        let mut first = None;
        for (place, report) in reports {
            let Some((dead, home)) = self.under_way.remove(&place) else {
                continue;
            };
            match report {
                Ok((partition, offset)) => {
                    note(journal, &dead, Fate::Redriven, Some((home, partition, offset)))?;
                    desk.seen_to(place.0, place.1);
                    self.acknowledged += 1;
                }
                Err(source) => {
                    first.get_or_insert(not_redriven(&dead, &home, source));
                }
            }
        }
        progress(self.acknowledged);
        if self.committed_at.elapsed() >= COMMIT_EVERY {
            journal.flush().map_err(LoadError::Journal)?;
            desk.commit()?;
            self.committed_at = Instant::now();
        }
        first.map_or(Ok(()), Err)
    }
}

fn not_redriven(dead: &Dead, to: &str, source: KafkaError) -> LoadError {
    LoadError::NotRedriven {
        topic: dead.topic.clone(),
        partition: dead.partition,
        offset: dead.offset,
        to: to.to_owned(),
        source,
    }
}

/// The headers that it had before it was a dead letter, and where it was.
fn headers(dead: &Dead) -> OwnedHeaders {
    let mut headers = OwnedHeaders::new();
    for (key, value) in &dead.headers {
        let added = deadletter::is_own(key)
            || key == REDRIVEN_FROM
            || FAMILIES.iter().any(|family| key.starts_with(family));
        if !added {
            headers = headers.insert(Header {
                key,
                value: value.as_deref(),
            });
        }
    }
    let from = format!("{}/{}@{}", dead.topic, dead.partition, dead.offset);
    headers.insert(Header {
        key: REDRIVEN_FROM,
        value: Some(&from),
    })
}

fn note(
    journal: &mut dyn Write,
    dead: &Dead,
    fate: Fate,
    to: Option<(String, i32, i64)>,
) -> Result<(), LoadError> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let done = Done {
        at_ms: i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        fate,
        topic: dead.topic.clone(),
        partition: dead.partition,
        offset: dead.offset,
        key: dead
            .key
            .as_ref()
            .and_then(|key| String::from_utf8(key.clone()).ok()),
        to,
    };
    let line = serde_json::to_string(&done).map_err(|error| LoadError::Journal(error.into()))?;
    writeln!(journal, "{line}").map_err(LoadError::Journal)
}
