//! librdkafka behind a proxy.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};

use crate::arm::{PATIENCE, until};
use crate::behind::Behind;

/// Where a record was stored, or why not.
pub(crate) type Delivered = Result<i64, RDKafkaErrorCode>;

/// Notes what a client is told.
#[derive(Default)]
pub(crate) struct Notes {
    delivered: Mutex<Vec<(String, Delivered)>>,
    said: Mutex<Vec<String>>,
    revoked: Mutex<u32>,
}

impl Notes {
    /// What became of each value, in the order in which the client learnt it.
    pub(crate) fn delivered(&self) -> Vec<(String, Delivered)> {
        locked(&self.delivered).clone()
    }

    /// What the client wrote into its log.
    pub(crate) fn said(&self) -> Vec<String> {
        locked(&self.said).clone()
    }

    /// Whether a line of the client's log has this in it.
    pub(crate) fn has_said(&self, words: &str) -> bool {
        locked(&self.said).iter().any(|line| line.contains(words))
    }

    /// How often partitions were taken away.
    pub(crate) fn revoked(&self) -> u32 {
        *locked(&self.revoked)
    }
}

impl ClientContext for Notes {
    fn log(&self, _: RDKafkaLogLevel, fac: &str, message: &str) {
        locked(&self.said).push(format!("{fac} {message}"));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        locked(&self.said).push(format!("{error}: {reason}"));
    }
}

impl ProducerContext for Notes {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let (message, result) = match result {
            Ok(message) => (message, Ok(message.offset())),
            Err((error, message)) => (message, Err(error.rdkafka_error_code().expect("a code"))),
        };
        locked(&self.delivered).push((text(message), result));
    }
}

impl ConsumerContext for Notes {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if matches!(rebalance, Rebalance::Revoke(_)) {
            *locked(&self.revoked) += 1;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn text(message: &impl Message) -> String {
    String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned()
}

pub(crate) type Producer = ThreadedProducer<Notes>;
pub(crate) type Consumer = BaseConsumer<Notes>;

/// Clients that are in a hurry: whatever they wait for, they wait for less than by default.
fn settings(bootstrap: &str, client_id: &str, more: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("client.id", client_id)
        .set("reconnect.backoff.ms", "20")
        .set("reconnect.backoff.max.ms", "200")
        .set("retry.backoff.ms", "20")
        .set("retry.backoff.max.ms", "200")
        .set("topic.metadata.refresh.fast.interval.ms", "50")
        // No reports of its own, which it sends to brokers that can take them.
        .set("enable.metrics.push", "false");
    for (key, value) in more {
        config.set(*key, *value);
    }
    // Tests look for what the client says of broken connections.
    config.set_log_level(RDKafkaLogLevel::Info);
    config
}

/// A producer that sends each record at once.
pub(crate) fn producer(behind: &Behind, client_id: &str, more: &[(&str, &str)]) -> Producer {
    producer_at(&behind.bootstrap(), client_id, more)
}

/// The same anywhere.
pub(crate) fn producer_at(bootstrap: &str, client_id: &str, more: &[(&str, &str)]) -> Producer {
    let mut all = vec![("linger.ms", "0")];
    all.extend_from_slice(more);
    settings(bootstrap, client_id, &all)
        .create_with_context(Notes::default())
        .expect("a producer")
}

/// As [`producer`], with idempotence.
pub(crate) fn idempotent(behind: &Behind, more: &[(&str, &str)]) -> Producer {
    let mut all = vec![("enable.idempotence", "true")];
    all.extend_from_slice(more);
    producer(behind, "idempotent", &all)
}

/// As [`producer`], without idempotence, and with retries.
pub(crate) fn plain(behind: &Behind, more: &[(&str, &str)]) -> Producer {
    let mut all = vec![("enable.idempotence", "false"), ("retries", "1000")];
    all.extend_from_slice(more);
    producer(behind, "plain", &all)
}

/// As [`idempotent`], after its transactions have been begun.
pub(crate) fn transactional(behind: &Behind, id: &str, more: &[(&str, &str)]) -> Producer {
    let mut all = vec![("transactional.id", id)];
    all.extend_from_slice(more);
    let client = idempotent(behind, &all);
    client.init_transactions(PATIENCE).expect("a producer id");
    client
}

/// A consumer that starts at the beginning and commits only what it is told to.
pub(crate) fn consumer(behind: &Behind, group: &str, more: &[(&str, &str)]) -> Consumer {
    consumer_at(&behind.bootstrap(), group, more)
}

/// The same anywhere.
pub(crate) fn consumer_at(bootstrap: &str, group: &str, more: &[(&str, &str)]) -> Consumer {
    let mut all = vec![
        ("group.id", group),
        ("auto.offset.reset", "earliest"),
        ("enable.auto.commit", "false"),
        ("heartbeat.interval.ms", "200"),
        ("session.timeout.ms", "6000"),
        ("fetch.wait.max.ms", "100"),
    ];
    all.extend_from_slice(more);
    settings(bootstrap, group, &all)
        .create_with_context(Notes::default())
        .expect("a consumer")
}

/// Hands a record over.
#[track_caller]
pub(crate) fn send(producer: &Producer, topic: &str, partition: i32, value: &str) {
    let record = BaseRecord::<str, _>::to(topic)
        .partition(partition)
        .payload(value);
    if let Err((error, _)) = producer.send(record.key("k")) {
        panic!("not taken: {error}");
    }
}

/// Sends a record to partition 0 and waits for what becomes of it: a request for each record.
#[track_caller]
pub(crate) fn send_and_wait(producer: &Producer, topic: &str, value: &str) -> Delivered {
    let told = producer.context().delivered().len();
    send(producer, topic, 0, value);
    until(&format!("an answer about {value}"), || {
        producer.context().delivered().len() > told
    });
    producer.context().delivered()[told].1
}

/// The same for some records, one after the other.
#[track_caller]
pub(crate) fn send_each(producer: &Producer, topic: &str, values: &[&str]) -> Vec<Delivered> {
    values
        .iter()
        .map(|value| send_and_wait(producer, topic, value))
        .collect()
}

/// Reads until something is so; errors that pass are left to the client.
#[track_caller]
pub(crate) fn read_until(
    consumer: &Consumer,
    what: &str,
    mut so: impl FnMut(&[String]) -> bool,
) -> Vec<String> {
    let mut read = Vec::new();
    until(what, || {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(20)) {
            read.push(text(&message));
        }
        so(&read)
    });
    read
}
