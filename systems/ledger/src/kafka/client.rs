//! How the cluster is reached, and the settings that all clients share.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

/// How long one question to a broker may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// A member that is not heard of for so long loses its partitions.
pub(crate) const SESSION: Duration = Duration::from_secs(6);
/// After this time without a sign of life the coordinator aborts a transaction: readers wait for it.
pub(super) const TRANSACTION: Duration = Duration::from_secs(10);

/// A client whose troubles are told once: an end of a partition is none, and librdkafka goes on by itself after others.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Quiet;

pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    tracing::debug!(?level, facility, message, "librdkafka");
}

pub(super) fn trouble(error: &KafkaError, reason: &str) {
    tracing::debug!(%error, reason, "librdkafka");
}

/// Whether librdkafka is still at it by itself: a broker is away.
pub(super) fn passes(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::OperationTimedOut
        )
    )
}

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        trouble(&error, reason);
    }
}

impl ConsumerContext for Quiet {}

/// A consumer that is quiet.
pub(super) type Consumer = BaseConsumer<Quiet>;

/// The cluster, and the names that this bank has in it.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    /// `host:port`, or several with commas.
    pub(crate) bootstrap: String,
    /// What the names of topics, of the group and of transactional ids begin with.
    pub(crate) name: String,
    /// Settings of librdkafka on top, for TLS and logins.
    pub(crate) settings: Vec<(String, String)>,
}

impl Cluster {
    pub(crate) fn events(&self) -> String {
        format!("{}.events", self.name)
    }

    pub(crate) fn legs(&self) -> String {
        format!("{}.legs", self.name)
    }

    pub(crate) fn owners(&self) -> String {
        format!("{}.owners", self.name)
    }

    /// The same at every start, whoever has the partition: that is the fence.
    pub(super) fn transactional_id(&self, partition: i32) -> String {
        format!("{}-{partition}", self.name)
    }

    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            // librdkafka 2.12 can hang in sending offsets after it has looked for brokers anew (its issue 5456).
            .set("metadata.recovery.strategy", "none");
        for (name, value) in &self.settings {
            config.set(name, value);
        }
        config
    }

    /// A consumer that reads what is committed, and never commits by itself.
    pub(super) fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", group)
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // What is gone must be told, and not be passed over.
            .set("auto.offset.reset", "error")
            .set("enable.partition.eof", "true")
            // librdkafka pauses a partition for a second when its queue is full, by default.
            .set("fetch.queue.backoff.ms", "20")
            .set("fetch.wait.max.ms", "50")
            .set("queued.max.messages.kbytes", "16384");
        config
    }

    /// A consumer that is told what to read, and belongs to no group. The name of a group is needed all the same.
    pub(super) fn lone_consumer(&self) -> KafkaResult<Consumer> {
        self.consumer(&format!("{}-readers", self.name))
            .create_with_context(Quiet)
    }

    /// Somebody of the group who is no member: for committed offsets.
    pub(super) fn nobody(&self) -> KafkaResult<Consumer> {
        self.consumer(&self.name).create_with_context(Quiet)
    }
}
