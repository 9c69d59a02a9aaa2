use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use highwater_model::history::Isolation;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{
    BrokerId, DescribeConfigsRequest, FetchRequest, ListOffsetsRequest, TopicName,
};

use super::cluster::{Cluster, text};
use super::{Fetched, LogError};

/// The last version with names instead of ids of topics; spoken by Kafka 2.3 to 4.x.
const FETCH_VERSION: i16 = 11;
const LIST_OFFSETS_VERSION: i16 = 5;
const DESCRIBE_CONFIGS_VERSION: i16 = 4;
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const TOPIC_RESOURCE: i8 = 2;
/// What a fetch may bring; one batch comes even if it is larger.
const FETCH_BYTES: i32 = 8 << 20;
const FETCH_WAIT: Duration = Duration::from_millis(500);
/// How long a partition may bring nothing, or have no leader, before its end.
const SILENCE: Duration = Duration::from_secs(10);
/// How often a place is asked for again whose records were left out of an answer.
const GAP_TRIES: u32 = 3;
/// Errors that pass: the leader moved, or is not there yet.
const PASSING: [i16; 6] = [3, 5, 6, 9, 74, 75];

/// Where a partition begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// First offset that is still there.
    pub log_start: i64,
    /// Offset after the last record that every in-sync replica has.
    pub high_watermark: i64,
    /// Offset after the last record that no open transaction holds back.
    pub last_stable_offset: i64,
}

/// How far a partition was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Its ends when reading began.
    pub ends: Ends,
    /// Offset after the last batch that was read.
    pub next: i64,
    /// Whether that is its end: the high watermark, or at `ReadCommitted` the last stable offset.
    pub whole: bool,
    /// Whether the topic is compacted.
    pub compacted: bool,
}

/// Asks for the ends of every partition of a topic: the last stable offset first, so that growth in between can't make
/// the ends contradict each other.
///
/// # Errors
/// No broker, no such topic, a partition without a leader for a while.
pub fn ends(bootstrap: &str, topic: &str) -> Result<BTreeMap<i32, Ends>, LogError> {
    ends_of(&mut Cluster::open(bootstrap)?, topic)
}

pub(super) fn ends_of(cluster: &mut Cluster, topic: &str) -> Result<BTreeMap<i32, Ends>, LogError> {
    let leaders = cluster.metadata(&[topic])?;
    let mut ends = BTreeMap::new();
    for (_, partition) in leaders.into_keys() {
        let mut ask = |timestamp, isolation| offset(cluster, topic, partition, timestamp, isolation);
        let last_stable_offset = ask(LATEST, Isolation::ReadCommitted)?;
        let high_watermark = ask(LATEST, Isolation::ReadUncommitted)?;
        let log_start = ask(EARLIEST, Isolation::ReadUncommitted)?;
        ends.insert(
            partition,
            Ends {
                log_start,
                high_watermark,
                last_stable_offset,
            },
        );
    }
    Ok(ends)
}

/// Reads every partition of a topic from its log start to its end, one after the other, and shows what every fetch
/// brought. At `ReadCommitted` records of aborted transactions are shown too, with the list of those transactions:
/// leaving them out is a reader's part.
///
/// Where a topic is not compacted and an answer leaves offsets out, they are asked for again.
///
/// # Errors
/// As [`ends`]; an interruption.
pub fn read(
    bootstrap: &str,
    topic: &str,
    isolation: Isolation,
    interrupted: &AtomicBool,
    visit: &mut dyn FnMut(&Fetched),
) -> Result<BTreeMap<i32, Reached>, LogError> {
    let mut cluster = Cluster::open(bootstrap)?;
    let compacted = is_compacted(&mut cluster, topic)?;
    let mut done = BTreeMap::new();
    for (partition, ends) in ends_of(&mut cluster, topic)? {
        let mut reader = Reader {
            cluster: &mut cluster,
            topic,
            partition,
            isolation,
            compacted,
        };
        let reached = reader.read(ends, interrupted, visit)?;
        done.insert(partition, reached);
    }
    Ok(done)
}

struct Reader<'a> {
    cluster: &'a mut Cluster,
    topic: &'a str,
    partition: i32,
    isolation: Isolation,
    compacted: bool,
}

