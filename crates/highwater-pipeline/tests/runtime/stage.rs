//! A dev broker in this process, what is written to it, and what stands in it.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use highwater_broker::{Broker, BrokerConfig};
use highwater_pipeline::runtime::Control;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Longer than anything here takes; only a failure waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads")
});

pub(crate) struct Stage {
    address: String,
    stop: Option<oneshot::Sender<()>>,
    _data: TempDir,
}

/// A record that was read.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Stage {
    pub(crate) fn set() -> Self {
        // What was said is shown with a test that fails.
        let _ = tracing_subscriber::fmt()
            .with_test_writer()
            .with_ansi(false)
            .try_init();
        let data = TempDir::new().expect("a folder");
        let mut config = BrokerConfig::new(([127, 0, 0, 1], 0).into(), data.path());
        config.min_session_timeout = Duration::from_millis(100);
        let broker = RUNTIME.block_on(Broker::bind(config)).expect("a broker");
        let address = broker.addresses()[0].to_string();
        let (stop, stopped) = oneshot::channel();
        RUNTIME.spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            broker.serve(stopped).await.expect("a broker");
        });
        Self {
            address,
            stop: Some(stop),
            _data: data,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.address);
        config
    }

    pub(crate) fn topic(&self, name: &str, partitions: i32, more: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("a client");
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        for (key, value) in more {
            topic = topic.set(key, value);
        }
        let made = RUNTIME.block_on(admin.create_topics([&topic], &AdminOptions::new()));
        made.expect("an answer").remove(0).expect("made");
    }

    pub(crate) fn write<'a>(&self, topic: &str, records: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let producer: BaseProducer = self.client().create().expect("a client");
        for (key, value) in records {
            let record = BaseRecord::to(topic).key(key).payload(value);
            producer.send(record).map_err(|(error, _)| error).expect("taken");
        }
        producer.flush(PATIENCE).expect("delivered");
    }

    /// Everything that is committed in a topic now.
    pub(crate) fn read(&self, topic: &str) -> Vec<Read> {
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", "reader")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_committed")
            .create()
            .expect("a client");
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).expect("metadata");
        let partitions = metadata.topics()[0].partitions().len();
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            let partition = i32::try_from(partition).expect("few");
            list.add_partition_offset(topic, partition, Offset::Beginning)
                .expect("an offset");
        }
        consumer.assign(&list).expect("assigned");
        let (mut read, mut ends) = (Vec::new(), 0);
        while ends < partitions {
            match consumer.poll(PATIENCE).expect("in time") {
                Ok(message) => read.push(record(&message)),
                Err(KafkaError::PartitionEOF(_)) => ends += 1,
                Err(error) => panic!("{error}"),
            }
        }
        read
    }

    /// Reads a topic until it holds so many records.
    pub(crate) fn holds(&self, topic: &str, records: usize) -> Vec<Read> {
        let end = Instant::now() + PATIENCE;
        loop {
            let read = self.read(topic);
            if read.len() >= records {
                return read;
            }
            assert!(Instant::now() < end, "{topic}: {} of {records}", read.len());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Stage {
    /// The same, for a topic that a pipeline makes first.
    pub(crate) fn holds_made(&self, topic: &str, records: usize) -> Vec<Read> {
        let client: BaseConsumer = self
            .client()
            .set("allow.auto.create.topics", "false")
            .create()
            .expect("a client");
        until("the topic is made", || {
            let metadata = client.fetch_metadata(Some(topic), PATIENCE).expect("metadata");
            !metadata.topics()[0].partitions().is_empty()
        });
        self.holds(topic, records)
    }
}

fn record(message: &impl Message) -> Read {
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let headers = message
        .headers()
        .into_iter()
        .flat_map(Headers::iter)
        .map(|header| (header.key.to_owned(), text(header.value)))
        .collect();
    Read {
        key: text(message.key()),
        value: text(message.payload()),
        headers,
    }
}

/// Ends a pipeline when a test ends, however that is: a scope would wait for it for ever.
pub(crate) struct Ended<'a>(pub(crate) &'a Control);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}
