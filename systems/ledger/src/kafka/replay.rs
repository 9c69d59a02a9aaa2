//! The events of one partition, from its start to its end.
//!
//! Invariant: who fenced the partition before it calls this has seen everything that will ever have been written before
//! its own first record.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};

use super::client::Cluster;

const GLANCE: Duration = Duration::from_millis(100);
/// Without a record or the end for so long, it is tried again from the start.
const SILENCE: Duration = Duration::from_secs(20);

/// Why a partition could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError<E: std::error::Error + 'static> {
    /// Kafka; worth another try.
    #[error("can't read {topic}/{partition}")]
    Kafka {
        topic: String,
        partition: i32,
        #[source]
        source: KafkaError,
    },
    /// Nothing came.
    #[error("nothing came of {topic}/{partition} for {} s", SILENCE.as_secs())]
    Silence { topic: String, partition: i32 },
    /// Whoever asked does not need it any more.
    #[error("stopped")]
    Stopped,
    /// A record that can't be taken; another try would say the same.
    #[error("{topic}/{partition}@{offset} can't be taken")]
    Record {
        topic: String,
        partition: i32,
        offset: i64,
        #[source]
        source: E,
    },
}

/// Reads everything; how many records there were.
pub(crate) fn replay<E: std::error::Error + 'static>(
    cluster: &Cluster,
    partition: i32,
    stopped: impl Fn() -> bool,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<u64, ReplayError<E>> {
    let topic = cluster.events();
    let failed = |source| ReplayError::Kafka {
        topic: topic.clone(),
        partition,
        source,
    };
    let consumer = cluster.lone_consumer().map_err(failed)?;
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(&topic, partition, Offset::Beginning)
        .map_err(failed)?;
    consumer.assign(&from).map_err(failed)?;
    let (mut records, mut heard) = (0, Instant::now());
    loop {
        if stopped() {
            return Err(ReplayError::Stopped);
        }
        match consumer.poll(GLANCE) {
            Some(Ok(record)) => {
                heard = Instant::now();
                records += 1;
                let offset = record.offset();
                take(record.payload().unwrap_or_default()).map_err(|source| ReplayError::Record {
                    topic: topic.clone(),
                    partition,
                    offset,
                    source,
                })?;
            }
            // The end of what is committed, which is the end: there is no other writer.
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(records),
            Some(Err(error)) => tracing::warn!(%error, partition, "while reading events"),
            None => {}
        }
        if heard.elapsed() > SILENCE {
            return Err(ReplayError::Silence { topic, partition });
        }
    }
}
