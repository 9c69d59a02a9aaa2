//! Records that are read, written and committed together.

use std::collections::BTreeMap;

use rdkafka::error::KafkaResult;
use rdkafka::message::{Message as _, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};

/// Some records of one assignment, in the order in which they were read.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: Vec<OwnedMessage>,
}

impl Batch {
    /// Where each partition goes on behind this batch: what is to be committed.
    pub(crate) fn next(&self, topic: &str) -> KafkaResult<TopicPartitionList> {
        // The last one of a partition wins.
        self.offsets(
            topic,
            self.records.iter().map(|record| (record, record.offset() + 1)),
        )
    }

    /// Where each partition began in this batch.
    pub(crate) fn start(&self, topic: &str) -> KafkaResult<TopicPartitionList> {
        self.offsets(
            topic,
            self.records.iter().rev().map(|record| (record, record.offset())),
        )
    }

    fn offsets<'a>(
        &self,
        topic: &str,
        records: impl Iterator<Item = (&'a OwnedMessage, i64)>,
    ) -> KafkaResult<TopicPartitionList> {
        let by_partition: BTreeMap<i32, i64> = records
            .map(|(record, offset)| (record.partition(), offset))
            .collect();
        let mut list = TopicPartitionList::new();
        for (partition, offset) in by_partition {
            list.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        }
        Ok(list)
    }
}
