//! A dead-letter topic with what was seen to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use highwater_pipeline::deadletter::{self, Header, Letter};
use highwater_pipeline::offset::{Delivery, OffsetEngine, Resume, Ticket};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use crate::admin::{self, Quiet};
use crate::read_back::{PartitionEnd, ends};
use crate::{LoadError, log, settings};

/// The group whose offsets say which letters were seen to.
pub const GROUP: &str = "highwater-dlq";

const CLIENT_ID: &str = "highwater-dlq";
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(20);
/// Longest silence of a partition that has not reached its end.
const SILENCE: Duration = Duration::from_secs(30);
/// How often an interruption is looked for while nothing comes.
const POLL: Duration = Duration::from_millis(100);

/// A record of a dead-letter topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dead {
    /// The dead-letter topic.
    pub topic: String,
    /// Its partition there.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// When it was written, in milliseconds since 1970.
    pub timestamp_ms: Option<i64>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// What they say; none if they are of no family that is known.
    pub letter: Option<Letter>,
    /// Whether it was redriven or discarded before.
    pub done: bool,
}

impl Dead {
    fn of(message: &BorrowedMessage<'_>) -> Self {
        let headers: Vec<(String, Option<Vec<u8>>)> = message
            .headers()
            .map(|headers| {
                let own = headers.iter();
                own.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
                    .collect()
            })
            .unwrap_or_default();
        let borrowed: Vec<Header<'_>> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
            .collect();
        Self {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            letter: deadletter::read(&borrowed),
            headers,
            done: false,
        }
    }
}

/// A dead-letter topic that is open.
pub struct Desk {
    consumer: BaseConsumer<Quiet>,
    topic: String,
    engines: BTreeMap<i32, OffsetEngine>,
    ends: BTreeMap<i32, PartitionEnd>,
    /// Letters that wait, by partition and offset.
    tickets: BTreeMap<(i32, i64), Ticket>,
    /// Partitions that are still to be read.
    left: VecDeque<PartitionEnd>,
    current: Option<Current>,
    all: bool,
    read: u64,
}

/// The partition that is being read.
#[derive(Debug, Clone, Copy)]
struct Current {
    end: PartitionEnd,
    next: i64,
    heard: Instant,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk")
            .field("topic", &self.topic)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

impl Desk {
    /// Opens a topic where its letters were left last.
    ///
    /// # Errors
    /// No broker answers, there is no such topic, a refusal.
    pub fn open(bootstrap: &str, topic: &str) -> Result<Self, LoadError> {
        let consumer: BaseConsumer<Quiet> = settings::reader(bootstrap, CLIENT_ID)
            .set("group.id", GROUP)
            .set("isolation.level", "read_committed")
            .create_with_context(Quiet)
            .map_err(LoadError::of_client)?;
        let partitions = admin::partitions_of(&consumer, bootstrap, topic, ANSWER)?;
        let mut committed = log::committed(bootstrap, GROUP, topic, &partitions)?;
        let ends: BTreeMap<i32, PartitionEnd> = ends(bootstrap, topic, ANSWER)?
            .into_iter()
            .map(|end| (end.partition, end))
            .collect();
        let mut engines = BTreeMap::new();
        for partition in partitions {
            let start = ends.get(&partition).map_or(0, |end| end.log_start);
            let resume = match committed.remove(&partition) {
                // Broken metadata is no reason not to begin: its letters are looked at again.
                Some(point) if point.offset >= start => Resume::committed(point.offset, &point.metadata).0,
                _ => Resume::at(start),
            };
            engines.insert(partition, OffsetEngine::new(resume));
        }
        Ok(Self {
            consumer,
            topic: topic.to_owned(),
            engines,
            ends,
            tickets: BTreeMap::new(),
            left: VecDeque::new(),
            current: None,
            all: false,
            read: 0,
        })
    }

    /// Begins to read: the letters that wait, or with `all` those from the start of the log, up to the ends that the
    /// topic had when it was opened. One partition after the other, so that their order is the same at every look.
    pub fn begin(&mut self, all: bool) {
        self.all = all;
        self.left = self.ends.values().copied().collect();
        self.current = None;
    }

