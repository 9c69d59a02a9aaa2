//! librdkafka, as an application uses it.
//!
//! Invariant: what a producer is told of each record is kept, in the order in which it learnt it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

use crate::error::{HazardError, client};
use crate::scene::{PATIENCE, Scene};

/// What became of a value: its offset, or why not.
pub(crate) type Delivery = (String, Result<i64, RDKafkaErrorCode>);

/// Keeps what the producer is told.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<Delivery>>);

impl Told {
    fn all(&self) -> MutexGuard<'_, Vec<Delivery>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Told {}

impl ProducerContext for Told {
    type DeliveryOpaque = ();

    fn delivery(&self, delivery: &DeliveryResult<'_>, (): ()) {
        let (message, outcome) = match delivery {
            Ok(message) => (message, Ok(message.offset())),
            Err((error, message)) => (
                message,
                Err(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown)),
            ),
        };
        let value = String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned();
        self.all().push((value, outcome));
    }
}

pub(crate) type Producer = ThreadedProducer<Told>;

fn config(bootstrap: &str, settings: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config
        .set("retry.backoff.ms", "50")
        .set("reconnect.backoff.ms", "20")
        .set("log_level", "0");
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config
}

pub(crate) fn producer(bootstrap: &str, settings: &[(&str, &str)]) -> Result<Producer, HazardError> {
    config(bootstrap, settings)
        .create_with_context(Told::default())
        .map_err(client("start a producer"))
}

/// Hands a record to the producer.
pub(crate) fn send(
    producer: &Producer,
    topic: &str,
    partition: Option<i32>,
    key: &str,
    value: &str,
) -> Result<(), HazardError> {
    let mut record = BaseRecord::to(topic).payload(value);
    if !key.is_empty() {
        record = record.key(key);
    }
    record.partition = partition;
    producer.send(record).map_err(|(source, _)| HazardError::Client {
        what: "hand a record to the producer",
        source,
    })
}

/// What became of everything that was handed over so far.
pub(crate) fn told(producer: &Producer) -> Vec<Delivery> {
    producer.context().all().clone()
}

/// Waits until the producer knows what became of everything.
pub(crate) fn flush(producer: &Producer) -> Result<Vec<Delivery>, HazardError> {
    producer.flush(PATIENCE).map_err(client("flush the producer"))?;
    Ok(told(producer))
}

pub(crate) fn consumer(
    bootstrap: &str,
    group: &str,
    settings: &[(&str, &str)],
) -> Result<BaseConsumer, HazardError> {
    let mut all = vec![
        ("group.id", group),
        ("enable.auto.commit", "false"),
        ("auto.offset.reset", "earliest"),
        ("fetch.wait.max.ms", "50"),
    ];
    all.extend_from_slice(settings);
    config(bootstrap, &all)
        .create()
        .map_err(client("start a consumer"))
}

/// Has a consumer read partition 0 of a topic, without any group management.
pub(crate) fn assign(consumer: &BaseConsumer, topic: &str, from: Offset) -> Result<(), HazardError> {
    let mut places = TopicPartitionList::new();
    places
        .add_partition_offset(topic, 0, from)
        .map_err(client("choose a partition"))?;
    consumer.assign(&places).map_err(client("assign a partition"))
}

/// Whether the client gets over an error by itself.
fn is_passing(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown)
    )
}

/// Whether nothing comes for some time.
pub(crate) fn comes_nothing(
    scene: &Scene<'_>,
    consumer: &BaseConsumer,
    time: Duration,
) -> Result<bool, HazardError> {
    let came = scene.within(time, || {
        let message = consumer.poll(Duration::from_millis(20)).transpose();
        Ok(message.map_err(client("read"))?.is_some())
    })?;
    Ok(!came)
}

/// Reads up to `most` records: offset and value. The first may take as long as it takes to start; after it, reading
/// ends earlier when nothing has come for `idle`.
pub(crate) fn read(
    scene: &Scene<'_>,
    consumer: &BaseConsumer,
    most: usize,
    idle: Duration,
) -> Result<Vec<(i64, String)>, HazardError> {
    let mut read = Vec::new();
    while read.len() < most {
        let before = read.len();
        let limit = if read.is_empty() { PATIENCE.max(idle) } else { idle };
        scene.within(limit, || {
            if let Some(message) = consumer.poll(Duration::from_millis(20)) {
                let message = match message {
                    Err(error) if is_passing(&error) => return Ok(false),
                    other => other.map_err(client("read"))?,
                };
                let value = String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned();
                read.push((message.offset(), value));
            }
            Ok(read.len() > before)
        })?;
        if read.len() == before {
            break;
        }
    }
    Ok(read)
}
