//! The reading side: a member of the group, and what the group wants of it.
//!
//! The client's callback only notes that partitions come or go. The loop answers when it is ready, from its own
//! thread: until then the group waits, heartbeats go on, and the partitions that stay flow on. When the reader is
//! dropped, what the group wants is answered at once.
//!
//! Invariant: the metadata of the group is taken with an assignment or a revocation, and never for a member that was
//! thrown out: what such a client would tell passes for a client without a group, which no coordinator refuses.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, ConsumerGroupMetadata, RebalanceProtocol,
};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::error::RunError;
use super::wake::Wake;
use crate::offset::{CommitPoint, Resume};

/// What the group wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// These partitions are ours, as soon as we take them.
    Assigned(Vec<i32>),
    /// These are to be given back.
    Revoked(Vec<i32>),
    /// These are gone.
    Lost(Vec<i32>),
}

/// What the client's callbacks have noted.
pub(super) struct Membership {
    direct: AtomicBool,
    changes: Mutex<VecDeque<Change>>,
    member: Mutex<Option<Arc<ConsumerGroupMetadata>>>,
    commits: Mutex<Vec<KafkaResult<()>>>,
    wake: Wake,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        super::said(level, "consumer", facility, message);
    }

    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition is told as an error too.
        if error != KafkaError::Global(RDKafkaErrorCode::PartitionEOF) {
            tracing::warn!(%error, reason, "consumer");
        }
    }
}

impl ConsumerContext for Membership {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let assigned = what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let numbers: Vec<i32> = partitions
            .elements()
            .iter()
            .map(TopicPartitionListElem::partition)
            .collect();
        if self.direct.load(Ordering::SeqCst) {
            let answered = match (assigned, is_cooperative(consumer)) {
                (true, true) => consumer.incremental_assign(partitions),
                (true, false) => consumer.assign(partitions),
                (false, true) => consumer.incremental_unassign(partitions),
                (false, false) => consumer.unassign(),
            };
            if let Err(error) = answered {
                tracing::warn!(%error, "a rebalance at the end was not answered");
            }
            return;
        }
        let member = consumer.group_metadata().map(Arc::new);
        // Asked afterwards: a member that was thrown out before the metadata was taken is seen here.
        let lost = consumer.assignment_lost();
        *lock(&self.member) = member.filter(|_| !lost);
        let change = match (assigned, lost) {
            (true, _) => Change::Assigned(numbers),
            (false, false) => Change::Revoked(numbers),
            (false, true) => Change::Lost(numbers),
        };
        tracing::info!(?change, "group");
        lock(&self.changes).push_back(change);
        self.wake.now();
    }
}

fn is_cooperative(consumer: &BaseConsumer<Membership>) -> bool {
    // One that is in no group assigns by itself, and may do it bit by bit.
    !matches!(consumer.rebalance_protocol(), RebalanceProtocol::Eager)
}

/// A consumer of one topic.
pub(super) struct Reader {
    consumer: Arc<BaseConsumer<Membership>>,
    topic: String,
    committer: Committer,
}

/// A thread that commits and waits for the answers: the client tells nobody how a commit ended that is not waited for.
struct Committer {
    lists: Option<mpsc::Sender<TopicPartitionList>>,
    waits: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    fn start(consumer: &Arc<BaseConsumer<Membership>>) -> io::Result<Self> {
        let (lists, asked) = mpsc::channel::<TopicPartitionList>();
        let waits = Arc::new(AtomicBool::new(false));
        let (consumer, waiting) = (Arc::clone(consumer), Arc::clone(&waits));
        let thread = std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || {
                for list in asked {
                    let result = consumer.commit(&list, CommitMode::Sync);
                    waiting.store(false, Ordering::SeqCst);
                    lock(&consumer.context().commits).push(result);
                    consumer.context().wake.now();
                }
            })?;
        Ok(Self {
            lists: Some(lists),
            waits,
            thread: Some(thread),
        })
    }

    fn commit(&self, list: TopicPartitionList) {
        self.waits.store(true, Ordering::SeqCst);
        if let Some(lists) = &self.lists {
            drop(lists.send(list));
        }
    }

    /// Ends it. One that waits for a broker is left behind: it would hold up the end for as long as that takes.
    fn end(&mut self) {
        drop(self.lists.take());
        if let Some(thread) = self.thread.take()
            && !self.waits.load(Ordering::SeqCst)
        {
            drop(thread.join());
        }
    }
}

impl Reader {
    pub(super) fn open(
        settings: &BTreeMap<String, String>,
        topic: &str,
        wake: &Wake,
        client: &'static str,
    ) -> Result<Self, RunError> {
        let mut config = ClientConfig::new();
        for (key, value) in settings {
            config.set(key, value);
        }
        let membership = Membership {
            direct: AtomicBool::new(false),
            changes: Mutex::default(),
            member: Mutex::default(),
            commits: Mutex::default(),
            wake: wake.clone(),
        };
        let mut consumer: BaseConsumer<Membership> = config
            .create_with_context(membership)
            .map_err(|source| RunError::Client { client, source })?;
        let wake = wake.clone();
        consumer.set_nonempty_callback(move || wake.now());
        let consumer = Arc::new(consumer);
        Ok(Self {
            committer: Committer::start(&consumer)?,
            consumer,
            topic: topic.to_owned(),
        })
    }

    pub(super) fn subscribe(&self) -> KafkaResult<()> {
        self.consumer.subscribe(&[&self.topic])
    }

