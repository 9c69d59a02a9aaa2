//! Reading a log back: where it begins and ends, and every record between.
//!
//! Invariant: a partition counts as read only when its end was reached. Gaps in the offsets (markers of
//! transactions, compaction) are fine: the client says when it is at the end. No group, no commits; what is in
//! the log is read whether committed or not.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use highwater_model::{RecordId, RunId};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use crate::admin::{self, Quiet};
use crate::stamp::{self, Stamped};
use crate::{LoadError, settings};

/// Longest silence of a partition that has not reached its end.
const SILENCE: Duration = Duration::from_secs(30);
/// How often an interruption is looked for while nothing comes.
const POLL: Duration = Duration::from_millis(100);
/// Records between two reports of progress.
const PROGRESS_EVERY: u64 = 4_096;

const CLIENT_ID: &str = "highwater-read-back";

/// Where the log of a partition begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionEnd {
    /// Partition.
    pub partition: i32,
    /// Offset of the first record that is still there.
    pub log_start: i64,
    /// Offset after the last record that every in-sync replica has.
    pub high_watermark: i64,
    /// Offset after the last record that no open transaction holds back.
    pub last_stable_offset: i64,
}

/// What stands at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observation {
    /// A record of this run, unchanged.
    Record(RecordId),
    /// Something else.
    Foreign,
    /// A damaged record, with what it says it is, if it says so.
    Corrupt(Option<RecordId>),
}

/// What a read-back went through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadBack {
    /// Records seen, of whatever kind.
    pub read: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// The offset after the last record seen, by partition; the log start where none was.
    pub reached: BTreeMap<i32, i64>,
}

/// Asks for the ends of every partition of a topic, ascending by partition: last stable offset first, then high
/// watermark and log start, so that growth in between can't make them contradict each other.
///
/// # Errors
/// No such topic; no broker in time; a partition without an answer in time.
pub fn ends(bootstrap: &str, topic: &str, timeout: Duration) -> Result<Vec<PartitionEnd>, LoadError> {
    let committed = asker(bootstrap, "read_committed")?;
    let uncommitted = asker(bootstrap, "read_uncommitted")?;
    let partitions = admin::partitions_of(&uncommitted, bootstrap, topic, timeout)?;
    let ask = |client: &BaseConsumer<Quiet>, partition| {
        client
            .fetch_watermarks(topic, partition, timeout)
            .map_err(|source| LoadError::Topic {
                action: "question for the end",
                topic: topic.to_owned(),
                source,
            })
    };
    let mut ends = Vec::with_capacity(partitions.len());
    for partition in partitions {
        let (_, last_stable_offset) = ask(&committed, partition)?;
        let (log_start, high_watermark) = ask(&uncommitted, partition)?;
        ends.push(PartitionEnd {
            partition,
            log_start,
            high_watermark,
            last_stable_offset,
        });
    }
    Ok(ends)
}

/// Reads every partition from its log start to its high watermark and shows each record to `observe` with its
/// partition and offset, in the order of offsets within a partition. `progress` is told records read and
/// records expected.
///
/// # Errors
/// A partition that yields nothing for half a minute before its end; an error of the client; an interruption.
pub fn read(
    bootstrap: &str,
    topic: &str,
    run: RunId,
    ends: &[PartitionEnd],
    interrupted: &AtomicBool,
    progress: &mut dyn FnMut(u64, u64),
    observe: &mut dyn FnMut(i32, i64, Observation),
) -> Result<ReadBack, LoadError> {
    let consumer = settings::reader(bootstrap, CLIENT_ID)
        .create_with_context(Quiet)
        .map_err(LoadError::of_client)?;
    pull(&consumer, topic, ends, interrupted, progress, &mut |message| {
        let value = message.payload().unwrap_or_default();
        observe(message.partition(), message.offset(), observation(value, run));
    })
}

/// A record as it stands in the log.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Its timestamp, in milliseconds since 1970: when it was made or appended, as its topic is set.
    pub at_ms: Option<i64>,
    /// Key.
    pub key: Option<&'a [u8]>,
    /// Value; none for a tombstone.
    pub value: Option<&'a [u8]>,
    /// Headers, in order.
    pub headers: &'a [(String, Vec<u8>)],
}

/// Reads every record of a topic as a reader of committed records, or of everything, gets it.
///
/// # Errors
/// As [`read`].
pub fn records(
    bootstrap: &str,
    topic: &str,
    ends: &[PartitionEnd],
    committed: bool,
    interrupted: &AtomicBool,
    observe: &mut dyn FnMut(Stored<'_>),
) -> Result<ReadBack, LoadError> {
    let isolation = if committed {
        "read_committed"
    } else {
        "read_uncommitted"
    };
    let consumer = settings::reader(bootstrap, CLIENT_ID)
        .set("isolation.level", isolation)
        .create_with_context(Quiet)
        .map_err(LoadError::of_client)?;
    pull(
        &consumer,
        topic,
        ends,
        interrupted,
        &mut |_, _| {},
        &mut |message| {
            let headers: Vec<(String, Vec<u8>)> = message
                .headers()
                .into_iter()
                .flat_map(|headers| headers.iter())
                .map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec()))
                .collect();
            observe(Stored {
                partition: message.partition(),
                offset: message.offset(),
                at_ms: message.timestamp().to_millis(),
                key: message.key(),
                value: message.payload(),
                headers: &headers,
            });
        },
    )
}

