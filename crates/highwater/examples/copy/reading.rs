//! The reading side: a member of the group that takes batches and can go back.
//!
//! Invariant: a batch holds records of the present assignment only. Partitions change hands in no other place than
//! in here, between two batches, so that there is never unfinished work when they do. And each record comes once in
//! an assignment, unless it was gone back to: the client library looks after a change of leader whether the log still
//! holds what it read (KIP-320), and may then hand over once more what it has handed over already.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, ConsumerGroupMetadata, Rebalance,
};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};

use crate::arguments::{Arguments, Guarantee};
use crate::batch::Batch;
use crate::defect::Defect;
use crate::saying;
use crate::stopping::Stopping;

/// How long a poll waits for a first record.
const GLANCE: Duration = Duration::from_millis(200);
/// How long it waits for more, from the first on.
const GATHER: Duration = Duration::from_millis(50);
/// How long one question to a broker may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The membership in the group, as the callbacks see it.
#[derive(Default)]
pub(crate) struct Membership {
    /// Counts assignments and revocations.
    changes: AtomicU64,
    /// The group, member and generation of the present assignment.
    ///
    /// Taken when partitions are assigned and never later: a client that was thrown out forgets its member id, and
    /// what it would tell then could pass for a client without a group, which no coordinator refuses.
    member: Mutex<Option<Arc<ConsumerGroupMetadata>>>,
}

impl Membership {
    fn becomes(&self, member: Option<Arc<ConsumerGroupMetadata>>) {
        *self
            .member
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = member;
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}

impl ClientContext for Membership {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, message: &str) {
        if matches!(level, rdkafka::config::RDKafkaLogLevel::Debug) {
            saying::line(format_args!("consumer {facility} {message}"));
        }
    }
}

impl ConsumerContext for Membership {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance {
            saying::line(format_args!("gives back partitions {:?}", numbers(partitions)));
            self.becomes(None);
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            saying::line(format_args!("has partitions {:?}", numbers(partitions)));
            self.becomes(consumer.group_metadata().map(Arc::new));
        }
    }
}

fn numbers(partitions: &TopicPartitionList) -> Vec<i32> {
    partitions
        .elements()
        .iter()
        .map(TopicPartitionListElem::partition)
        .collect()
}

/// A reader of the input.
pub(crate) struct Reader<'a> {
    consumer: BaseConsumer<Membership>,
    arguments: &'a Arguments,
    stopping: &'a Stopping,
    /// It has read further than what counts, and must go back before it reads on.
    astray: Cell<bool>,
    /// The next offset of each partition that was read since the assignment, or since it went back.
    next: RefCell<BTreeMap<i32, i64>>,
}

impl<'a> Reader<'a> {
    /// Joins the group.
    pub(crate) fn open(arguments: &'a Arguments, stopping: &'a Stopping) -> KafkaResult<Self> {
        let committed_only = !arguments.has(Defect::ReadUncommitted);
        let mut config = arguments.client(None);
        config
            .set("group.id", &arguments.group)
            .set(
                "isolation.level",
                if committed_only {
                    "read_committed"
                } else {
                    "read_uncommitted"
                },
            )
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1500")
            .set("fetch.wait.max.ms", "100");
        if arguments.has(Defect::AutoCommitWithWorkers) {
            config
                .set("enable.auto.commit", "true")
                .set("auto.commit.interval.ms", "500");
        }
        let config = arguments.finish(config);
        let consumer: BaseConsumer<Membership> = config.create_with_context(Membership::default())?;
        let topic = if arguments.has(Defect::ReadsAnotherTopic) {
            format!("{}-other", arguments.input)
        } else {
            arguments.input.clone()
        };
        consumer.subscribe(&[&topic])?;
        let guarantee = arguments.guarantee();
        saying::line(format_args!(
            "reads {topic}, writes {}, {guarantee}",
            arguments.output
        ));
        if guarantee == Guarantee::ExactlyOnce && !committed_only {
            saying::line(format_args!("reads what is not committed"));
        }
        Ok(Self {
            consumer,
            arguments,
            stopping,
            astray: Cell::new(false),
            next: RefCell::default(),
        })
    }

