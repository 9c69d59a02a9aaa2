//! The state machine of one group: who is in it, in which generation, with which assignment.
//!
//! ```text
//! Empty ──join──▶ Joining ──all joined, or time is up──▶ Syncing ──leader syncs──▶ Stable
//!   ▲                ▲ ▲                                    │                         │
//!   └──nobody left───┘ └───── a member joins, leaves or is not heard of any more ─────┘
//! ```
//!
//! Invariant: a generation has one leader and one protocol that all its members support, and an
//! assignment given out belongs to the current generation. Time is passed in as the time since any
//! fixed moment; requests that must wait carry a token, and come back as [`Answer`]s.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;

use super::member::{JoinAnswer, JoinRequest, Member};

/// Members of one group: each waits with a connection and is listed to the leader.
const MAX_MEMBERS: usize = 1_000;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Empty,
    Joining { until: Duration },
    Syncing { until: Duration },
    Stable,
}

#[derive(Debug)]
pub(crate) struct Group {
    phase: Phase,
    generation: i32,
    protocol_type: String,
    protocol_name: String,
    leader: String,
    members: BTreeMap<String, Member>,
    /// Members that were given an id and have not come again with it, and until when they may.
    announced: BTreeMap<String, Duration>,
    instances: BTreeMap<String, String>,
    arrivals: u64,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            phase: Phase::Empty,
            generation: 0,
            protocol_type: String::new(),
            protocol_name: String::new(),
            leader: String::new(),
            members: BTreeMap::new(),
            announced: BTreeMap::new(),
            instances: BTreeMap::new(),
            arrivals: 0,
        }
    }
}

