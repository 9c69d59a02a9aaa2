//! librdkafka 2.12 through the `rdkafka` crate.

mod admin;
mod codecs;
mod groups;
mod restart;
mod transactions;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use crate::arm::{Arm, PATIENCE, until};

/// Where a record was stored, or why not: topic, partition, offset.
type Delivered = Result<(String, i32, i64), KafkaError>;

/// Notes what becomes of every record and of every assignment.
#[derive(Default)]
pub(crate) struct Notes {
    delivered: Mutex<Vec<Delivered>>,
    revoked: Mutex<Vec<(String, i32)>>,
    rebalances: Mutex<u32>,
}

impl ClientContext for Notes {}

impl ProducerContext for Notes {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let result = match result {
            Ok(message) => Ok((message.topic().to_owned(), message.partition(), message.offset())),
            Err((error, _)) => Err(error.clone()),
        };
        locked(&self.delivered).push(result);
    }
}

impl ConsumerContext for Notes {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        *locked(&self.rebalances) += 1;
        if let Rebalance::Revoke(partitions) = rebalance {
            let revoked = partitions.elements();
            let revoked = revoked
                .iter()
                .map(|one| (one.topic().to_owned(), one.partition()));
            locked(&self.revoked).extend(revoked);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Settings for any client.
fn settings(arm: &Arm, more: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", arm.bootstrap());
    for (key, value) in more {
        config.set(*key, *value);
    }
    config
}

/// Makes a topic, and waits until the broker names a leader of every partition: Kafka answers that it is made before
/// it knows it itself.
fn topic(arm: &Arm, name: &str, partitions: i32, configs: &[(&str, &str)]) {
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    for (key, value) in configs {
        topic = topic.set(key, value);
    }
    let administrator = administrator(arm);
    let made = block_on(administrator.create_topics([&topic], &options()));
    assert_eq!(made.expect("an answer"), [Ok(name.to_owned())]);
    until("the topic is led", || {
        let metadata = administrator.inner().fetch_metadata(Some(name), PATIENCE);
        metadata.is_ok_and(|metadata| {
            metadata.topics().iter().any(|topic| {
                topic.partitions().iter().filter(|one| one.leader() >= 0).count() == partitions as usize
            })
        })
    });
}

fn administrator(arm: &Arm) -> AdminClient<DefaultClientContext> {
    settings(arm, &[]).create().expect("an admin client")
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(PATIENCE))
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

/// An idempotent producer.
fn producer(arm: &Arm, more: &[(&str, &str)]) -> ThreadedProducer<Notes> {
    settings(arm, &[("enable.idempotence", "true")])
        .clone_with(more)
        .create_with_context(Notes::default())
        .expect("a producer")
}

/// A consumer that starts at the beginning and commits only what it is told to.
fn consumer(arm: &Arm, group: &str, more: &[(&str, &str)]) -> BaseConsumer<Notes> {
    let usual = [
        ("group.id", group),
        ("auto.offset.reset", "earliest"),
        ("enable.auto.commit", "false"),
        ("heartbeat.interval.ms", "200"),
        ("fetch.wait.max.ms", "100"),
    ];
    settings(arm, &usual)
        .clone_with(more)
        .create_with_context(Notes::default())
        .expect("a consumer")
}

trait CloneWith {
    fn clone_with(self, more: &[(&str, &str)]) -> Self;
}

impl CloneWith for ClientConfig {
    fn clone_with(mut self, more: &[(&str, &str)]) -> Self {
        for (key, value) in more {
            self.set(*key, *value);
        }
        self
    }
}

/// Produces `value-0`, `value-1` and so on to one partition and waits until all are acknowledged.
fn produce(producer: &ThreadedProducer<Notes>, topic: &str, partition: i32, values: std::ops::Range<u32>) {
    for number in values.clone() {
        let value = format!("value-{number}");
        send(
            producer,
            BaseRecord::<str, _>::to(topic)
                .partition(partition)
                .payload(&value),
        );
    }
    producer.flush(PATIENCE).expect("everything is answered");
    let delivered = std::mem::take(&mut *locked(&producer.context().delivered));
    assert_eq!(delivered.len(), values.len());
    for result in delivered {
        result.expect("acknowledged");
    }
}

/// Hands a record over.
fn send(producer: &ThreadedProducer<Notes>, record: BaseRecord<'_, str, str>) {
    if let Err((error, _)) = producer.send(record.key("k")) {
        panic!("not taken: {error}");
    }
    producer.poll(Duration::ZERO);
}

/// Reads a topic from its beginning to the end as this isolation level sees it: partition to offsets and values.
fn read_all(arm: &Arm, topic: &str, isolation: &str) -> BTreeMap<i32, Vec<(i64, String)>> {
    let client = consumer(
        arm,
        "nobody",
        &[("isolation.level", isolation), ("enable.partition.eof", "true")],
    );
    let metadata = client.fetch_metadata(Some(topic), PATIENCE).expect("metadata");
    let partitions = metadata.topics()[0].partitions().len();
    let mut list = rdkafka::TopicPartitionList::new();
    for partition in 0..i32::try_from(partitions).expect("few partitions") {
        list.add_partition_offset(topic, partition, rdkafka::Offset::Beginning)
            .expect("an offset");
    }
    client.assign(&list).expect("assigned");
    let mut read: BTreeMap<i32, Vec<(i64, String)>> = BTreeMap::new();
    let (mut ends, limit) = (0, Instant::now() + PATIENCE);
    while ends < partitions {
        assert!(Instant::now() < limit, "{topic} has no end: {read:?}");
        match client.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => read
                .entry(message.partition())
                .or_default()
                .push((message.offset(), text(&message))),
            Some(Err(KafkaError::PartitionEOF(_))) => ends += 1,
            Some(Err(error)) => panic!("{error}"),
            None => {}
        }
    }
    read
}

/// Only the values of all partitions, in order of partitions.
fn values(read: &BTreeMap<i32, Vec<(i64, String)>>) -> Vec<String> {
    read.values().flatten().map(|(_, value)| value.clone()).collect()
}

fn text(message: &impl Message) -> String {
    String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned()
}

/// Values that were read by a set of consumers until something is so.
fn poll_until(
    consumers: &[&BaseConsumer<Notes>],
    what: &str,
    mut so: impl FnMut(&[(i32, String)]) -> bool,
) -> Vec<(i32, String)> {
    let mut read = Vec::new();
    until(what, || {
        for client in consumers {
            match client.poll(Duration::from_millis(10)) {
                Some(Ok(message)) => read.push((message.partition(), text(&message))),
                Some(Err(error)) => panic!("{what}: {error}"),
                None => {}
            }
        }
        so(&read)
    });
    read
}

/// The partitions that a consumer has now.
fn assigned(client: &BaseConsumer<Notes>) -> Vec<i32> {
    let mut partitions: Vec<i32> = client
        .assignment()
        .expect("an assignment")
        .elements()
        .iter()
        .map(rdkafka::topic_partition_list::TopicPartitionListElem::partition)
        .collect();
    partitions.sort_unstable();
    partitions
}
