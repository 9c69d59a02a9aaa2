//! Members of a consumer group that only join: what they are given to read is up to the lesson.

use std::time::Duration;

use bytes::Bytes;
use highwater_wire::subscription;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest};

use super::{Client, group_id, text};
use crate::error::{HazardError, refused};

/// The last version in which a member joins without being told its id first.
const JOIN: i16 = 3;
const SYNC: i16 = 2;
const LEAVE: i16 = 1;
const SESSION_MS: i32 = 30_000;

/// A member as it is known to its group.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    group: String,
    pub(crate) id: String,
    pub(crate) generation: i32,
}

impl Member {
    /// Joins a group, and leads it if nobody else does. Members that do not join again within `rebalance` are out.
    pub(crate) fn join(
        client: &mut Client,
        group: &str,
        topic: &str,
        rebalance: Duration,
    ) -> Result<Self, HazardError> {
        const WHAT: &str = "JoinGroup";
        client.find_coordinator(group, false)?;
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(text("range"))
            .with_metadata(subscription::encode(&[topic]));
        let request = JoinGroupRequest::default()
            .with_group_id(group_id(group))
            .with_session_timeout_ms(SESSION_MS)
            .with_rebalance_timeout_ms(i32::try_from(rebalance.as_millis()).unwrap_or(i32::MAX))
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol]);
        let answer = client.settled(WHAT, &request, JOIN, |answer| answer.error_code)?;
        refused(WHAT, answer.error_code)?;
        let member = Self {
            group: group.to_owned(),
            id: answer.member_id.to_string(),
            generation: answer.generation_id,
        };
        member.sync(client)?;
        Ok(member)
    }

    fn sync(&self, client: &mut Client) -> Result<(), HazardError> {
        const WHAT: &str = "SyncGroup";
        let mine = SyncGroupRequestAssignment::default()
            .with_member_id(text(&self.id))
            .with_assignment(Bytes::from_static(b"everything"));
        let request = SyncGroupRequest::default()
            .with_group_id(group_id(&self.group))
            .with_generation_id(self.generation)
            .with_member_id(text(&self.id))
            .with_assignments(vec![mine]);
        let answer = client.call(WHAT, &request, SYNC)?;
        refused(WHAT, answer.error_code)
    }

    /// Leaves the group.
    pub(crate) fn leave(&self, client: &mut Client) -> Result<(), HazardError> {
        const WHAT: &str = "LeaveGroup";
        let request = LeaveGroupRequest::default()
            .with_group_id(group_id(&self.group))
            .with_member_id(text(&self.id));
        let answer = client.call(WHAT, &request, LEAVE)?;
        refused(WHAT, answer.error_code)
    }
}
