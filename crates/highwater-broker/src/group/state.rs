//! The state machine of one group: who is in it, in which generation, with which assignment.
//!
//! ```text
//! Empty ──join──▶ Joining ──all joined, or time is up──▶ Syncing ──leader syncs──▶ Stable
//!   ▲                ▲ ▲                                    │                         │
//!   └──nobody left───┘ └───── a member joins, leaves or is not heard of any more ─────┘
//! ```
//!
//! Invariant: a generation has one leader and one protocol that all its members support, and an
//! assignment given out belongs to the current generation. Everything that is asked of the group is
//! answered as Apache Kafka's classic groups do. Time is passed in as the time since any
//! fixed moment; requests that must wait carry a token, and come back as [`Answer`]s.

mod describing;
mod joining;
mod static_member;
mod syncing;
mod transactional;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;

use super::member::{JoinAnswer, Member};

pub(crate) use describing::{GroupDescription, MemberDescription, StateName};

/// A SyncGroup request, as the state machine sees it.
#[derive(Debug, Clone)]
pub(crate) struct SyncRequest {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol_name: Option<String>,
    /// Member id and assignment, from the leader.
    pub(crate) assignments: Vec<(String, Bytes)>,
}

/// Who commits offsets; generation -1 and no member id for somebody who is in no group.
#[derive(Debug, Clone)]
pub(crate) struct CommitRequest {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) generation: i32,
}

/// What a member gets to do in this generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncAnswer {
    pub(crate) protocol_type: String,
    pub(crate) protocol_name: String,
    pub(crate) assignment: Bytes,
}

/// The answer to a request that had to wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Join(u64, Result<JoinAnswer, JoinRefusal>),
    Sync(u64, Result<SyncAnswer, ResponseError>),
}

/// Why a member cannot join, and the id it is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinRefusal {
    pub(crate) error: ResponseError,
    pub(crate) member_id: String,
}

/// What the broker's settings say about every group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupSettings {
    /// Members of one group at most (`group.max.size`).
    pub(crate) max_size: usize,
    /// How long an empty group waits for more members after its first
    /// (`group.initial.rebalance.delay.ms`).
    pub(crate) initial_delay: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Empty,
    /// `patience` is there in the first rebalance of an empty group: how much longer newcomers may
    /// put off its end.
    Joining {
        until: Duration,
        patience: Option<Duration>,
    },
    Syncing,
    Stable,
}

#[derive(Debug)]
pub(crate) struct Group {
    settings: GroupSettings,
    phase: Phase,
    generation: i32,
    protocol_type: String,
    protocol_name: String,
    leader: String,
    members: BTreeMap<String, Member>,
    /// Members that were given an id and have not come again with it, and until when they may.
    announced: BTreeMap<String, Duration>,
    instances: BTreeMap<String, String>,
    /// Members of this generation that have not fetched their assignment, and until when they may.
    unsynced: BTreeSet<String>,
    sync_until: Option<Duration>,
    /// Whether somebody new came while an empty group waits for its first members.
    newcomers: bool,
    arrivals: u64,
}

impl Group {
    /// A group that nobody is in and that has had so many generations already.
    pub(crate) fn after(generation: i32, settings: GroupSettings) -> Self {
        Self {
            settings,
            phase: Phase::Empty,
            generation,
            protocol_type: String::new(),
            protocol_name: String::new(),
            leader: String::new(),
            members: BTreeMap::new(),
            announced: BTreeMap::new(),
            instances: BTreeMap::new(),
            unsynced: BTreeSet::new(),
            sync_until: None,
            newcomers: false,
            arrivals: 0,
        }
    }

    /// The newest generation; 0 before the first.
    pub(crate) fn generation(&self) -> i32 {
        self.generation
    }

