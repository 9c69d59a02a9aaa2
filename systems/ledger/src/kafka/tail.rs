//! Topics as they grow, read by nobody's group.

use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};

use super::client::{Cluster, Consumer, passes};

/// What came.
pub(crate) enum Tailed<T> {
    /// What was made of a record.
    Record(T),
    /// This partition is read to its end, for now.
    End(i32),
    /// Records are gone before they were read: `retention` or somebody with `kafka-delete-records`.
    Gone(KafkaError),
    /// Nothing, for now; librdkafka goes on by itself.
    Nothing,
}

/// A reader of all partitions of one topic.
pub(crate) struct Tail {
    consumer: Consumer,
    topic: String,
}

impl Tail {
    /// From these offsets on, or from the start of the partition where there is none.
    pub(crate) fn open(
        cluster: &Cluster,
        topic: String,
        partitions: i32,
        next: impl Fn(i32) -> Option<i64>,
    ) -> KafkaResult<Self> {
        let consumer = cluster.lone_consumer()?;
        let mut from = TopicPartitionList::new();
        for partition in 0..partitions {
            let offset = next(partition).map_or(Offset::Beginning, Offset::Offset);
            from.add_partition_offset(&topic, partition, offset)?;
        }
        consumer.assign(&from)?;
        Ok(Self { consumer, topic })
    }

    /// The next record within that time: partition, offset, value.
    pub(crate) fn next<T>(&self, wait: Duration, make: impl FnOnce(i32, i64, &[u8]) -> T) -> Tailed<T> {
        match self.consumer.poll(wait) {
            Some(Ok(record)) => Tailed::Record(make(
                record.partition(),
                record.offset(),
                record.payload().unwrap_or_default(),
            )),
            Some(Err(KafkaError::PartitionEOF(partition))) => Tailed::End(partition),
            Some(Err(error)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) => {
                Tailed::Gone(error)
            }
            Some(Err(error)) if passes(&error) => Tailed::Nothing,
            Some(Err(error)) => {
                tracing::warn!(%error, topic = self.topic, "while reading");
                Tailed::Nothing
            }
            None => Tailed::Nothing,
        }
    }

    /// Reads no more of this partition.
    pub(crate) fn leave(&self, partition: i32) -> KafkaResult<()> {
        let mut left = TopicPartitionList::new();
        left.add_partition(&self.topic, partition);
        self.consumer.pause(&left)
    }
}
