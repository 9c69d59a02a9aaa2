//! The topics of a pipeline: looked at before anything runs, and made where they may be.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;

use super::control::Control;
use super::error::RunError;
use crate::pipeline::Topics;

const CALL: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);
/// How long a topic that was just made may take to be known.
const KNOWN: Duration = Duration::from_secs(20);

/// A client that looks at topics, and at what is in them whether it is committed or not.
pub(super) struct Topography {
    client: BaseConsumer,
    config: ClientConfig,
}

impl Topography {
    /// Of all settings those that say how to connect.
    pub(super) fn open(settings: &BTreeMap<String, String>) -> Result<Self, RunError> {
        let mut config = ClientConfig::new();
        for (key, value) in settings {
            let of_groups = key.starts_with("group.")
                || key.starts_with("enable.auto.")
                || key.starts_with("statistics.")
                || key == "partition.assignment.strategy";
            if !of_groups {
                config.set(key, value);
            }
        }
        config
            .set("isolation.level", "read_uncommitted")
            .set("enable.auto.commit", "false")
            // A topic is made on purpose or not at all.
            .set("allow.auto.create.topics", "false");
        let client = config.create().map_err(|source| RunError::Client {
            client: "client that looks at topics",
            source,
        })?;
        Ok(Self { client, config })
    }

    /// The first offset of a partition, and the one behind its last record, committed or not.
    pub(super) fn ends(&self, topic: &str, partition: i32) -> KafkaResult<(i64, i64)> {
        self.client.fetch_watermarks(topic, partition, CALL)
    }

    /// Partitions of the retry topic and of the dead letters, made if they are absent. Waits for the source topic and
    /// for brokers; nothing, when the pipeline is stopped meanwhile.
    pub(super) fn prepare(&self, topics: &Topics, control: &Control) -> Result<Option<(i32, i32)>, RunError> {
        let mut told = false;
        let source = loop {
            if control.stopping() {
                return Ok(None);
            }
            match self.partitions(&topics.source) {
                Ok(Some(partitions)) => break partitions,
                ended => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(topic = topics.source, ?ended, "waits for the source topic");
                    }
                    thread::sleep(PAUSE);
                }
            }
        };
        let Some(retry) = self.made(&topics.retry, "retry topic", source, control)? else {
            return Ok(None);
        };
        if retry < source {
            return Err(RunError::Partitions {
                retry: topics.retry.clone(),
                has: retry,
                source_topic: topics.source.clone(),
                needs: source,
            });
        }
        let letters = self.made(&topics.dead_letters, "topic of dead letters", source, control)?;
        Ok(letters.map(|letters| (retry, letters)))
    }

    fn made(
        &self,
        topic: &str,
        role: &'static str,
        partitions: i32,
        control: &Control,
    ) -> Result<Option<i32>, RunError> {
        let end = Instant::now() + KNOWN;
        let mut asked = false;
        loop {
            if control.stopping() {
                return Ok(None);
            }
            match self.partitions(topic) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) if !asked => {
                    self.make(topic, partitions).map_err(|reason| RunError::Topic {
                        topic: topic.to_owned(),
                        role,
                        reason,
                    })?;
                    asked = true;
                    tracing::info!(topic, partitions, "made the {role}");
                }
                Ok(None) if Instant::now() > end => {
                    return Err(RunError::Topic {
                        topic: topic.to_owned(),
                        role,
                        reason: "it was made and is not known".to_owned(),
                    });
                }
                Ok(None) => thread::sleep(PAUSE),
                Err(error) => {
                    tracing::warn!(topic, %error, "cannot look at the {role} yet");
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    fn partitions(&self, topic: &str) -> KafkaResult<Option<i32>> {
        let metadata = self.client.fetch_metadata(Some(topic), CALL)?;
        let found = metadata
            .topics()
            .iter()
            .find(|found| found.name() == topic && found.error().is_none());
        Ok(found
            .and_then(|found| i32::try_from(found.partitions().len()).ok())
            .filter(|partitions| *partitions > 0))
    }

    /// Parked records and dead letters stay until somebody has seen to them: no retention by time.
    fn make(&self, topic: &str, partitions: i32) -> Result<(), String> {
        let admin: AdminClient<DefaultClientContext> =
            self.config.create().map_err(|error| error.to_string())?;
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1)).set("retention.ms", "-1");
        let options = AdminOptions::new().operation_timeout(Some(CALL));
        let results =
            block_on(admin.create_topics([&new], &options)).map_err(|error: KafkaError| error.to_string())?;
        for result in results {
            match result {
                // Another instance was quicker.
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((_, error)) => return Err(error.to_string()),
            }
        }
        Ok(())
    }
}

/// Runs a future on this thread; the client wakes it from its own.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