    /// Whether nobody is or is about to be in the group.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.announced.is_empty()
    }

    /// Takes a heartbeat.
    pub(crate) fn heartbeat(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
        now: Duration,
    ) -> Result<(), ResponseError> {
        self.check_member(member_id, instance_id)?;
        self.check_generation(generation)?;
        self.heard_of(member_id, now);
        match self.phase {
            Phase::Empty => Err(ResponseError::UnknownMemberId),
            Phase::Joining { .. } => Err(ResponseError::RebalanceInProgress),
            Phase::Syncing | Phase::Stable => Ok(()),
        }
    }

    /// A member goes; a static one may name its instance only.
    pub(crate) fn leave(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
        now: Duration,
    ) -> (Result<(), ResponseError>, Vec<Answer>) {
        let mut answers = Vec::new();
        let member_id = match instance_id {
            Some(instance) if member_id.is_empty() => {
                let Some(current) = self.instances.get(instance) else {
                    return (Err(ResponseError::UnknownMemberId), answers);
                };
                current.clone()
            }
            _ => member_id.to_owned(),
        };
        if self.announced.remove(&member_id).is_some() {
            self.finish_joining_if_complete(now, &mut answers);
            return (Ok(()), answers);
        }
        if let Err(error) = self.check_member(&member_id, instance_id) {
            return (Err(error), answers);
        }
        self.remove(&member_id, &mut answers);
        self.after_removal(now, &mut answers);
        (Ok(()), answers)
    }

    fn remove(&mut self, member_id: &str, answers: &mut Vec<Answer>) {
        let Some(member) = self.members.remove(member_id) else {
            return;
        };
        if let Some(instance) = &member.instance_id {
            self.instances.remove(instance);
        }
        self.unsynced.remove(member_id);
        refuse_waiting(member_id, &member, ResponseError::UnknownMemberId, answers);
    }

    fn after_removal(&mut self, now: Duration, answers: &mut Vec<Answer>) {
        self.begin_rebalance(now, answers);
        self.finish_joining_if_complete(now, answers);
    }

    /// Whether this member may commit offsets now.
    pub(crate) fn check_commit(
        &mut self,
        request: &CommitRequest,
        now: Duration,
    ) -> Result<(), ResponseError> {
        if request.generation < 0 && self.phase == Phase::Empty {
            return Ok(());
        }
        let anonymous =
            request.generation < 0 && request.member_id.is_empty() && request.instance_id.is_none();
        if anonymous {
            return Err(ResponseError::UnknownMemberId);
        }
        self.check_member(&request.member_id, request.instance_id.as_deref())?;
        self.check_generation(request.generation)?;
        self.heard_of(&request.member_id, now);
        match self.phase {
            Phase::Syncing => Err(ResponseError::RebalanceInProgress),
            Phase::Empty | Phase::Joining { .. } | Phase::Stable => Ok(()),
        }
    }

    /// Refuses every request that waits, because the coordinator has moved. The members have a
    /// whole session to come again.
    pub(crate) fn resign(&mut self, now: Duration) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (id, member) in &mut self.members {
            refuse_waiting(id, member, ResponseError::NotCoordinator, &mut answers);
            member.waiting_join = None;
            member.waiting_sync = None;
            member.expires = now + member.session_timeout;
        }
        answers
    }

    /// Lets time pass: drops who was not heard of, ends what has taken too long.
    pub(crate) fn tick(&mut self, now: Duration) -> Vec<Answer> {
        let mut answers = Vec::new();
        self.announced.retain(|_, until| *until > now);
        let mut late: BTreeSet<String> = self
            .members
            .iter()
            .filter(|(_, member)| !member.is_waiting() && member.expires <= now)
            .map(|(id, _)| id.clone())
            .collect();
        if self.sync_until.is_some_and(|until| until <= now) {
            self.sync_until = None;
            late.append(&mut self.unsynced);
        }
        for id in &late {
            self.remove(id, &mut answers);
        }
        if !late.is_empty() {
            self.after_removal(now, &mut answers);
        }
        match self.phase {
            Phase::Joining { until, patience } if until <= now => match patience {
                Some(patience) if self.newcomers && !patience.is_zero() => {
                    self.newcomers = false;
                    self.phase = Phase::Joining {
                        until: now + self.settings.initial_delay.min(patience),
                        patience: Some(patience.saturating_sub(self.settings.initial_delay)),
                    };
                }
                _ => self.finish_joining(now, &mut answers),
            },
            Phase::Joining { .. } => self.finish_joining_if_complete(now, &mut answers),
            Phase::Empty | Phase::Syncing | Phase::Stable => {}
        }
        answers
    }

    /// When [`Group::tick`] has something to do next, if nothing else happens.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let members = self
            .members
            .values()
            .filter(|member| !member.is_waiting())
            .map(|member| member.expires);
        let phase = match self.phase {
            Phase::Joining { until, .. } => Some(until),
            Phase::Empty | Phase::Syncing | Phase::Stable => None,
        };
        members
            .chain(self.announced.values().copied())
            .chain(phase)
            .chain(self.sync_until)
            .min()
    }

    fn heard_of(&mut self, member_id: &str, now: Duration) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.expires = now + member.session_timeout;
        }
    }

    fn check_member(&self, member_id: &str, instance_id: Option<&str>) -> Result<(), ResponseError> {
        if let Some(instance) = instance_id {
            match self.instances.get(instance) {
                None => return Err(ResponseError::UnknownMemberId),
                Some(current) if current != member_id => {
                    return Err(ResponseError::FencedInstanceId);
                }
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) {
            Ok(())
        } else {
            Err(ResponseError::UnknownMemberId)
        }
    }

    fn check_generation(&self, generation: i32) -> Result<(), ResponseError> {
        if generation == self.generation {
            Ok(())
        } else {
            Err(ResponseError::IllegalGeneration)
        }
    }
}

/// Nobody is left waiting: whoever is removed is told why.
fn refuse_waiting(member_id: &str, member: &Member, error: ResponseError, answers: &mut Vec<Answer>) {
    if let Some(token) = member.waiting_join {
        let refusal = JoinRefusal {
            error,
            member_id: member_id.to_owned(),
        };
        answers.push(Answer::Join(token, Err(refusal)));
    }
    if let Some(token) = member.waiting_sync {
        answers.push(Answer::Sync(token, Err(error)));
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "state_model_tests.rs"]
mod model_tests;
