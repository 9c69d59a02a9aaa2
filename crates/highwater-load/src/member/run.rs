//! The member itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use highwater_model::RunId;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};

use super::{Line, What};
use crate::forward::Forward;
use crate::stamp::{self, Stamped};
use crate::{LoadError, settings};

/// How long a poll waits, so that the end is noticed.
const POLL: Duration = Duration::from_millis(50);
/// Records that are taken together before they are processed.
const BATCH: usize = 200;
/// How long a batch is waited for after its first record.
const BATCH_WAIT: Duration = Duration::from_millis(20);

/// When a member commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitWhen {
    /// What it has processed.
    AfterProcessing,
    /// What it was given, before it processes that: what is lost when it dies in between is lost for the group.
    BeforeProcessing,
}

/// How a member is to work.
#[derive(Debug, Clone)]
pub struct MemberOptions {
    /// Addresses of the cluster.
    pub bootstrap: String,
    /// What it reads.
    pub topic: String,
    /// Its group.
    pub group: String,
    /// Its client id.
    pub client_id: String,
    /// The run whose records it knows.
    pub run: RunId,
    /// Its file; must not exist.
    pub file: PathBuf,
    /// Time between two commits.
    pub commit_every: Duration,
    /// When it commits.
    pub commit: CommitWhen,
    /// Time that processing a record takes.
    pub work: Duration,
    /// After which silence the group takes it for dead.
    pub session_timeout: Duration,
}

/// Nanoseconds of the monotonic clock of the machine, which every process on it shares.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or(0).saturating_mul(1_000_000_000) + nanos.unwrap_or(0)
}

/// Works until `ending` is set, then commits, leaves and returns.
///
/// # Errors
/// Settings that the client library refuses; its file can't be written, as a [`LoadError::Thread`] of this thread.
pub fn run_member(options: &MemberOptions, ending: &AtomicBool) -> Result<(), LoadError> {
    let file = File::options()
        .create_new(true)
        .append(true)
        .open(&options.file)
        .map_err(LoadError::Thread)?;
    let book = Arc::new(Book(Mutex::new(Written {
        file,
        positions: BTreeMap::new(),
        taken: Forward::new(),
        dirty: false,
        rebalances: 0,
    })));
    let mut config = settings::group_consumer(&options.bootstrap, &options.client_id, &options.group);
    let timeout = options.session_timeout.as_millis();
    config
        .set("session.timeout.ms", timeout.to_string())
        .set("heartbeat.interval.ms", (timeout / 4).max(1).to_string())
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // What was fetched ahead of a halt is delivered after it, by a member that is none any more: little of it.
        .set("queued.max.messages.kbytes", "4096");
    let context = Owner {
        book: Arc::clone(&book),
    };
    let consumer: BaseConsumer<Owner> = config
        .create_with_context(context)
        .map_err(LoadError::of_client)?;
    consumer
        .subscribe(&[&options.topic])
        .map_err(|source| LoadError::Topic {
            action: "subscription",
            topic: options.topic.clone(),
            source,
        })?;
    let mut committed_at = Instant::now();
    while !ending.load(Relaxed) {
        let batch = take(&consumer, &book);
        if options.commit == CommitWhen::BeforeProcessing && !batch.is_empty() {
            let next = ahead(&batch);
            let _ = commit(&consumer, &book, &options.topic, &next);
        }
        for record in &batch {
            if !options.work.is_zero() {
                std::thread::sleep(options.work);
            }
            book.process(record, options.run).map_err(LoadError::Thread)?;
            // A slow one must not be late with what it has done, nor with its end.
            if ending.load(Relaxed) && options.commit == CommitWhen::AfterProcessing {
                break;
            }
            if options.commit == CommitWhen::AfterProcessing && committed_at.elapsed() >= options.commit_every
            {
                book.commit_processed(&consumer, &options.topic);
                committed_at = Instant::now();
            }
        }
        if options.commit == CommitWhen::AfterProcessing && committed_at.elapsed() >= options.commit_every {
            book.commit_processed(&consumer, &options.topic);
            committed_at = Instant::now();
        }
    }
    if options.commit == CommitWhen::AfterProcessing {
        book.commit_processed(&consumer, &options.topic);
    }
    // Closing leaves the group.
    drop(consumer);
    book.write(What::Left).map_err(LoadError::Thread)
}

/// A record that was taken and is not processed yet.
struct Taken {
    partition: i32,
    offset: i64,
    value: Vec<u8>,
}

