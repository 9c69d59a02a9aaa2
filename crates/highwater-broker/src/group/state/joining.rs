//! From a member's wish to join to the next generation.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;

use super::super::member::{JoinAnswer, JoinRequest, Member};
use super::{Answer, Group, JoinRefusal, Phase};

/// Clients that were given an id and have not come again with it.
const MAX_ANNOUNCED: usize = 1_000;

/// A rebalance timeout of nothing would make a group without a leader spin.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);

impl Group {
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
        if !self.has_room_for(&request.member_id) {
            self.announced.remove(&request.member_id);
            return Err(JoinRefusal {
                error: ResponseError::GroupMaxSizeReached,
                member_id: String::new(),
            });
        }
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
        if self.phase == Phase::Empty {
            return Ok(());
        }
        let shared = request.protocols.iter().any(|protocol| {
            self.members
                .values()
                .all(|member| member.supports(&protocol.name))
        });
        if shared && request.protocol_type == self.protocol_type {
            Ok(())
        } else {
            Err(inconsistent)
        }
    }

    /// While members come back, those who are back count, so that the last ones are left out.
    fn has_room_for(&self, member_id: &str) -> bool {
        let most = self.settings.max_size;
        match self.phase {
            Phase::Empty => true,
            Phase::Joining { .. } => {
                let waiting = |id: &str| {
                    self.members
                        .get(id)
                        .is_some_and(|member| member.waiting_join.is_some())
                };
                waiting(member_id) || self.members.keys().filter(|id| waiting(id)).count() < most
            }
            Phase::Syncing | Phase::Stable => {
                self.members.contains_key(member_id) || self.members.len() < most
            }
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
        if self.announced.len() >= MAX_ANNOUNCED {
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

    pub(super) fn add_member(&mut self, member_id: String, request: JoinRequest, token: u64, now: Duration) {
        if self.members.is_empty() {
            self.protocol_type = request.protocol_type;
        }
        if let Some(instance) = &request.instance_id {
            self.instances.insert(instance.clone(), member_id.clone());
        }
        self.newcomers |= matches!(
            self.phase,
            Phase::Joining {
                patience: Some(_),
                ..
            }
        );
        self.arrivals += 1;
        let member = Member {
            instance_id: request.instance_id,
            client: request.client,
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
            Phase::Syncing => unchanged,
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

    pub(super) fn join_answer(&self, member_id: &str) -> JoinAnswer {
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
            skip_assignment: false,
        }
    }

    pub(super) fn begin_rebalance(&mut self, now: Duration, answers: &mut Vec<Answer>) {
        match self.phase {
            Phase::Joining { .. } => return,
            Phase::Empty => return self.begin_first_rebalance(now, answers),
            Phase::Stable => {}
            Phase::Syncing => {
                for member in self.members.values_mut() {
                    if let Some(token) = member.waiting_sync.take() {
                        answers.push(Answer::Sync(token, Err(ResponseError::RebalanceInProgress)));
                        member.expires = now + member.session_timeout;
                    }
                    member.assignment = Bytes::new();
                }
            }
        }
        self.unsynced.clear();
        self.sync_until = None;
        self.phase = Phase::Joining {
            until: now + self.longest_rebalance_timeout(),
            patience: None,
        };
    }

    /// An empty group does not wait for those who were only told their id, but for a while for anybody.
    fn begin_first_rebalance(&mut self, now: Duration, answers: &mut Vec<Answer>) {
        let delay = self.settings.initial_delay;
        self.newcomers = false;
        self.phase = Phase::Joining {
            until: now + delay,
            patience: Some(self.longest_rebalance_timeout().saturating_sub(delay)),
        };
        if delay.is_zero() {
            self.finish_joining(now, answers);
        }
    }

    fn longest_rebalance_timeout(&self) -> Duration {
        self.members
            .values()
            .map(|member| member.rebalance_timeout)
            .max()
            .unwrap_or_default()
    }

    pub(super) fn finish_joining_if_complete(&mut self, now: Duration, answers: &mut Vec<Answer>) {
        let joining = match self.phase {
            Phase::Joining { patience, .. } => patience.is_none() || self.members.is_empty(),
            Phase::Empty | Phase::Syncing | Phase::Stable => false,
        };
        let all_here = self.members.values().all(|member| member.waiting_join.is_some());
        if joining && all_here && self.announced.is_empty() {
            self.finish_joining(now, answers);
        }
    }

    /// The next generation begins with those who have joined, and with static members, who keep their
    /// place until their session ends.
    pub(super) fn finish_joining(&mut self, now: Duration, answers: &mut Vec<Answer>) {
        let gone: Vec<String> = self
            .members
            .iter()
            .filter(|(_, member)| member.waiting_join.is_none() && member.instance_id.is_none())
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            self.remove(&id, answers);
        }
        let Some(leader) = self.present_leader() else {
            if !self.members.is_empty() {
                // Nobody is here to lead; sessions will end, or somebody will come.
                self.phase = Phase::Joining {
                    until: now + self.longest_rebalance_timeout().max(SHORTEST_WAIT),
                    patience: None,
                };
                return;
            }
            self.generation += 1;
            self.phase = Phase::Empty;
            self.leader.clear();
            self.protocol_name.clear();
            return;
        };
        self.generation += 1;
        self.leader = leader;
        self.protocol_name = self.vote();
        self.phase = Phase::Syncing;
        self.sync_until = Some(now + self.longest_rebalance_timeout());
        self.unsynced = self.members.keys().cloned().collect();
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

    /// The leader so far if it has joined, or else the first to have come of those who have.
    fn present_leader(&self) -> Option<String> {
        let joined = |id: &String| {
            self.members
                .get(id)
                .is_some_and(|member| member.waiting_join.is_some())
        };
        if joined(&self.leader) {
            return Some(self.leader.clone());
        }
        self.members
            .iter()
            .filter(|(id, _)| joined(id))
            .min_by_key(|(_, member)| member.arrival)
            .map(|(id, _)| id.clone())
    }

    /// Each member votes for the first of its protocols that all support; the most votes win.
    pub(super) fn vote(&self) -> String {
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
}
