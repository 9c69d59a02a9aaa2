//! From a generation's beginning to its work being handed out.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;

use super::{Answer, Group, Phase, SyncAnswer, SyncRequest};

impl Group {
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
                self.has_synced(&request.member_id);
                answers.push(Answer::Sync(token, Ok(self.sync_answer(&request.member_id))));
                Ok(())
            }
            Phase::Syncing => {
                self.has_synced(&request.member_id);
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

    fn has_synced(&mut self, member_id: &str) {
        self.unsynced.remove(member_id);
        if self.unsynced.is_empty() {
            self.sync_until = None;
        }
    }

    /// Whom the leader leaves out has nothing to do.
    fn hand_out(&mut self, assignments: Vec<(String, Bytes)>, now: Duration, answers: &mut Vec<Answer>) {
        let mut assignments: BTreeMap<String, Bytes> = assignments.into_iter().collect();
        for (id, member) in &mut self.members {
            member.assignment = assignments.remove(id).unwrap_or_default();
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
}
