//! The clients' settings, each with its reason.
//!
//! Invariant: what a scenario sets itself always wins; it comes last. This is the only place that names
//! settings of librdkafka.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::access;

/// When a broker acknowledges a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// When all in-sync replicas have it.
    All,
    /// When the leader has it.
    Leader,
    /// Never: the client counts it as acknowledged when it is sent.
    None,
}

/// How batches are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Not at all.
    None,
    /// gzip
    Gzip,
    /// snappy
    Snappy,
    /// LZ4
    Lz4,
    /// Zstandard
    Zstd,
}

/// How a producer's client behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientSettings {
    /// When a record counts as acknowledged.
    pub acks: Acks,
    /// Whether the broker keeps retries from writing a record twice; needs [`Acks::All`].
    pub idempotence: bool,
    /// Compression of batches.
    pub compression: Codec,
    /// How long the client waits for a batch to fill.
    pub linger: Duration,
    /// Most records in the client, sent or not, without an outcome.
    pub queue_records: u32,
    /// Most bytes of such records.
    pub queue_bytes: u64,
    /// How long the client tries to deliver a record before it gives up.
    pub delivery_timeout: Duration,
    /// Settings of librdkafka by name; they win over everything else.
    pub extra: BTreeMap<String, String>,
}

impl Default for ClientSettings {
    /// acks=all, idempotent, no compression, 5 ms linger, a queue of 500,000 records or 1 GiB, 2 minutes to
    /// deliver.
    fn default() -> Self {
        Self {
            acks: Acks::All,
            idempotence: true,
            compression: Codec::None,
            linger: Duration::from_millis(5),
            queue_records: 500_000,
            queue_bytes: 1 << 30,
            delivery_timeout: Duration::from_secs(120),
            extra: BTreeMap::new(),
        }
    }
}

/// Reconnecting must not show in the time that a broker takes to recover: the library's own 100 ms to 10 s
/// would.
const RECONNECT: [(&str, &str); 2] = [
    ("reconnect.backoff.ms", "20"),
    ("reconnect.backoff.max.ms", "250"),
];

/// What every client of a run has in common, and what its cluster asks of all clients.
fn base(bootstrap: &str, client_id: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("client.id", client_id)
        // Small requests are measured too; they must not wait for company.
        .set("socket.nagle.disable", "true")
        .set("socket.keepalive.enable", "true")
        // A new leader is asked for at once and not after the library's 100 ms.
        .set("topic.metadata.refresh.fast.interval.ms", "25")
        .set("retry.backoff.ms", "20")
        .set("retry.backoff.max.ms", "250")
        // A lost connection is an event of the run.
        .set("log.connection.close", "true")
        .set_log_level(RDKafkaLogLevel::Warning);
    for (name, value) in RECONNECT {
        config.set(name, value);
    }
    if let Some(access) = access::admitted(bootstrap) {
        for (name, value) in access.settings() {
            config.set(name, value);
        }
    }
    config
}

/// Settings of a producer.
pub(crate) fn producer(bootstrap: &str, client_id: &str, settings: &ClientSettings) -> ClientConfig {
    let mut config = base(bootstrap, client_id);
    let acks = match settings.acks {
        Acks::All => "all",
        Acks::Leader => "1",
        Acks::None => "0",
    };
    let codec = match settings.compression {
        Codec::None => "none",
        Codec::Gzip => "gzip",
        Codec::Snappy => "snappy",
        Codec::Lz4 => "lz4",
        Codec::Zstd => "zstd",
    };
    config
        .set("acks", acks)
        .set("enable.idempotence", settings.idempotence.to_string())
        .set("compression.type", codec)
        .set(
            "linger.ms",
            format!("{:.3}", settings.linger.as_secs_f64() * 1_000.0),
        )
        .set("queue.buffering.max.messages", settings.queue_records.to_string())
        .set(
            "queue.buffering.max.kbytes",
            settings.queue_bytes.div_ceil(1_024).to_string(),
        )
        .set(
            "message.timeout.ms",
            settings.delivery_timeout.as_millis().to_string(),
        )
        // The same partition for a key as the Java clients choose; records without one stick to a partition
        // for a batch.
        .set("partitioner", "murmur2_random")
        // Once a second the client tells how many bytes it sent, for the compression ratio.
        .set("statistics.interval.ms", "1000");
    for (name, value) in &settings.extra {
        config.set(name, value);
    }
    if settings.extra.contains_key("debug") {
        config.set_log_level(RDKafkaLogLevel::Debug);
    }
    config
}