impl Reader<'_> {
    fn read(
        &mut self,
        ends: Ends,
        interrupted: &AtomicBool,
        visit: &mut dyn FnMut(&Fetched),
    ) -> Result<Reached, LogError> {
        let end = match self.isolation {
            Isolation::ReadUncommitted => ends.high_watermark,
            Isolation::ReadCommitted => ends.last_stable_offset,
        };
        let mut next = ends.log_start.max(0);
        let (mut heard, mut gaps) = (Instant::now(), 0);
        while next < end {
            if interrupted.load(Relaxed) {
                return Err(LogError::Interrupted);
            }
            let fetched = self.fetch(next)?;
            let error = fetched.facts.error;
            if error != 0 && !PASSING.contains(&error) {
                return Err(LogError::Refused {
                    api: "Fetch",
                    subject: format!("{}/{}", self.topic, self.partition),
                    code: error,
                });
            }
            let Some(behind) = fetched.next().filter(|behind| *behind > next && error == 0) else {
                if heard.elapsed() > SILENCE {
                    break;
                }
                if error != 0 {
                    self.cluster.forget_leaders();
                    std::thread::sleep(FETCH_WAIT);
                }
                continue;
            };
            heard = Instant::now();
            let first = fetched
                .facts
                .batches
                .first()
                .map_or(next, |batch| batch.base_offset);
            if first > next && !self.compacted && gaps < GAP_TRIES {
                gaps += 1;
                continue;
            }
            gaps = 0;
            visit(&fetched);
            next = behind;
        }
        Ok(Reached {
            ends,
            next,
            whole: next >= end,
            compacted: self.compacted,
        })
    }

    fn fetch(&mut self, from: i64) -> Result<Fetched, LogError> {
        let partition = FetchPartition::default()
            .with_partition(self.partition)
            .with_fetch_offset(from)
            .with_current_leader_epoch(-1)
            .with_log_start_offset(-1)
            .with_partition_max_bytes(FETCH_BYTES);
        let topic = FetchTopic::default()
            .with_topic(TopicName(text(self.topic)))
            .with_partitions(vec![partition]);
        let request = FetchRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_max_wait_ms(i32::try_from(FETCH_WAIT.as_millis()).unwrap_or(i32::MAX))
            .with_min_bytes(1)
            .with_max_bytes(FETCH_BYTES)
            .with_isolation_level(level(self.isolation))
            .with_session_id(0)
            .with_session_epoch(-1)
            .with_topics(vec![topic]);
        let leader = leader(self.cluster, self.topic, self.partition)?;
        let answer = self.cluster.call("Fetch", leader, &request, FETCH_VERSION)?;
        let data = answer
            .responses
            .into_iter()
            .flat_map(|topic| topic.partitions)
            .next()
            .ok_or_else(|| LogError::Refused {
                api: "Fetch",
                subject: format!("{}/{}", self.topic, self.partition),
                code: answer.error_code,
            })?;
        Ok(Fetched::of(self.topic, from, data))
    }
}

fn level(isolation: Isolation) -> i8 {
    match isolation {
        Isolation::ReadUncommitted => 0,
        Isolation::ReadCommitted => 1,
    }
}

/// The leader of a partition; waits a while for one.
fn leader(cluster: &mut Cluster, topic: &str, partition: i32) -> Result<i32, LogError> {
    let began = Instant::now();
    loop {
        match cluster.leader(topic, partition)? {
            leader if leader >= 0 => return Ok(leader),
            _ if began.elapsed() > SILENCE => {
                return Err(LogError::NoLeader {
                    topic: topic.to_owned(),
                    partition,
                });
            }
            _ => std::thread::sleep(FETCH_WAIT),
        }
    }
}

fn offset(
    cluster: &mut Cluster,
    topic: &str,
    partition: i32,
    timestamp: i64,
    isolation: Isolation,
) -> Result<i64, LogError> {
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(level(isolation))
        .with_topics(vec![
            ListOffsetsTopic::default()
                .with_name(TopicName(text(topic)))
                .with_partitions(vec![
                    ListOffsetsPartition::default()
                        .with_partition_index(partition)
                        .with_current_leader_epoch(-1)
                        .with_timestamp(timestamp),
                ]),
        ]);
    let began = Instant::now();
    loop {
        let leader = leader(cluster, topic, partition)?;
        let answer = cluster.call("ListOffsets", leader, &request, LIST_OFFSETS_VERSION)?;
        let found = answer
            .topics
            .into_iter()
            .flat_map(|topic| topic.partitions)
            .next()
            .unwrap_or_default();
        match found.error_code {
            0 => return Ok(found.offset),
            code if PASSING.contains(&code) && began.elapsed() < SILENCE => {
                cluster.forget_leaders();
                std::thread::sleep(FETCH_WAIT);
            }
            code => {
                return Err(LogError::Refused {
                    api: "ListOffsets",
                    subject: format!("{topic}/{partition}"),
                    code,
                });
            }
        }
    }
}

/// Whether `cleanup.policy` of a topic has `compact` in it.
fn is_compacted(cluster: &mut Cluster, topic: &str) -> Result<bool, LogError> {
    let request = DescribeConfigsRequest::default().with_resources(vec![
        DescribeConfigsResource::default()
            .with_resource_type(TOPIC_RESOURCE)
            .with_resource_name(text(topic))
            .with_configuration_keys(Some(vec![text("cleanup.policy")])),
    ]);
    let node = cluster.nodes().first().copied().unwrap_or(-1);
    let answer = cluster.call("DescribeConfigs", node, &request, DESCRIBE_CONFIGS_VERSION)?;
    Ok(answer
        .results
        .iter()
        .flat_map(|result| &result.configs)
        .filter(|config| config.name.as_str() == "cleanup.policy")
        .filter_map(|config| config.value.as_ref())
        .any(|policy| policy.contains("compact")))
}