/// Some records; none if none came. What was taken before partitions were taken away is dropped: whoever owns them now
/// gets it again.
fn take(consumer: &BaseConsumer<Owner>, book: &Book) -> Vec<Taken> {
    let mut batch = Vec::new();
    let began = Instant::now();
    let mut rebalances = book.lock().rebalances;
    while batch.len() < BATCH {
        let wait = if batch.is_empty() { POLL } else { Duration::ZERO };
        let polled = consumer.poll(wait);
        let now = book.lock().rebalances;
        if now != rebalances {
            rebalances = now;
            batch.clear();
        }
        match polled {
            Some(Ok(message)) if !book.is_new(&message) => {}
            Some(Ok(message)) => batch.push(Taken {
                partition: message.partition(),
                offset: message.offset(),
                value: message.payload().unwrap_or_default().to_vec(),
            }),
            Some(Err(error)) => book.trouble(&error.to_string()),
            None if batch.is_empty() || began.elapsed() > BATCH_WAIT => break,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    batch
}

/// Where the group would go on behind a batch.
fn ahead(batch: &[Taken]) -> BTreeMap<i32, i64> {
    let mut next = BTreeMap::new();
    for record in batch {
        next.insert(record.partition, record.offset + 1);
    }
    next
}

fn commit(
    consumer: &BaseConsumer<Owner>,
    book: &Book,
    topic: &str,
    next: &BTreeMap<i32, i64>,
) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in next {
        list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    match consumer.commit(&list, CommitMode::Sync) {
        Ok(()) => {
            for (partition, next) in next {
                book.committed(*partition, *next);
            }
            Ok(())
        }
        Err(error) => {
            book.trouble(&format!("commit refused: {error}"));
            Err(error)
        }
    }
}

/// What the member has written, and where it stands.
struct Book(Mutex<Written>);

struct Written {
    file: File,
    /// The offset behind the last processed record of each partition that it owns.
    positions: BTreeMap<i32, i64>,
    /// The same of what was taken.
    taken: Forward<i32>,
    dirty: bool,
    /// How often partitions were taken away.
    rebalances: u64,
}

impl Written {
    /// One call of the system for each line: what it took stays when the process is killed.
    fn line(&mut self, what: What) -> io::Result<()> {
        let line = Line {
            at_ns: monotonic_ns(),
            what,
        };
        self.file.write_all(format!("{line}\n").as_bytes())
    }
}

impl Book {
    fn lock(&self) -> std::sync::MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, what: What) -> io::Result<()> {
        self.lock().line(what)
    }

    fn trouble(&self, text: &str) {
        // If this can't be written the next processed record can't either, and that ends it.
        let _ = self.write(What::Trouble(text.to_owned()));
    }

    fn is_new(&self, message: &BorrowedMessage<'_>) -> bool {
        let (partition, offset) = (message.partition(), message.offset());
        let new = self.lock().taken.is_new(partition, offset);
        if !new {
            self.trouble(&format!(
                "offset {offset} of partition {partition} was handed over before"
            ));
        }
        new
    }

    fn committed(&self, partition: i32, next: i64) {
        let _ = self.write(What::Committed { partition, next });
    }

    fn process(&self, taken: &Taken, run: RunId) -> io::Result<()> {
        let record = match stamp::find(&taken.value, run) {
            Stamped::Record { id, .. } => Some(id),
            Stamped::Foreign | Stamped::Corrupt(_) => None,
        };
        let mut written = self.lock();
        written.line(What::Processed {
            partition: taken.partition,
            offset: taken.offset,
            record,
        })?;
        written.positions.insert(taken.partition, taken.offset + 1);
        written.dirty = true;
        Ok(())
    }

    /// Commits what was processed since the last time.
    fn commit_processed(&self, consumer: &BaseConsumer<Owner>, topic: &str) {
        let positions = {
            let mut written = self.lock();
            if !std::mem::take(&mut written.dirty) {
                return;
            }
            written.positions.clone()
        };
        let owned: Vec<i32> = consumer
            .assignment()
            .map(|all| {
                all.elements()
                    .iter()
                    .map(TopicPartitionListElem::partition)
                    .collect()
            })
            .unwrap_or_default();
        let mine: BTreeMap<i32, i64> = positions
            .into_iter()
            .filter(|(partition, _)| owned.contains(partition))
            .collect();
        if !mine.is_empty() && commit(consumer, self, topic, &mine).is_err() {
            self.lock().dirty = true;
        }
    }
}

/// Tells of partitions that come and go.
struct Owner {
    book: Arc<Book>,
}

impl ClientContext for Owner {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, text);
    }

    fn error(&self, _: KafkaError, _: &str) {
        // The same error comes out of the poll.
    }
}

impl ConsumerContext for Owner {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let partitions = |list: &TopicPartitionList| -> Vec<i32> {
            list.elements()
                .iter()
                .map(TopicPartitionListElem::partition)
                .collect()
        };
        match rebalance {
            // Before the committed offsets are asked for, so that every commit written above this line counts.
            Rebalance::Assign(list) => {
                let _ = self.book.write(What::Assigned(partitions(list)));
            }
            Rebalance::Revoke(list) => {
                let given = partitions(list);
                let topic = list.elements().first().map(|one| one.topic().to_owned());
                // One that has lost them is refused, and says so.
                if let Some(topic) = topic {
                    self.book.commit_processed(consumer, &topic);
                }
                let mut written = self.book.lock();
                written
                    .positions
                    .retain(|partition, _| !given.contains(partition));
                written.taken.forget(&given);
                written.rebalances += 1;
                let _ = written.line(What::Revoked(given));
            }
            Rebalance::Error(error) => self.book.trouble(&format!("rebalance: {error}")),
        }
    }
}
