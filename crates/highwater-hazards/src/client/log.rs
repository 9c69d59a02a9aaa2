//! Writing without transactions, and reading back: the whole log with its markers, and what a committed reader gets.
//!
//! Invariant: [`Client::committed`] does what a client library does with `isolation.level=read_committed`: it trusts
//! the last stable offset and the aborted transactions of the answer, and not its own reading of the markers.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use highwater_wire::BatchBuilder;
use highwater_wire::batch::{Batches, NO_PRODUCER_ID, Step};
use highwater_wire::control::{Marker, MarkerKind};
use highwater_wire::records::Records;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{BrokerId, FetchRequest, ListOffsetsRequest, ProduceRequest};

use super::{BACKOFF, Client, only, topic_name};
use crate::error::{HazardError, refused};

/// With topic names and without sessions.
const FETCH: i16 = 12;
const LIST_OFFSETS: i16 = 7;
const PRODUCE: i16 = 11;
const FETCH_BYTES: i32 = 4 << 20;
const LATEST: i64 = -1;
const UNCOMMITTED: i8 = 0;
const COMMITTED: i8 = 1;
/// For markers that are on their way.
const QUIET_LIMIT: Duration = Duration::from_secs(15);

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Written without a transaction.
    Plain,
    /// Its transaction was committed.
    Committed,
    /// Its transaction was aborted.
    Aborted,
    /// Its transaction has no end.
    Open,
}

/// A record of the log.
#[derive(Debug, Clone)]
pub(crate) struct LogRecord {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) fate: Fate,
}

/// Now, as batches carry it.
pub(crate) fn builder() -> BatchBuilder {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    BatchBuilder::new().timestamp(i64::try_from(now.as_millis()).unwrap_or(0))
}

/// A batch with values.
pub(crate) fn fill(builder: BatchBuilder, values: &[String]) -> Bytes {
    let add = |builder: BatchBuilder, value: &String| builder.record(None, Some(value.as_bytes()));
    values.iter().fold(builder, add).build()
}

/// One batch for one partition, to all replicas.
pub(crate) fn produce_request(topic: &str, partition: i32, batch: Bytes) -> ProduceRequest {
    let data = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(batch));
    let data = TopicProduceData::default()
        .with_name(topic_name(topic))
        .with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(10_000)
        .with_topic_data(vec![data])
}

impl Client {
    /// Writes a batch as it is; gives the error of the answer and the offset.
    pub(crate) fn write_batch(
        &mut self,
        topic: &str,
        partition: i32,
        batch: Bytes,
    ) -> Result<(i16, i64), HazardError> {
        const WHAT: &str = "Produce";
        let answer = self.call(WHAT, &produce_request(topic, partition, batch), PRODUCE)?;
        let answer = only(WHAT, only(WHAT, answer.responses)?.partition_responses)?;
        Ok((answer.error_code, answer.base_offset))
    }

    /// Writes many batches at once, the error of each.
    pub(crate) fn write_batches(
        &mut self,
        topic: &str,
        batches: Vec<Bytes>,
    ) -> Result<Vec<i16>, HazardError> {
        const WHAT: &str = "Produce";
        let requests: Vec<ProduceRequest> = batches
            .into_iter()
            .map(|batch| produce_request(topic, 0, batch))
            .collect();
        let answers = self.pipeline(WHAT, &requests, PRODUCE)?;
        let error = |answer: kafka_protocol::messages::ProduceResponse| {
            Ok(only(WHAT, only(WHAT, answer.responses)?.partition_responses)?.error_code)
        };
        answers.into_iter().map(error).collect()
    }

    /// Writes values without a producer id.
    pub(crate) fn write(
        &mut self,
        topic: &str,
        partition: i32,
        values: &[String],
    ) -> Result<(), HazardError> {
        let (error, _) = self.write_batch(topic, partition, fill(builder(), values))?;
        refused("Produce", error)
    }

    pub(crate) fn end_offset(&mut self, topic: &str, partition: i32) -> Result<i64, HazardError> {
        self.listed(topic, partition, UNCOMMITTED)
    }

    /// Up to which offset committed readers get something.
    pub(crate) fn stable_offset(&mut self, topic: &str, partition: i32) -> Result<i64, HazardError> {
        self.listed(topic, partition, COMMITTED)
    }

    fn listed(&mut self, topic: &str, partition: i32, isolation: i8) -> Result<i64, HazardError> {
        const WHAT: &str = "ListOffsets";
        let wanted = ListOffsetsPartition::default()
            .with_partition_index(partition)
            .with_timestamp(LATEST);
        let wanted = ListOffsetsTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(vec![wanted]);
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_isolation_level(isolation)
            .with_topics(vec![wanted]);
        let answer = self.call(WHAT, &request, LIST_OFFSETS)?;
        let answer = only(WHAT, only(WHAT, answer.topics)?.partitions)?;
        refused(WHAT, answer.error_code)?;
        Ok(answer.offset)
    }

    /// Waits until no transaction is open in a partition; false if one stays open.
    pub(crate) fn is_quiet(&mut self, topic: &str, partition: i32) -> Result<bool, HazardError> {
        let end = Instant::now() + QUIET_LIMIT;
        while self.stable_offset(topic, partition)? < self.end_offset(topic, partition)? {
            if Instant::now() > end {
                return Ok(false);
            }
            thread::sleep(BACKOFF);
        }
        Ok(true)
    }

