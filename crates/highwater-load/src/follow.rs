//! Following topics while they are written: every record as soon as it can be had.
//!
//! Invariant: no group is joined and nothing is committed; records of a partition come in the order of offsets. What
//! the records are is said by whoever follows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use crate::admin::Quiet;
use crate::forward::Forward;
use crate::{LoadError, settings};

/// How often an end is looked for while nothing comes.
const POLL: Duration = Duration::from_millis(50);

/// A record as it came.
#[derive(Debug, Clone, Copy)]
pub struct Followed<'a> {
    /// Topic.
    pub topic: &'a str,
    /// Key.
    pub key: Option<&'a [u8]>,
    /// Value; none for a tombstone.
    pub value: Option<&'a [u8]>,
}

/// Follows topics in a thread of its own until it is dropped.
#[derive(Debug)]
pub struct Follower {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Follows these topics, each with its number of partitions, from their starts.
    ///
    /// # Errors
    /// The client library refuses.
    pub fn start(
        bootstrap: &str,
        topics: &[(String, u32)],
        mut take: impl FnMut(Followed<'_>) + Send + 'static,
    ) -> Result<Self, LoadError> {
        let consumer: BaseConsumer<Quiet> = settings::reader(bootstrap, "highwater-follower")
            .set("enable.partition.eof", "false")
            .create_with_context(Quiet)
            .map_err(LoadError::of_client)?;
        let mut list = TopicPartitionList::new();
        for (topic, partitions) in topics {
            let failed = |source| LoadError::Topic {
                action: "assignment",
                topic: topic.clone(),
                source,
            };
            for partition in 0..partitions.cast_signed() {
                list.add_partition_offset(topic, partition, Offset::Offset(0))
                    .map_err(failed)?;
            }
            consumer.assign(&list).map_err(failed)?;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut forward = BTreeMap::new();
            while !told.load(Relaxed) {
                // Errors of connections pass; what was not followed is read back later.
                let Some(Ok(message)) = consumer.poll(POLL) else {
                    continue;
                };
                let topic = match forward.get_mut(message.topic()) {
                    Some(topic) => topic,
                    None => forward
                        .entry(message.topic().to_owned())
                        .or_insert_with(Forward::new),
                };
                if topic.is_new(message.partition(), message.offset()) {
                    take(Followed {
                        topic: message.topic(),
                        key: message.key(),
                        value: message.payload(),
                    });
                }
            }
        });
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic has been told on standard error.
            let _ = thread.join();
        }
    }
}