    /// The next records: none if nothing came for a while, or if it could not go back yet.
    pub(crate) fn batch(&self) -> Batch {
        let mut batch = Batch::default();
        if self.astray.get() && !self.back() {
            return batch;
        }
        let mut changes = self.changes();
        let mut end = Instant::now() + GLANCE;
        while batch.records.len() < self.arguments.batch as usize && !self.stopping.now() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let polled = self.poll(left);
            if self.changes() != changes {
                // What was read before belongs to nobody or to somebody else now; it is read again from the
                // committed offset by whoever has the partition.
                changes = self.changes();
                batch.records.clear();
                self.next.borrow_mut().clear();
            }
            if let Some(record) = polled.filter(|record| self.is_new(record)) {
                if batch.records.is_empty() {
                    end = Instant::now() + GATHER;
                }
                batch.records.push(record.detach());
            }
        }
        batch
    }

    /// One record, if there is one within that time. Rebalances happen in here.
    pub(crate) fn poll(&self, time: Duration) -> Option<BorrowedMessage<'_>> {
        match self.consumer.poll(time)? {
            Ok(record) => Some(record),
            Err(error) => {
                saying::line(format_args!("{error}"));
                None
            }
        }
    }

    /// False if this record came before in this assignment.
    fn is_new(&self, record: &BorrowedMessage<'_>) -> bool {
        let mut next = self.next.borrow_mut();
        let next = next.entry(record.partition()).or_insert(i64::MIN);
        let new = record.offset() >= *next;
        if new {
            *next = record.offset() + 1;
        } else {
            saying::line(format_args!(
                "leaves out {} of partition {}, as it has been handed over before",
                record.offset(),
                record.partition()
            ));
        }
        new
    }

    /// The member that the present assignment was given to.
    pub(crate) fn member(&self) -> Option<Arc<ConsumerGroupMetadata>> {
        let member = &self.consumer.context().member;
        member
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Commits, and waits for the answer.
    pub(crate) fn commit(&self, offsets: &TopicPartitionList) -> KafkaResult<()> {
        self.consumer.commit(offsets, CommitMode::Sync)
    }

    /// What was read since the last commit does not count: the next batch begins at the committed offsets.
    pub(crate) fn go_back(&self) {
        self.astray.set(true);
    }

    /// Goes to these offsets without asking what is committed.
    pub(crate) fn go_to(&self, offsets: TopicPartitionList) -> KafkaResult<()> {
        self.next.borrow_mut().clear();
        self.consumer.seek_partitions(offsets, PATIENCE).map(drop)
    }

    fn changes(&self) -> u64 {
        self.consumer.context().changes.load(Ordering::SeqCst)
    }

    /// True when the next record is the first that is not committed.
    fn back(&self) -> bool {
        let changes = self.changes();
        self.next.borrow_mut().clear();
        match self.to_committed() {
            Ok(()) => self.astray.set(false),
            Err(error) => {
                saying::line(format_args!("can't go back yet: {error}"));
                // Keeps the membership alive; what comes is read again.
                drop(self.poll(GLANCE));
            }
        }
        if self.changes() != changes {
            // A new assignment begins at the committed offsets anyway.
            self.astray.set(false);
        }
        !self.astray.get()
    }

    fn to_committed(&self) -> KafkaResult<()> {
        let assigned = self.consumer.assignment()?;
        if assigned.count() == 0 {
            return Ok(());
        }
        let mut places = self.consumer.committed_offsets(assigned, PATIENCE)?;
        for (key, offset) in places.to_topic_map() {
            if offset == Offset::Invalid {
                places.set_partition_offset(&key.0, key.1, Offset::Beginning)?;
            }
        }
        let done = self.consumer.seek_partitions(places, PATIENCE)?;
        let refused = done.elements().iter().find_map(|element| element.error().err());
        refused.map_or(Ok(()), Err::<(), KafkaError>)
    }
}