fn pull(
    consumer: &BaseConsumer<Quiet>,
    topic: &str,
    ends: &[PartitionEnd],
    interrupted: &AtomicBool,
    progress: &mut dyn FnMut(u64, u64),
    observe: &mut dyn FnMut(&BorrowedMessage<'_>),
) -> Result<ReadBack, LoadError> {
    let mut left: BTreeMap<i32, Position> = ends.iter().filter_map(Position::of).collect();
    let expected = left
        .values()
        .map(|position| position.end - position.next)
        .sum::<i64>();
    let expected = u64::try_from(expected).unwrap_or(0);
    let mut done = ReadBack {
        reached: ends
            .iter()
            .map(|end| (end.partition, end.log_start.max(0)))
            .collect(),
        ..ReadBack::default()
    };
    progress(0, expected);
    assign(consumer, topic, &left)?;
    let mut heard = Instant::now();
    while !left.is_empty() {
        if interrupted.load(Relaxed) {
            return Err(LoadError::Interrupted { read: done.read });
        }
        match consumer.poll(POLL) {
            Some(Ok(message)) => {
                let (partition, offset) = (message.partition(), message.offset());
                let Some(position) = left.get_mut(&partition).filter(|position| offset < position.end) else {
                    // Written after the ends were asked for.
                    left.remove(&partition);
                    continue;
                };
                if offset < position.next {
                    // Handed over before: see `forward`.
                    continue;
                }
                position.next = offset + 1;
                done.reached.insert(partition, position.next);
                if position.next == position.end {
                    left.remove(&partition);
                }
                observe(&message);
                done.read += 1;
                done.bytes += (message.payload_len() + message.key_len()) as u64;
                if done.read.is_multiple_of(PROGRESS_EVERY) {
                    progress(done.read, expected);
                    heard = Instant::now();
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                left.remove(&partition);
                heard = Instant::now();
            }
            Some(Err(error)) if is_passing(&error) => silence(topic, &left, heard)?,
            Some(Err(source)) => {
                return Err(LoadError::Topic {
                    action: "reading",
                    topic: topic.to_owned(),
                    source,
                });
            }
            None => silence(topic, &left, heard)?,
        }
    }
    progress(done.read, expected);
    Ok(done)
}

/// Where reading of a partition stands.
#[derive(Debug, Clone, Copy)]
struct Position {
    next: i64,
    end: i64,
}

impl Position {
    /// None for a partition without anything to read.
    fn of(end: &PartitionEnd) -> Option<(i32, Self)> {
        let position = Self {
            next: end.log_start.max(0),
            end: end.high_watermark,
        };
        (position.next < position.end).then_some((end.partition, position))
    }
}

fn observation(value: &[u8], run: RunId) -> Observation {
    match stamp::find(value, run) {
        Stamped::Record { id, .. } => Observation::Record(id),
        Stamped::Foreign => Observation::Foreign,
        Stamped::Corrupt(id) => Observation::Corrupt(id),
    }
}

fn asker(bootstrap: &str, isolation: &str) -> Result<BaseConsumer<Quiet>, LoadError> {
    settings::asker(bootstrap, CLIENT_ID, isolation)
        .create_with_context(Quiet)
        .map_err(LoadError::of_client)
}

fn assign(
    consumer: &BaseConsumer<Quiet>,
    topic: &str,
    left: &BTreeMap<i32, Position>,
) -> Result<(), LoadError> {
    let failed = |source| LoadError::Topic {
        action: "assignment",
        topic: topic.to_owned(),
        source,
    };
    let mut list = TopicPartitionList::new();
    for (partition, position) in left {
        list.add_partition_offset(topic, *partition, Offset::Offset(position.next))
            .map_err(failed)?;
    }
    consumer.assign(&list).map_err(failed)
}

/// Connections come back; anything else would be silently missing records.
fn is_passing(error: &KafkaError) -> bool {
    use rdkafka::error::RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut | Code::Resolve)
    )
}

fn silence(topic: &str, left: &BTreeMap<i32, Position>, heard: Instant) -> Result<(), LoadError> {
    let silence = heard.elapsed();
    match left.first_key_value() {
        Some((partition, position)) if silence > SILENCE => Err(LoadError::ReadStalled {
            topic: topic.to_owned(),
            partition: *partition,
            offset: position.next,
            high_watermark: position.end,
            silence,
        }),
        _ => Ok(()),
    }
}