    /// What is there. The client says nothing for an event that is none of ours, too: it is asked twice.
    pub(super) fn poll(&self) -> Option<KafkaResult<BorrowedMessage<'_>>> {
        match self.consumer.poll(Duration::ZERO) {
            None => self.consumer.poll(Duration::ZERO),
            polled => polled,
        }
    }

    pub(super) fn next_change(&self) -> Option<Change> {
        lock(&self.consumer.context().changes).pop_front()
    }

    /// Results of commits since the last call.
    pub(super) fn commits(&self) -> Vec<KafkaResult<()>> {
        std::mem::take(&mut *lock(&self.consumer.context().commits))
    }

    pub(super) fn member(&self) -> Option<Arc<ConsumerGroupMetadata>> {
        lock(&self.consumer.context().member).clone()
    }

    /// The metadata of a group that is never joined: no generation, no member.
    pub(super) fn nobody(&self) -> Option<ConsumerGroupMetadata> {
        self.consumer.group_metadata()
    }

    /// Takes partitions, to be read from these offsets; without one from where `auto.offset.reset` says.
    pub(super) fn assign(&self, places: &BTreeMap<i32, Option<i64>>) -> KafkaResult<()> {
        let list = self.places(places)?;
        if is_cooperative(&self.consumer) {
            self.consumer.incremental_assign(&list)
        } else {
            self.consumer.assign(&list)
        }
    }

    /// Lets partitions go.
    pub(super) fn unassign(&self, partitions: &[i32]) -> KafkaResult<()> {
        if is_cooperative(&self.consumer) {
            self.consumer.incremental_unassign(&self.list(partitions))
        } else {
            self.consumer.unassign()
        }
    }

    pub(super) fn pause(&self, partitions: &[i32]) -> KafkaResult<()> {
        self.consumer.pause(&self.list(partitions))
    }

    pub(super) fn resume(&self, partitions: &[i32]) -> KafkaResult<()> {
        self.consumer.resume(&self.list(partitions))
    }

    /// Where each partition was committed, if it was. With `read_committed` the answer waits for transactions that
    /// hold offsets of these partitions.
    pub(super) fn committed(
        &self,
        partitions: &[i32],
        limit: Duration,
    ) -> KafkaResult<BTreeMap<i32, Option<Resume>>> {
        let found = self.consumer.committed_offsets(self.list(partitions), limit)?;
        let mut places = BTreeMap::new();
        for element in found.elements() {
            element.error()?;
            let Offset::Offset(offset) = element.offset() else {
                places.insert(element.partition(), None);
                continue;
            };
            // The client panics at metadata that is no UTF-8, and that may be anybody's.
            let metadata =
                catch_unwind(AssertUnwindSafe(|| element.metadata().to_owned())).unwrap_or_default();
            let (resume, odd) = Resume::committed(offset, &metadata);
            if let Some(odd) = odd.filter(|_| !metadata.is_empty()) {
                tracing::warn!(partition = element.partition(), offset, "{odd}");
            }
            places.insert(element.partition(), Some(resume));
        }
        Ok(places)
    }

    /// Goes back, or on, to these offsets. Nothing that was fetched before is delivered afterwards.
    pub(super) fn seek(&self, places: &BTreeMap<i32, Option<i64>>, limit: Duration) -> KafkaResult<()> {
        if places.is_empty() {
            return Ok(());
        }
        let done = self.consumer.seek_partitions(self.places(places)?, limit)?;
        done.elements().iter().try_for_each(TopicPartitionListElem::error)
    }

    /// Where each partition goes on: behind the last record that was delivered, and behind markers.
    pub(super) fn positions(&self) -> KafkaResult<BTreeMap<i32, i64>> {
        let found = self.consumer.position()?;
        Ok(found
            .elements()
            .iter()
            .filter_map(|element| match element.offset() {
                Offset::Offset(offset) => Some((element.partition(), offset)),
                _ => None,
            })
            .collect())
    }

    /// Commits, and notes the answer for [`Self::commits`].
    pub(super) fn commit(&self, points: &BTreeMap<i32, CommitPoint>) -> KafkaResult<()> {
        self.committer.commit(self.points(points)?);
        Ok(())
    }

    /// Commit points as the client wants them.
    pub(super) fn points(&self, points: &BTreeMap<i32, CommitPoint>) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::with_capacity(points.len());
        for (partition, point) in points {
            let mut element = list.add_partition(&self.topic, *partition);
            element.set_offset(Offset::Offset(point.offset))?;
            if !point.metadata.is_empty() {
                element.set_metadata(&point.metadata);
            }
        }
        Ok(list)
    }

    fn list(&self, partitions: &[i32]) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(&self.topic, *partition);
        }
        list
    }

    fn places(&self, places: &BTreeMap<i32, Option<i64>>) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::with_capacity(places.len());
        for (partition, offset) in places {
            let mut element = list.add_partition(&self.topic, *partition);
            if let Some(offset) = offset {
                element.set_offset(Offset::Offset(*offset))?;
            }
        }
        Ok(list)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.consumer.context().direct.store(true, Ordering::SeqCst);
        // What the group wanted last and did not get: the client would wait for it for ever.
        while let Some(change) = self.next_change() {
            let answered = match change {
                Change::Assigned(partitions) => self.assign(
                    &partitions
                        .into_iter()
                        .map(|partition| (partition, None))
                        .collect(),
                ),
                Change::Revoked(partitions) | Change::Lost(partitions) => self.unassign(&partitions),
            };
            if let Err(error) = answered {
                tracing::warn!(%error, "a rebalance at the end was not answered");
            }
        }
        self.committer.end();
    }
}
