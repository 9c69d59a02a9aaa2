//! JoinGroup, SyncGroup, Heartbeat, LeaveGroup: the classic group protocol.

use std::time::Duration;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::Call;
use crate::coordination::Coordination;
use crate::group::{Client, JoinAnswer, JoinRequest, Protocol, SyncRequest};

/// First version in which a new member has to come again with the id it was given (KIP-394).
const KNOWN_ID_VERSION: i16 = 4;

/// First version in which a rebalance timeout is given; before, the session timeout stands for both.
const REBALANCE_TIMEOUT_VERSION: i16 = 1;

/// First version in which several members leave at once.
const LEAVE_MANY_VERSION: i16 = 3;

/// First version in which the protocol's name may be missing from an error.
const NULLABLE_PROTOCOL_VERSION: i16 = 7;

/// First version in which a leader can be told to keep the assignment (KIP-814).
const SKIP_ASSIGNMENT_VERSION: i16 = 9;

/// Longest session timeout granted, as in Kafka (`group.max.session.timeout.ms`).
const MAX_SESSION_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// Generation of "none".
const NO_GENERATION: i32 = -1;

fn text(string: &str) -> StrBytes {
    StrBytes::from_string(string.to_owned())
}

fn code(result: Result<(), ResponseError>) -> i16 {
    result.err().map_or(0, |error| error.code())
}

fn milliseconds(value: i32) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or(0))
}

pub(super) async fn join(call: &Call<'_>, request: JoinGroupRequest) -> JoinGroupResponse {
    let refused = |error: ResponseError, member_id: &str| {
        let protocol = (call.version < NULLABLE_PROTOCOL_VERSION).then(StrBytes::new);
        JoinGroupResponse::default()
            .with_error_code(error.code())
            .with_generation_id(NO_GENERATION)
            .with_protocol_name(protocol)
            .with_member_id(text(member_id))
    };
    if request.group_id.is_empty() {
        return refused(ResponseError::InvalidGroupId, &request.member_id);
    }
    if let Err(error) = call.coordinates(Coordination::Group, &request.group_id) {
        return refused(error.error, &request.member_id);
    }
    let session_timeout = milliseconds(request.session_timeout_ms);
    let range = call.cluster.config.min_session_timeout..=MAX_SESSION_TIMEOUT;
    if !range.contains(&session_timeout) {
        return refused(ResponseError::InvalidSessionTimeout, &request.member_id);
    }
    let group_id = request.group_id.to_string();
    match call
        .cluster
        .groups
        .join(&group_id, join_request(call, request))
        .await
    {
        Ok(answer) => joined(answer),
        Err(refusal) => refused(refusal.error, &refusal.member_id),
    }
}

fn join_request(call: &Call<'_>, request: JoinGroupRequest) -> JoinRequest {
    let session_timeout = milliseconds(request.session_timeout_ms);
    let rebalance_timeout = if call.version >= REBALANCE_TIMEOUT_VERSION {
        milliseconds(request.rebalance_timeout_ms)
    } else {
        session_timeout
    };
    let named_after = request.group_instance_id.as_deref().unwrap_or(call.client_id);
    JoinRequest {
        fresh_member_id: format!("{named_after}-{}", Uuid::new_v4()),
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.map(|id| id.to_string()),
        client: Client {
            id: call.client_id.to_owned(),
            host: format!("/{}", call.peer),
        },
        protocol_type: request.protocol_type.to_string(),
        protocols: request
            .protocols
            .into_iter()
            .map(|protocol| Protocol {
                name: protocol.name.to_string(),
                metadata: protocol.metadata,
            })
            .collect(),
        session_timeout,
        rebalance_timeout,
        needs_known_id: call.version >= KNOWN_ID_VERSION,
        may_skip_assignment: call.version >= SKIP_ASSIGNMENT_VERSION,
    }
}

fn joined(answer: JoinAnswer) -> JoinGroupResponse {
    let members = answer
        .members
        .into_iter()
        .map(|(member_id, instance_id, metadata)| {
            JoinGroupResponseMember::default()
                .with_member_id(StrBytes::from_string(member_id))
                .with_group_instance_id(instance_id.map(StrBytes::from_string))
                .with_metadata(metadata)
        })
        .collect();
    JoinGroupResponse::default()
        .with_generation_id(answer.generation)
        .with_protocol_type(Some(StrBytes::from_string(answer.protocol_type)))
        .with_protocol_name(Some(StrBytes::from_string(answer.protocol_name)))
        .with_leader(StrBytes::from_string(answer.leader))
        .with_member_id(StrBytes::from_string(answer.member_id))
        .with_members(members)
        .with_skip_assignment(answer.skip_assignment)
}

pub(super) async fn sync(call: &Call<'_>, request: SyncGroupRequest) -> SyncGroupResponse {
    if request.group_id.is_empty() {
        return SyncGroupResponse::default().with_error_code(ResponseError::InvalidGroupId.code());
    }
    if let Err(error) = call.coordinates(Coordination::Group, &request.group_id) {
        return SyncGroupResponse::default().with_error_code(error.code());
    }
    let group_id = request.group_id.to_string();
    let sync = SyncRequest {
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.map(|id| id.to_string()),
        generation: request.generation_id,
        protocol_type: request.protocol_type.map(|name| name.to_string()),
        protocol_name: request.protocol_name.map(|name| name.to_string()),
        assignments: request
            .assignments
            .into_iter()
            .map(|entry| (entry.member_id.to_string(), entry.assignment))
            .collect(),
    };
    match call.cluster.groups.sync(&group_id, sync).await {
        Ok(answer) => SyncGroupResponse::default()
            .with_protocol_type(Some(StrBytes::from_string(answer.protocol_type)))
            .with_protocol_name(Some(StrBytes::from_string(answer.protocol_name)))
            .with_assignment(answer.assignment),
        Err(error) => SyncGroupResponse::default().with_error_code(error.code()),
    }
}

pub(super) fn heartbeat(call: &Call<'_>, request: &HeartbeatRequest) -> HeartbeatResponse {
    if request.group_id.is_empty() {
        return HeartbeatResponse::default().with_error_code(ResponseError::InvalidGroupId.code());
    }
    if let Err(error) = call.coordinates(Coordination::Group, &request.group_id) {
        return HeartbeatResponse::default().with_error_code(error.code());
    }
    let result = call.cluster.groups.heartbeat(
        &request.group_id,
        &request.member_id,
        request.group_instance_id.as_deref(),
        request.generation_id,
    );
    HeartbeatResponse::default().with_error_code(code(result))
}

pub(super) fn leave(call: &Call<'_>, request: LeaveGroupRequest) -> LeaveGroupResponse {
    if request.group_id.is_empty() {
        return LeaveGroupResponse::default().with_error_code(ResponseError::InvalidGroupId.code());
    }
    if let Err(error) = call.coordinates(Coordination::Group, &request.group_id) {
        return LeaveGroupResponse::default().with_error_code(error.code());
    }
    let groups = &call.cluster.groups;
    if call.version < LEAVE_MANY_VERSION {
        let result = groups.leave(&request.group_id, &request.member_id, None);
        return LeaveGroupResponse::default().with_error_code(code(result));
    }
    let leave_one = |member: MemberIdentity| {
        let instance = member.group_instance_id.as_deref();
        let result = groups.leave(&request.group_id, &member.member_id, instance);
        MemberResponse::default()
            .with_error_code(code(result))
            .with_member_id(member.member_id)
            .with_group_instance_id(member.group_instance_id)
    };
    let members = request.members.into_iter().map(leave_one).collect();
    LeaveGroupResponse::default().with_members(members)
}
