//! All groups: finds the state machine, keeps who waits for an answer, lets the clock run.
//!
//! Invariant: every request that a state machine holds back has its sender here, and gets an answer
//! when the state machine gives one; if the client has gone meanwhile, the answer is dropped.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use kafka_protocol::error::ResponseError;
use tokio::sync::{Notify, oneshot};

use super::defects::GroupDefects;
use super::member::{JoinAnswer, JoinRequest};
use super::offsets::{Committed, OffsetKey, Offsets};
use super::state::{Answer, CommitRequest, Group, GroupSettings, JoinRefusal, SyncAnswer, SyncRequest};
use crate::bugs::Switches;
use crate::bugs::journal::JournalError;
use crate::config::BrokerConfig;
use crate::data_dir::Durability;
use crate::error::BrokerError;
use crate::lock::LockExt;

/// Groups that have members, or had some since the broker was started.
const MAX_GROUPS: usize = 10_000;

type JoinResult = Result<JoinAnswer, JoinRefusal>;
type SyncResult = Result<SyncAnswer, ResponseError>;

#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) groups: BTreeMap<String, Group>,
    joins: BTreeMap<u64, oneshot::Sender<JoinResult>>,
    syncs: BTreeMap<u64, oneshot::Sender<SyncResult>>,
    next_token: u64,
}

impl Tables {
    fn token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token
    }

    fn deliver(&mut self, answers: Vec<Answer>) {
        for answer in answers {
            // A receiver that is gone belongs to a connection that is gone.
            match answer {
                Answer::Join(token, result) => {
                    if let Some(sender) = self.joins.remove(&token) {
                        let _ = sender.send(result);
                    }
                }
                Answer::Sync(token, result) => {
                    if let Some(sender) = self.syncs.remove(&token) {
                        let _ = sender.send(result);
                    }
                }
            }
        }
    }

    /// Makes room for one more group at the cost of one that nobody is in.
    fn has_room(&mut self) -> bool {
        if self.groups.len() < MAX_GROUPS {
            return true;
        }
        let idle = self.groups.iter().find(|(_, group)| group.is_empty());
        match idle.map(|(name, _)| name.clone()) {
            Some(name) => self.groups.remove(&name).is_some(),
            None => false,
        }
    }
}

