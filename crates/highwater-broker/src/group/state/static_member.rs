//! Static members (KIP-345): one that was restarted takes the place of its former self.

use std::time::Duration;

use kafka_protocol::error::ResponseError;

use super::super::member::JoinRequest;
use super::{Answer, Group, Phase, refuse_waiting};

impl Group {
    /// If the group would still choose the same protocol, the others need not notice.
    pub(super) fn replace_static_member(
        &mut self,
        old_id: &str,
        member_id: String,
        request: JoinRequest,
        token: u64,
        now: Duration,
        answers: &mut Vec<Answer>,
    ) {
        let former_leader = self.leader.clone();
        let may_skip = request.may_skip_assignment;
        let Some(old) = self.members.remove(old_id) else {
            self.add_member(member_id, request, token, now);
            self.begin_rebalance(now, answers);
            return;
        };
        refuse_waiting(old_id, &old, ResponseError::FencedInstanceId, answers);
        self.unsynced.remove(old_id);
        self.add_member(member_id.clone(), request, token, now);
        if let Some(member) = self.members.get_mut(&member_id) {
            member.assignment = old.assignment;
            member.arrival = old.arrival;
        }
        if self.leader == old_id {
            self.leader.clone_from(&member_id);
        }
        if self.phase != Phase::Stable || self.protocol_name != self.vote() {
            self.begin_rebalance(now, answers);
            return;
        }
        if let Some(member) = self.members.get_mut(&member_id) {
            member.waiting_join = None;
        }
        let mut answer = self.join_answer(&member_id);
        if may_skip {
            answer.skip_assignment = self.leader == member_id;
        } else {
            // A leader that cannot skip the assignment must not believe that it leads.
            answer.members.clear();
            answer.leader = former_leader;
        }
        answers.push(Answer::Join(token, Ok(answer)));
    }
}