    /// Every record of a partition that is there, and what became of it by the markers behind it.
    pub(crate) fn log(&mut self, topic: &str, partition: i32) -> Result<Vec<LogRecord>, HazardError> {
        let Scanned { pieces, .. } = self.scan(topic, partition, UNCOMMITTED)?;
        let mut records: Vec<LogRecord> = Vec::new();
        let mut open: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for piece in pieces {
            match piece {
                Piece::End { producer, kind, .. } => {
                    let fate = match kind {
                        MarkerKind::Commit => Fate::Committed,
                        MarkerKind::Abort => Fate::Aborted,
                    };
                    for at in open.remove(&producer).unwrap_or_default() {
                        if let Some(record) = records.get_mut(at) {
                            record.fate = fate;
                        }
                    }
                }
                Piece::Data { producer, record } => {
                    if record.fate == Fate::Open {
                        open.entry(producer).or_default().push(records.len());
                    }
                    records.push(record);
                }
            }
        }
        Ok(records)
    }

    /// What a reader of committed records gets, up to the last stable offset.
    pub(crate) fn committed(&mut self, topic: &str, partition: i32) -> Result<Vec<LogRecord>, HazardError> {
        let Scanned { pieces, aborted } = self.scan(topic, partition, COMMITTED)?;
        let mut waiting: Vec<(i64, i64)> = aborted.into_iter().collect();
        let mut hidden: BTreeSet<i64> = BTreeSet::new();
        let mut read = Vec::new();
        for piece in pieces {
            waiting.retain(|&(first, producer)| {
                let begun = first <= piece.offset();
                if begun {
                    hidden.insert(producer);
                }
                !begun
            });
            match piece {
                Piece::End {
                    producer,
                    kind: MarkerKind::Abort,
                    ..
                } => {
                    hidden.remove(&producer);
                }
                Piece::End { .. } => {}
                Piece::Data { producer, record } => {
                    if record.fate == Fate::Plain || !hidden.contains(&producer) {
                        read.push(record);
                    }
                }
            }
        }
        Ok(read)
    }

    /// The values of [`Client::committed`].
    pub(crate) fn committed_values(
        &mut self,
        topic: &str,
        partition: i32,
    ) -> Result<Vec<String>, HazardError> {
        let records = self.committed(topic, partition)?;
        Ok(records.into_iter().map(|record| record.value).collect())
    }

    /// From the start of the log to its end, or to the last stable offset.
    fn scan(&mut self, topic: &str, partition: i32, isolation: i8) -> Result<Scanned, HazardError> {
        let (mut pieces, mut aborted) = (Vec::new(), BTreeSet::new());
        let start = self.start_offset(topic, partition)?;
        let mut next = start;
        loop {
            let data = self.fetched(topic, partition, next, isolation)?;
            refused("Fetch", data.error_code)?;
            for one in data.aborted_transactions.unwrap_or_default() {
                aborted.insert((one.first_offset, one.producer_id.0));
            }
            let bytes = data.records.unwrap_or_default();
            let before = next;
            for step in Batches::new(&bytes) {
                let Step::Complete(header, batch) = step else {
                    break;
                };
                next = header.last_offset() + 1;
                if header.is_control() {
                    if let Ok(marker) = Marker::decode(batch) {
                        pieces.push(Piece::End {
                            offset: header.base_offset(),
                            producer: header.producer_id(),
                            kind: marker.kind,
                        });
                    }
                    continue;
                }
                let transactional = header.is_transactional() && header.producer_id() != NO_PRODUCER_ID;
                let Ok(records) = Records::of(&bytes.slice_ref(batch)) else {
                    continue;
                };
                // A batch may begin before the log does.
                let there = records.iter().map_while(Result::ok);
                for record in there.filter(|record| record.offset >= start) {
                    pieces.push(Piece::Data {
                        producer: header.producer_id(),
                        record: LogRecord {
                            topic: topic.to_owned(),
                            partition,
                            offset: record.offset,
                            key: lossy(record.key),
                            value: lossy(record.value),
                            fate: if transactional { Fate::Open } else { Fate::Plain },
                        },
                    });
                }
            }
            if next == before {
                return Ok(Scanned { pieces, aborted });
            }
        }
    }

    /// Where the log of a partition starts.
    pub(crate) fn start_offset(&mut self, topic: &str, partition: i32) -> Result<i64, HazardError> {
        let end = self.end_offset(topic, partition)?;
        let data = self.fetched(topic, partition, end, UNCOMMITTED)?;
        refused("Fetch", data.error_code)?;
        Ok(data.log_start_offset.max(0))
    }

    fn fetched(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
        isolation: i8,
    ) -> Result<PartitionData, HazardError> {
        const WHAT: &str = "Fetch";
        let wanted = FetchPartition::default()
            .with_partition(partition)
            .with_fetch_offset(offset)
            .with_partition_max_bytes(FETCH_BYTES);
        let wanted = FetchTopic::default()
            .with_topic(topic_name(topic))
            .with_partitions(vec![wanted]);
        let request = FetchRequest::default()
            .with_max_wait_ms(0)
            .with_min_bytes(0)
            .with_max_bytes(FETCH_BYTES)
            .with_isolation_level(isolation)
            .with_topics(vec![wanted]);
        let answer = self.call(WHAT, &request, FETCH)?;
        refused(WHAT, answer.error_code)?;
        only(WHAT, only(WHAT, answer.responses)?.partitions)
    }
}

/// What a scan of a partition brings.
struct Scanned {
    pieces: Vec<Piece>,
    /// Aborted transactions of the answers: first offset and producer id.
    aborted: BTreeSet<(i64, i64)>,
}

/// A record, or the end of a transaction.
enum Piece {
    Data {
        producer: i64,
        record: LogRecord,
    },
    End {
        offset: i64,
        producer: i64,
        kind: MarkerKind,
    },
}

impl Piece {
    fn offset(&self) -> i64 {
        match self {
            Self::Data { record, .. } => record.offset,
            Self::End { offset, .. } => *offset,
        }
    }
}

fn lossy(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}