/// Why offsets are not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommitError {
    #[error("refused: {0}")]
    Refused(ResponseError),
    #[error("write to the file of committed offsets")]
    Storage(#[from] io::Error),
    #[error("write to the journal of the bug switches")]
    Journal(#[from] JournalError),
}

#[derive(Debug)]
pub(crate) struct Groups {
    origin: Instant,
    settings: GroupSettings,
    pub(super) tables: Mutex<Tables>,
    pub(super) offsets: Mutex<Offsets>,
    defects: Mutex<GroupDefects>,
    /// Rung when a deadline may have come nearer.
    changed: Notify,
}

impl Groups {
    pub(crate) fn open(root: &Path, config: &BrokerConfig, switches: &Switches) -> Result<Self, BrokerError> {
        let mut offsets = Offsets::open(root, Durability::of(config), switches.journal.is_some())?;
        let defects = GroupDefects::open(switches, &mut offsets)?;
        Ok(Self {
            origin: Instant::now(),
            settings: GroupSettings {
                max_size: config.group_max_size,
                initial_delay: config.group_initial_rebalance_delay,
            },
            tables: Mutex::default(),
            offsets: Mutex::new(offsets),
            defects: Mutex::new(defects),
            changed: Notify::new(),
        })
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    pub(crate) async fn join(&self, group: &str, request: JoinRequest) -> JoinResult {
        let refusal = |error| JoinRefusal {
            error,
            member_id: String::new(),
        };
        let receiver = {
            let mut tables = self.tables.guard();
            if !tables.groups.contains_key(group) {
                if !request.member_id.is_empty() {
                    return Err(JoinRefusal {
                        error: ResponseError::UnknownMemberId,
                        member_id: request.member_id,
                    });
                }
                if !tables.has_room() {
                    return Err(refusal(ResponseError::GroupMaxSizeReached));
                }
            }
            let token = tables.token();
            let (sender, receiver) = oneshot::channel();
            tables.joins.insert(token, sender);
            let settings = self.settings;
            let before = || self.offsets.guard().generation(group);
            let state = tables
                .groups
                .entry(group.to_owned())
                .or_insert_with(|| Group::after(before(), settings));
            let answers = state.join(request, token, self.now());
            tables.deliver(answers);
            receiver
        };
        self.changed.notify_one();
        receiver
            .await
            .unwrap_or_else(|_| Err(refusal(ResponseError::NotCoordinator)))
    }

    pub(crate) async fn sync(&self, group: &str, request: SyncRequest) -> SyncResult {
        let receiver = {
            let mut tables = self.tables.guard();
            let token = tables.token();
            let (sender, receiver) = oneshot::channel();
            let Some(state) = tables.groups.get_mut(group) else {
                return Err(ResponseError::UnknownMemberId);
            };
            let answers = state.sync(request, token, self.now());
            let generation = state.generation();
            if let Err(error) = self.offsets.guard().note_generation(group, generation) {
                tracing::error!(%error, group, "could not write the generation");
                return Err(ResponseError::KafkaStorageError);
            }
            tables.syncs.insert(token, sender);
            tables.deliver(answers);
            receiver
        };
        self.changed.notify_one();
        receiver.await.unwrap_or(Err(ResponseError::NotCoordinator))
    }

    pub(crate) fn heartbeat(
        &self,
        group: &str,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
    ) -> Result<(), ResponseError> {
        let mut tables = self.tables.guard();
        let state = tables
            .groups
            .get_mut(group)
            .ok_or(ResponseError::UnknownMemberId)?;
        // The deadline only moves away, so the clock need not be told.
        state.heartbeat(member_id, instance_id, generation, self.now())
    }

    pub(crate) fn leave(
        &self,
        group: &str,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ResponseError> {
        let result = {
            let mut tables = self.tables.guard();
            let state = tables
                .groups
                .get_mut(group)
                .ok_or(ResponseError::UnknownMemberId)?;
            let (result, answers) = state.leave(member_id, instance_id, self.now());
            tables.deliver(answers);
            result
        };
        self.changed.notify_one();
        result
    }

    /// Keeps offsets if the committer may commit now. The group cannot change in between.
    pub(crate) fn commit(
        &self,
        group: &str,
        request: &CommitRequest,
        commits: Vec<(OffsetKey, Committed)>,
    ) -> Result<(), CommitError> {
        let mut tables = self.tables.guard();
        let mut offsets = self.offsets.guard();
        let checked = match tables.groups.get_mut(group) {
            Some(state) => state.check_commit(request, self.now()),
            None if request.generation < 0 => Ok(()),
            // Whoever was a member before the broker was started is none now.
            None if offsets.has_group(group) => Err(ResponseError::UnknownMemberId),
            None => Err(ResponseError::IllegalGeneration),
        };
        if let Err(refusal) = checked {
            let defects = self.defects.guard();
            if !defects.takes(request, refusal) {
                return Err(CommitError::Refused(refusal));
            }
            defects.admit(group, &commits, &offsets)?;
        }
        Ok(offsets.commit(group, commits)?)
    }

    /// Checks that the committer may commit in a transaction; keeps nothing yet.
    pub(crate) fn check_transactional_commit(
        &self,
        group: &str,
        request: &CommitRequest,
    ) -> Result<(), ResponseError> {
        match self.tables.guard().groups.get(group) {
            Some(state) => state.check_transactional_commit(request),
            None if request.generation >= 0 => Err(ResponseError::IllegalGeneration),
            None => Ok(()),
        }
    }

    /// See [`Offsets::commit_pending`].
    pub(crate) fn commit_pending(
        &self,
        group: &str,
        producer_id: i64,
        offsets: Vec<(OffsetKey, Committed)>,
    ) -> io::Result<()> {
        self.offsets.guard().commit_pending(group, producer_id, offsets)
    }

    /// See [`Offsets::end_transaction`].
    pub(crate) fn end_transaction(
        &self,
        producer_id: i64,
        committed: bool,
        wanted: impl Fn(&str) -> bool,
    ) -> io::Result<()> {
        self.offsets
            .guard()
            .end_transaction(producer_id, committed, wanted)
    }

    /// See [`Offsets::is_pending`].
    pub(crate) fn is_pending(&self, group: &str, topic: &str, partition: i32) -> bool {
        self.offsets.guard().is_pending(group, topic, partition)
    }

    /// See [`Offsets::pending_of_group`].
    pub(crate) fn pending_of_group(&self, group: &str) -> Vec<OffsetKey> {
        self.offsets.guard().pending_of_group(group)
    }

    pub(crate) fn remove_topic(&self, topic: &str) -> io::Result<()> {
        self.offsets.guard().remove_topic(topic)
    }

    pub(crate) fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<Committed> {
        let key = (topic.to_owned(), partition);
        let right = self.offsets.guard().get(group, topic, partition).cloned()?;
        Some(self.defects.guard().answer(group, &key, right))
    }

    pub(crate) fn all_committed(&self, group: &str) -> BTreeMap<OffsetKey, Committed> {
        let right = self.offsets.guard().of_group(group);
        self.defects.guard().answer_all(group, right)
    }

    /// Answers everybody who waits in these groups with `NOT_COORDINATOR`: their coordinator has moved.
    /// Members, generation and deadlines stay, for the new one to go on with.
    pub(crate) fn resign(&self, moved: impl Fn(&str) -> bool) {
        let now = self.now();
        let mut tables = self.tables.guard();
        let answers = tables
            .groups
            .iter_mut()
            .filter(|(name, _)| moved(name))
            .flat_map(|(_, state)| state.resign(now))
            .collect();
        tables.deliver(answers);
        drop(tables);
        self.changed.notify_one();
    }

    /// Lets the clock of all groups run; never ends. It sleeps until the nearest deadline, and does
    /// nothing at all while there are no groups.
    pub(crate) async fn run_clock(&self) {
        loop {
            match self.tick() {
                Some(deadline) => {
                    let wait = deadline.saturating_sub(self.now());
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.changed.notified() => {}
                    }
                }
                None => self.changed.notified().await,
            }
        }
    }

    /// Ticks every group that is due; gives the next deadline.
    fn tick(&self) -> Option<Duration> {
        let now = self.now();
        let mut tables = self.tables.guard();
        let due: Vec<String> = tables
            .groups
            .iter()
            .filter(|(_, state)| state.next_deadline().is_some_and(|deadline| deadline <= now))
            .map(|(name, _)| name.clone())
            .collect();
        for name in due {
            let Some(state) = tables.groups.get_mut(&name) else {
                continue;
            };
            let answers = state.tick(now);
            tables.deliver(answers);
        }
        tables.groups.values().filter_map(Group::next_deadline).min()
    }
}