impl Group {
    /// Whether nobody is or is about to be in the group.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.announced.is_empty()
    }

    /// Takes a JoinGroup request; its answer may come at once or with a later call.
    pub(crate) fn join(&mut self, request: JoinRequest, token: u64, now: Duration) -> Vec<Answer> {
        let mut answers = Vec::new();
        if let Err(refusal) = self.try_join(request, token, now, &mut answers) {
            answers.push(Answer::Join(token, Err(refusal)));
        }
        answers
    }

    fn try_join(
        &mut self,
        request: JoinRequest,
        token: u64,
        now: Duration,
        answers: &mut Vec<Answer>,
    ) -> Result<(), JoinRefusal> {
        let refusal = |error| JoinRefusal {
            error,
            member_id: request.member_id.clone(),
        };
        self.check_protocols(&request).map_err(refusal)?;
        if request.member_id.is_empty() {
            return self.join_as_new(request, token, now, answers);
        }
        let known = self.members.contains_key(&request.member_id);
        let announced = self.announced.contains_key(&request.member_id);
        if known || !announced {
            self.check_member(&request.member_id, request.instance_id.as_deref())
                .map_err(refusal)?;
        }
        if announced {
            self.announced.remove(&request.member_id);
            let member_id = request.member_id.clone();
            self.add_member(member_id, request, token, now);
            self.begin_rebalance(now, answers);
        } else {
            self.join_again(request, token, now, answers);
        }
        self.finish_joining_if_complete(now, answers);
        Ok(())
    }

    fn check_protocols(&self, request: &JoinRequest) -> Result<(), ResponseError> {
        let inconsistent = ResponseError::InconsistentGroupProtocol;
        if request.protocols.is_empty() || request.protocol_type.is_empty() {
            return Err(inconsistent);
        }
        let others = || {
            self.members
                .iter()
                .filter(|(id, _)| **id != request.member_id)
                .map(|(_, member)| member)
        };
        if others().next().is_none() {
            return Ok(());
        }
        let shared = request
            .protocols
            .iter()
            .any(|protocol| others().all(|member| member.supports(&protocol.name)));
        if shared && request.protocol_type == self.protocol_type {
            Ok(())
        } else {
            Err(inconsistent)
        }
    }

    fn join_as_new(
        &mut self,
        request: JoinRequest,
        token: u64,
        now: Duration,
        answers: &mut Vec<Answer>,
    ) -> Result<(), JoinRefusal> {
        let member_id = request.fresh_member_id.clone();
        let known_instance = request
            .instance_id
            .as_ref()
            .and_then(|instance| self.instances.get(instance))
            .cloned();
        if let Some(old) = known_instance {
            self.replace_static_member(&old, member_id, request, token, now, answers);
            self.finish_joining_if_complete(now, answers);
            return Ok(());
        }
        if self.members.len() + self.announced.len() >= MAX_MEMBERS {
            return Err(JoinRefusal {
                error: ResponseError::GroupMaxSizeReached,
                member_id: String::new(),
            });
        }
        if request.needs_known_id && request.instance_id.is_none() {
            self.announced
                .insert(member_id.clone(), now + request.session_timeout);
            return Err(JoinRefusal {
                error: ResponseError::MemberIdRequired,
                member_id,
            });
        }
        self.add_member(member_id, request, token, now);
        self.begin_rebalance(now, answers);
        self.finish_joining_if_complete(now, answers);
        Ok(())
    }

    fn add_member(&mut self, member_id: String, request: JoinRequest, token: u64, now: Duration) {
        if self.members.is_empty() {
            self.protocol_type = request.protocol_type;
        }
        if let Some(instance) = &request.instance_id {
            self.instances.insert(instance.clone(), member_id.clone());
        }
        self.arrivals += 1;
        let member = Member {
            instance_id: request.instance_id,
            session_timeout: request.session_timeout,
            rebalance_timeout: request.rebalance_timeout,
            protocols: request.protocols,
            assignment: Bytes::new(),
            expires: now + request.session_timeout,
            arrival: self.arrivals,
            waiting_join: Some(token),
            waiting_sync: None,
        };
        self.members.insert(member_id, member);
    }

    /// A static member that was restarted takes the place of its former self (KIP-345). If it changed
    /// nothing and does not lead, the others need not notice.
    fn replace_static_member(
        &mut self,
        old_id: &str,
        member_id: String,
        request: JoinRequest,
        token: u64,
        now: Duration,
        answers: &mut Vec<Answer>,
    ) {
        let Some(old) = self.members.remove(old_id) else {
            self.add_member(member_id, request, token, now);
            self.begin_rebalance(now, answers);
            return;
        };
        fence_waiting(old_id, &old, answers);
        let unchanged = old.protocols == request.protocols;
        let was_leader = self.leader == old_id;
        self.add_member(member_id.clone(), request, token, now);
        if let Some(member) = self.members.get_mut(&member_id) {
            member.assignment = old.assignment;
            member.arrival = old.arrival;
        }
        if was_leader {
            self.leader.clone_from(&member_id);
        }
        if self.phase == Phase::Stable && unchanged && !was_leader {
            self.answer_join_now(&member_id, token, answers);
        } else {
            self.begin_rebalance(now, answers);
        }
    }

    /// A member that is in the group joins again.
    fn join_again(&mut self, request: JoinRequest, token: u64, now: Duration, answers: &mut Vec<Answer>) {
        let member_id = request.member_id;
        let is_leader = self.leader == member_id;
        let Some(member) = self.members.get_mut(&member_id) else {
            return;
        };
        let unchanged = member.protocols == request.protocols;
        member.protocols = request.protocols;
        member.session_timeout = request.session_timeout;
        member.rebalance_timeout = request.rebalance_timeout;
        member.expires = now + request.session_timeout;
        let current = match self.phase {
            Phase::Empty | Phase::Joining { .. } => false,
            Phase::Syncing { .. } => unchanged,
            Phase::Stable => unchanged && !is_leader,
        };
        if current {
            self.answer_join_now(&member_id, token, answers);
            return;
        }
        if let Some(before) = member.waiting_join.replace(token) {
            let refusal = JoinRefusal {
                error: ResponseError::RebalanceInProgress,
                member_id: member_id.clone(),
            };
            answers.push(Answer::Join(before, Err(refusal)));
        }
        self.begin_rebalance(now, answers);
    }

    fn answer_join_now(&mut self, member_id: &str, token: u64, answers: &mut Vec<Answer>) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.waiting_join = None;
        }
        answers.push(Answer::Join(token, Ok(self.join_answer(member_id))));
    }

    fn join_answer(&self, member_id: &str) -> JoinAnswer {
        let members = if self.leader == member_id {
            self.members
                .iter()
                .map(|(id, member)| {
                    let metadata = member.metadata(&self.protocol_name);
                    (id.clone(), member.instance_id.clone(), metadata)
                })
                .collect()
        } else {
            Vec::new()
        };
        JoinAnswer {
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol_name.clone(),
            leader: self.leader.clone(),
            member_id: member_id.to_owned(),
            members,
        }
    }

    fn begin_rebalance(&mut self, now: Duration, answers: &mut Vec<Answer>) {
        if matches!(self.phase, Phase::Joining { .. }) {
            return;
        }
        for member in self.members.values_mut() {
            if let Some(token) = member.waiting_sync.take() {
                answers.push(Answer::Sync(token, Err(ResponseError::RebalanceInProgress)));
                member.expires = now + member.session_timeout;
            }
            member.assignment = Bytes::new();
        }
        self.phase = Phase::Joining {
            until: now + self.longest_rebalance_timeout(),
        };
    }

    fn longest_rebalance_timeout(&self) -> Duration {
        self.members
            .values()
            .map(|member| member.rebalance_timeout)
            .max()
            .unwrap_or_default()
    }

    fn finish_joining_if_complete(&mut self, now: Duration, answers: &mut Vec<Answer>) {
        let joining = matches!(self.phase, Phase::Joining { .. });
        let all_here = self.members.values().all(|member| member.waiting_join.is_some());
        if joining && all_here && self.announced.is_empty() {
            self.finish_joining(now, answers);
        }
    }

    /// The next generation begins with those who have joined.
    fn finish_joining(&mut self, now: Duration, answers: &mut Vec<Answer>) {
        let gone: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| member.waiting_join.is_none())
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            self.remove(&id, answers);
        }
        self.generation += 1;
        if self.members.is_empty() {
            self.phase = Phase::Empty;
            self.leader.clear();
            return;
        }
        if !self.members.contains_key(&self.leader) {
            self.leader = self.first_to_arrive();
        }
        self.protocol_name = self.vote();
        self.phase = Phase::Syncing {
            until: now + self.longest_rebalance_timeout(),
        };
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let answer = self.join_answer(&id);
            if let Some(member) = self.members.get_mut(&id) {
                member.expires = now + member.session_timeout;
                if let Some(token) = member.waiting_join.take() {
                    answers.push(Answer::Join(token, Ok(answer)));
                }
            }
        }
    }

    fn first_to_arrive(&self) -> String {
        self.members
            .iter()
            .min_by_key(|(_, member)| member.arrival)
            .map(|(id, _)| id.clone())
            .unwrap_or_default()
    }

    /// Each member votes for the first of its protocols that all support; the most votes win.
    fn vote(&self) -> String {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let choice = member
                .protocols
                .iter()
                .find(|protocol| self.members.values().all(|other| other.supports(&protocol.name)));
            if let Some(choice) = choice {
                *votes.entry(&choice.name).or_default() += 1;
            }
        }
        votes
            .into_iter()
            .max_by_key(|(_, count)| *count)
            .map(|(name, _)| name.to_owned())
            .unwrap_or_default()
    }

    /// Takes a SyncGroup request; its answer may come at once or with a later call.
    pub(crate) fn sync(&mut self, request: SyncRequest, token: u64, now: Duration) -> Vec<Answer> {
        let mut answers = Vec::new();
        if let Err(error) = self.try_sync(request, token, now, &mut answers) {
            answers.push(Answer::Sync(token, Err(error)));
        }
        answers
    }

    fn try_sync(
        &mut self,
        request: SyncRequest,
        token: u64,
        now: Duration,
        answers: &mut Vec<Answer>,
    ) -> Result<(), ResponseError> {
        self.check_member(&request.member_id, request.instance_id.as_deref())?;
        self.check_generation(request.generation)?;
        let same = |given: &Option<String>, ours: &str| given.as_ref().is_none_or(|name| name == ours);
        if !same(&request.protocol_type, &self.protocol_type)
            || !same(&request.protocol_name, &self.protocol_name)
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        match self.phase {
            Phase::Empty => Err(ResponseError::UnknownMemberId),
            Phase::Joining { .. } => Err(ResponseError::RebalanceInProgress),
            Phase::Stable => {
                self.heard_of(&request.member_id, now);
                answers.push(Answer::Sync(token, Ok(self.sync_answer(&request.member_id))));
                Ok(())
            }
            Phase::Syncing { .. } => {
                if let Some(member) = self.members.get_mut(&request.member_id)
                    && let Some(before) = member.waiting_sync.replace(token)
                {
                    answers.push(Answer::Sync(before, Err(ResponseError::RebalanceInProgress)));
                }
                if request.member_id == self.leader {
                    self.hand_out(request.assignments, now, answers);
                }
                Ok(())
            }
        }
    }

    fn hand_out(&mut self, assignments: Vec<(String, Bytes)>, now: Duration, answers: &mut Vec<Answer>) {
        for (id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = assignment;
            }
        }
        self.phase = Phase::Stable;
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let answer = self.sync_answer(&id);
            if let Some(member) = self.members.get_mut(&id)
                && let Some(token) = member.waiting_sync.take()
            {
                member.expires = now + member.session_timeout;
                answers.push(Answer::Sync(token, Ok(answer)));
            }
        }
    }

    fn sync_answer(&self, member_id: &str) -> SyncAnswer {
        SyncAnswer {
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol_name.clone(),
            assignment: self
                .members
                .get(member_id)
                .map(|member| member.assignment.clone())
                .unwrap_or_default(),
        }
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
            Phase::Syncing { .. } | Phase::Stable => Ok(()),
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
        if self.announced.remove(member_id).is_some() {
            self.finish_joining_if_complete(now, &mut answers);
            return (Ok(()), answers);
        }
        let member_id = match instance_id {
            Some(instance) if member_id.is_empty() => {
                self.instances.get(instance).cloned().unwrap_or_default()
            }
            _ => member_id.to_owned(),
        };
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
        fence_waiting_with(member_id, &member, ResponseError::UnknownMemberId, answers);
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
        if request.generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        self.check_member(&request.member_id, request.instance_id.as_deref())?;
        self.check_generation(request.generation)?;
        self.heard_of(&request.member_id, now);
        match self.phase {
            Phase::Syncing { .. } => Err(ResponseError::RebalanceInProgress),
            Phase::Empty | Phase::Joining { .. } | Phase::Stable => Ok(()),
        }
    }

    /// Lets time pass: drops who was not heard of, ends what has taken too long.
    pub(crate) fn tick(&mut self, now: Duration) -> Vec<Answer> {
        let mut answers = Vec::new();
        self.announced.retain(|_, until| *until > now);
        let late: BTreeSet<String> = self
            .members
            .iter()
            .filter(|(_, member)| self.is_late(member, now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in &late {
            self.remove(id, &mut answers);
        }
        if !late.is_empty() {
            self.after_removal(now, &mut answers);
        }
        match self.phase {
            Phase::Joining { until } if until <= now => self.finish_joining(now, &mut answers),
            Phase::Joining { .. } => self.finish_joining_if_complete(now, &mut answers),
            Phase::Empty | Phase::Syncing { .. } | Phase::Stable => {}
        }
        answers
    }

    /// In the syncing phase a member must sync in time, heartbeats or not; everywhere it must be heard
    /// of within its session timeout, unless it waits for us.
    fn is_late(&self, member: &Member, now: Duration) -> bool {
        let sync_overdue = match self.phase {
            Phase::Syncing { until } => until <= now && member.waiting_sync.is_none(),
            Phase::Empty | Phase::Joining { .. } | Phase::Stable => false,
        };
        sync_overdue || (!member.is_waiting() && member.expires <= now)
    }

    /// When [`Group::tick`] has something to do next, if nothing else happens.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let members = self
            .members
            .values()
            .filter(|member| !member.is_waiting())
            .map(|member| member.expires);
        let phase = match self.phase {
            Phase::Joining { until } | Phase::Syncing { until } => Some(until),
            Phase::Empty | Phase::Stable => None,
        };
        members.chain(self.announced.values().copied()).chain(phase).min()
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

fn fence_waiting(member_id: &str, member: &Member, answers: &mut Vec<Answer>) {
    fence_waiting_with(member_id, member, ResponseError::FencedInstanceId, answers);
}

/// Nobody is left waiting: whoever is removed is told why.
fn fence_waiting_with(member_id: &str, member: &Member, error: ResponseError, answers: &mut Vec<Answer>) {
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
