//! The group: which partitions are ours, and the legs in them.
//!
//! Invariant: a partition that is given back has no window open when the group hears of it, unless that takes longer
//! than [`GIVING_BACK`]; then the fence decides.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message as _;

use super::client::{Cluster, SESSION, log, passes, trouble};

const GLANCE: Duration = Duration::from_millis(100);
/// How long a partition may take to end its window when it is given back; less than a session.
pub(crate) const GIVING_BACK: Duration = Duration::from_secs(4);

/// Who is told what the group decides.
pub(crate) trait Assignments: Send + Sync + 'static {
    /// These are ours now.
    fn assigned(&self, partitions: &[i32]);
    /// These are not ours any more; returns when their windows are closed.
    fn revoked(&self, partitions: &[i32]);
    /// A leg; false if there are too many already, and no more of this partition should come for now.
    fn leg(&self, partition: i32, offset: i64, value: &[u8]) -> bool;
    /// Whether there is room for more.
    fn has_room(&self, partition: i32) -> bool;
}

struct Context<A>(Arc<A>);

impl<A: Assignments> ClientContext for Context<A> {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        trouble(&error, reason);
    }
}

fn numbers(partitions: &TopicPartitionList) -> Vec<i32> {
    partitions
        .elements()
        .iter()
        .map(rdkafka::topic_partition_list::TopicPartitionListElem::partition)
        .collect()
}

impl<A: Assignments> ConsumerContext for Context<A> {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            self.0.revoked(&numbers(partitions));
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => self.0.assigned(&numbers(partitions)),
            Rebalance::Error(error) => tracing::warn!(%error, "rebalance"),
            Rebalance::Revoke(_) => {}
        }
    }
}

/// A member of the group.
pub(crate) struct Membership<A: Assignments> {
    consumer: BaseConsumer<Context<A>>,
    assignments: Arc<A>,
    legs: String,
}

impl<A: Assignments> Membership<A> {
    /// Joins.
    pub(crate) fn join(cluster: &Cluster, assignments: Arc<A>) -> KafkaResult<Self> {
        let mut config = cluster.consumer(&cluster.name);
        config
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", SESSION.as_millis().to_string())
            .set("heartbeat.interval.ms", (SESSION / 4).as_millis().to_string())
            // A group without offsets has taken nothing yet.
            .set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer<Context<A>> =
            config.create_with_context(Context(Arc::clone(&assignments)))?;
        consumer.subscribe(&[&cluster.legs()])?;
        Ok(Self {
            consumer,
            assignments,
            legs: cluster.legs(),
        })
    }

    /// Stays a member until told to stop, then leaves.
    pub(crate) fn stay(self, stopping: &AtomicBool) {
        let mut paused: BTreeSet<i32> = BTreeSet::new();
        while !stopping.load(Ordering::Relaxed) {
            match self.consumer.poll(GLANCE) {
                Some(Ok(record)) => {
                    let (partition, value) = (record.partition(), record.payload().unwrap_or_default());
                    if !self.assignments.leg(partition, record.offset(), value) && paused.insert(partition) {
                        self.flow(partition, false);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) | None => {}
                Some(Err(error)) if passes(&error) => tracing::debug!(%error, "member"),
                Some(Err(error)) => tracing::warn!(%error, "member"),
            }
            paused.retain(|partition| {
                let room = self.assignments.has_room(*partition);
                if room {
                    self.flow(*partition, true);
                }
                !room
            });
        }
        if let Ok(assigned) = self.consumer.assignment() {
            self.assignments.revoked(&numbers(&assigned));
        }
    }

    fn flow(&self, partition: i32, flow: bool) {
        let mut one = TopicPartitionList::new();
        one.add_partition(&self.legs, partition);
        let done = if flow {
            self.consumer.resume(&one)
        } else {
            self.consumer.pause(&one)
        };
        if let Err(error) = done {
            // It may be somebody else's by now.
            tracing::debug!(%error, partition, "pause or resume");
        }
    }
}
