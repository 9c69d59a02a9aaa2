//! Loops as one writes them on the client library alone.

use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use super::subject::{Place, WINDOW};
use crate::bench::error::BenchError;

const GLANCE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);
/// How long nothing may come before it is an error.
const SILENCE: Duration = Duration::from_secs(30);

/// Polls every record and does nothing with it.
pub(super) fn polls(place: &Place) -> Result<(u64, Duration), BenchError> {
    let consumer = consumer(place)?;
    let mut watch = Watch::default();
    let (mut read, mut bytes) = (0_u64, 0_usize);
    while read < place.records {
        let Some(record) = consumer.poll(GLANCE) else {
            watch.silent()?;
            continue;
        };
        bytes += record?.payload_len();
        watch.record();
        read += 1;
    }
    let took = watch.took();
    // What was read is looked at, so that it can't be left out.
    std::hint::black_box(bytes);
    Ok((read, took))
}

/// Copies every record: in each window a transaction with the outputs and the offsets of their inputs.
pub(super) fn copies(place: &Place) -> Result<(u64, Duration), BenchError> {
    let consumer = consumer(place)?;
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &place.bootstrap)
        .set("transactional.id", format!("{}-by-hand", place.group))
        .set("partitioner", "murmur2_random")
        .create()?;
    producer.init_transactions(PATIENCE)?;
    let output = place.output();
    let mut watch = Watch::default();
    let mut copied = 0_u64;
    while copied < place.records {
        let Some(first) = consumer.poll(GLANCE) else {
            watch.silent()?;
            continue;
        };
        watch.record();
        producer.begin_transaction()?;
        let until = Instant::now() + WINDOW;
        let mut next = Some(first);
        let mut places = TopicPartitionList::new();
        let mut offsets = std::collections::BTreeMap::new();
        loop {
            if let Some(record) = next {
                let record = record?;
                send(&producer, &output, &record)?;
                offsets.insert(record.partition(), record.offset() + 1);
                copied += 1;
            }
            let left = until.saturating_duration_since(Instant::now());
            if copied == place.records || left.is_zero() {
                break;
            }
            // Acknowledgements come in meanwhile.
            producer.poll(Duration::ZERO);
            next = consumer.poll(left.min(Duration::from_millis(10)));
        }
        for (partition, offset) in offsets {
            places.add_partition_offset(&place.topic, partition, Offset::Offset(offset))?;
        }
        // A flush of the client library waits in steps of 100 ms.
        while producer.in_flight_count() > 0 {
            producer.poll(Duration::from_micros(500));
        }
        let group = consumer
            .group_metadata()
            .ok_or(BenchError::Missing("a member of the group"))?;
        producer.send_offsets_to_transaction(&places, &group, PATIENCE)?;
        producer.commit_transaction(PATIENCE)?;
        watch.record();
    }
    Ok((copied, watch.took()))
}

fn send(
    producer: &BaseProducer,
    output: &str,
    record: &rdkafka::message::BorrowedMessage<'_>,
) -> Result<(), BenchError> {
    let mut copy = BaseRecord::to(output)
        .key(record.key().unwrap_or_default())
        .payload(record.payload().unwrap_or_default());
    while let Err((error, back)) = producer.send(copy) {
        match error {
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => {
                producer.poll(Duration::from_millis(1));
                copy = back;
            }
            other => return Err(other.into()),
        }
    }
    Ok(())
}

fn consumer(place: &Place) -> Result<BaseConsumer, BenchError> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &place.bootstrap)
        .set("group.id", &place.group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("isolation.level", "read_committed")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("fetch.queue.backoff.ms", "5")
        .create()?;
    consumer.subscribe(&[&place.topic])?;
    Ok(consumer)
}

/// From the first record to the last.
struct Watch {
    first: Option<Instant>,
    last: Instant,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            first: None,
            last: Instant::now(),
        }
    }
}

impl Watch {
    fn record(&mut self) {
        self.last = Instant::now();
        self.first.get_or_insert(self.last);
    }

    fn silent(&self) -> Result<(), BenchError> {
        match self.last.elapsed() < SILENCE {
            true => Ok(()),
            false => Err(BenchError::Missed("records stopped coming".to_owned())),
        }
    }

    fn took(&self) -> Duration {
        self.first
            .map_or(Duration::ZERO, |first| self.last.duration_since(first))
    }
}