/// Settings of a consumer in a group.
pub(crate) fn group_consumer(bootstrap: &str, client_id: &str, group: &str) -> ClientConfig {
    let mut config = consumer(bootstrap, client_id);
    config
        .set("group.id", group)
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "true")
        .set("auto.commit.interval.ms", "1000")
        // Long enough to live through a broker's restart without leaving the group.
        .set("session.timeout.ms", "45000");
    config
}

/// Settings of a consumer that is told what to read. The library demands the name of a group for that, although
/// nothing is ever committed.
pub(crate) fn reader(bootstrap: &str, client_id: &str) -> ClientConfig {
    let mut config = asker(bootstrap, client_id, "read_uncommitted");
    config
        .set("group.id", client_id)
        .set("enable.partition.eof", "true")
        // An offset that is gone must be an error and not a jump.
        .set("auto.offset.reset", "error");
    config
}

/// Settings of a client that only asks questions. It has no group: closing one takes 100 ms.
pub(crate) fn asker(bootstrap: &str, client_id: &str, isolation: &str) -> ClientConfig {
    let mut config = consumer(bootstrap, client_id);
    config
        .set("isolation.level", isolation)
        .set("enable.auto.commit", "false");
    config
}

/// What both kinds of consumers have in common.
fn consumer(bootstrap: &str, client_id: &str) -> ClientConfig {
    let mut config = base(bootstrap, client_id);
    config
        .set("allow.auto.create.topics", "false")
        // The longest a broker may hold an empty fetch; one with data is answered at once.
        .set("fetch.wait.max.ms", "100")
        .set("fetch.min.bytes", "1")
        // The library stops fetching for a whole second whenever its queue is full.
        .set("fetch.queue.backoff.ms", "2")
        .set("fetch.error.backoff.ms", "50")
        // Bounds the memory of read-ahead.
        .set("queued.max.messages.kbytes", "32768")
        // A damaged batch would end the reading and take every other record with it. Each record carries a checksum
        // of its value, so that damage is found where it is, and named.
        .set("check.crcs", "false");
    config
}

/// Settings of a client that asks for metadata and administers topics.
pub(crate) fn admin(bootstrap: &str, client_id: &str) -> ClientConfig {
    base(bootstrap, client_id)
}

#[cfg(test)]
mod tests {
    use rdkafka::consumer::BaseConsumer;
    use rdkafka::producer::BaseProducer;

    use super::*;
    use crate::LoadError;

    const NOWHERE: &str = "127.0.0.1:1";

    fn create(settings: &ClientSettings) -> Result<BaseProducer, LoadError> {
        producer(NOWHERE, "test", settings)
            .create()
            .map_err(LoadError::of_client)
    }

    #[test]
    fn the_library_accepts_every_combination() {
        for compression in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            for (acks, idempotence) in [
                (Acks::All, true),
                (Acks::All, false),
                (Acks::Leader, false),
                (Acks::None, false),
            ] {
                let settings = ClientSettings {
                    acks,
                    idempotence,
                    compression,
                    ..ClientSettings::default()
                };
                create(&settings).unwrap();
            }
        }
        let _: BaseConsumer = group_consumer(NOWHERE, "test", "group").create().unwrap();
        let _: BaseConsumer = reader(NOWHERE, "test").create().unwrap();
    }

    #[test]
    fn wrong_settings_are_named() {
        let with = |name: &str, value: &str| ClientSettings {
            extra: BTreeMap::from([(name.to_owned(), value.to_owned())]),
            ..ClientSettings::default()
        };
        let cases = [
            (with("linger.mss", "5"), "linger.mss"),
            (with("linger.ms", "soon"), "linger.ms"),
            (with("batch.size", "-4"), "batch.size"),
            (with("acks", "1"), "acks"),
        ];
        for (settings, word) in cases {
            let message = create(&settings).err().unwrap().to_string();
            assert!(message.contains(word), "{message}");
        }
        let message = create(&with("sasl.passwort", "hunter2"))
            .err()
            .unwrap()
            .to_string();
        assert!(
            message.contains("sasl.passwort") && !message.contains("hunter2"),
            "{message}"
        );
    }
}