    /// The next letter; none at the end.
    ///
    /// # Errors
    /// A partition that can't be read; an interruption.
    pub fn next(&mut self, interrupted: &AtomicBool) -> Result<Option<Dead>, LoadError> {
        loop {
            let Some(Current { end, next, heard }) = self.current else {
                let Some(end) = self.left.pop_front() else {
                    return Ok(None);
                };
                self.turn_to(end)?;
                continue;
            };
            if next >= end.last_stable_offset {
                self.current = None;
                continue;
            }
            if interrupted.load(Relaxed) {
                return Err(LoadError::Interrupted { read: self.read });
            }
            let consumer = &self.consumer;
            let (offset, dead) = match consumer.poll(POLL) {
                Some(Ok(message)) => {
                    let offset = message.offset();
                    // Another one was handed over before, or written since.
                    let wanted = (next..end.last_stable_offset).contains(&offset);
                    (offset, wanted.then(|| Dead::of(&message)))
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    self.current = None;
                    continue;
                }
                Some(Err(source)) if heard.elapsed() > SILENCE => {
                    return Err(failed(&self.topic, "reading")(source));
                }
                None if heard.elapsed() > SILENCE => {
                    return Err(LoadError::ReadStalled {
                        topic: self.topic.clone(),
                        partition: end.partition,
                        offset: next,
                        high_watermark: end.last_stable_offset,
                        silence: heard.elapsed(),
                    });
                }
                Some(Err(_)) | None => continue,
            };
            let Some(mut dead) = dead else { continue };
            self.current = Some(Current {
                end,
                next: offset + 1,
                heard: Instant::now(),
            });
            self.read += 1;
            dead.done = self.is_done(end.partition, offset);
            if self.all || !dead.done {
                return Ok(Some(dead));
            }
        }
    }

    fn turn_to(&mut self, end: PartitionEnd) -> Result<(), LoadError> {
        let from = match self.engines.get(&end.partition) {
            Some(engine) if !self.all => engine.offset(),
            _ => end.log_start,
        };
        if from < end.last_stable_offset {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(&self.topic, end.partition, Offset::Offset(from))
                .and_then(|()| self.consumer.assign(&list))
                .map_err(failed(&self.topic, "assignment"))?;
            self.current = Some(Current {
                end,
                next: from,
                heard: Instant::now(),
            });
        }
        Ok(())
    }

    /// Whether a letter was seen to before.
    fn is_done(&mut self, partition: i32, offset: i64) -> bool {
        let place = (partition, offset);
        let delivery = self
            .engines
            .get_mut(&partition)
            .map(|engine| engine.deliver(offset));
        if let Some(Delivery::New(ticket)) = delivery {
            self.tickets.insert(place, ticket);
        }
        !self.tickets.contains_key(&place)
    }

    /// A letter was seen to. It is forgotten with the process unless [`Self::commit`] is called.
    pub fn seen_to(&mut self, partition: i32, offset: i64) {
        if let (Some(ticket), Some(engine)) = (
            self.tickets.remove(&(partition, offset)),
            self.engines.get_mut(&partition),
        ) {
            engine.complete(ticket);
        }
    }

    /// Writes down what was seen to.
    ///
    /// # Errors
    /// The coordinator refuses or does not answer: letters would be seen to again.
    pub fn commit(&mut self) -> Result<(), LoadError> {
        let mut list = TopicPartitionList::new();
        for (partition, engine) in &mut self.engines {
            if let Some(point) = engine.take_commit() {
                let mut element = list.add_partition(&self.topic, *partition);
                element
                    .set_offset(Offset::Offset(point.offset))
                    .map_err(failed(&self.topic, "commit"))?;
                element.set_metadata(point.metadata);
            }
        }
        if list.count() == 0 {
            return Ok(());
        }
        self.consumer
            .commit(&list, CommitMode::Sync)
            .map_err(failed(&self.topic, "commit"))
    }

    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }
}

fn failed(topic: &str, action: &'static str) -> impl Fn(KafkaError) -> LoadError {
    let topic = topic.to_owned();
    move |source| LoadError::Topic {
        action,
        topic: topic.clone(),
        source,
    }
}
