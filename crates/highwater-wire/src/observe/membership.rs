//! Membership of classic groups: JoinGroup, SyncGroup, Heartbeat, LeaveGroup.

use bytes::Bytes;
use highwater_model::history::{GroupFacts, JoinedFacts, MemberFact, RequestFacts, ResponseFacts};
use kafka_protocol::messages::{HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest};

use super::client_protocol;
use super::dispatch::{answer, first_error};
use crate::bounded;
use crate::error::WireError;
use crate::subscription;

/// The client protocol whose subscriptions and assignments are understood; Kafka Connect, for one, has its own.
const CONSUMER: &str = "consumer";

/// First version in which several members leave at once (KIP-345).
const SEVERAL_LEAVE_SINCE: i16 = 3;

/// Before version 5 of SyncGroup nothing says which protocol it is.
fn may_be_consumer(protocol_type: Option<&str>) -> bool {
    protocol_type.is_none_or(|protocol| protocol == CONSUMER)
}

pub(super) fn join(mut body: Bytes, version: i16) -> Result<RequestFacts, WireError> {
    let request: JoinGroupRequest = bounded::decode(&mut body, version)?;
    let is_consumer = request.protocol_type.as_str() == CONSUMER;
    let topics = request
        .protocols
        .iter()
        .filter(|_| is_consumer)
        .find_map(|protocol| subscription::topics(&protocol.metadata).ok());
    Ok(RequestFacts::JoinGroup {
        group: GroupFacts {
            group_id: request.group_id.to_string(),
            member_id: request.member_id.to_string(),
            instance_id: request.group_instance_id.map(|id| id.to_string()),
            generation: -1,
        },
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms: request.rebalance_timeout_ms,
        topics: topics.unwrap_or_default(),
        assignors: request
            .protocols
            .iter()
            .map(|protocol| protocol.name.to_string())
            .collect(),
    })
}

pub(super) fn joined(frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    let response = answer::<JoinGroupRequest>(frame, version)?;
    Ok(ResponseFacts::Joined(JoinedFacts {
        error: response.error_code,
        generation: response.generation_id,
        assignor: response
            .protocol_name
            .filter(|name| !name.is_empty())
            .map(|name| name.to_string()),
        leader: response.leader.to_string(),
        member_id: response.member_id.to_string(),
        members: response
            .members
            .iter()
            .map(|member| member.member_id.to_string())
            .collect(),
    }))
}

pub(super) fn sync(mut body: Bytes, version: i16) -> Result<RequestFacts, WireError> {
    let request: SyncGroupRequest = bounded::decode(&mut body, version)?;
    let is_consumer = may_be_consumer(request.protocol_type.as_deref());
    Ok(RequestFacts::SyncGroup {
        group: GroupFacts {
            group_id: request.group_id.to_string(),
            member_id: request.member_id.to_string(),
            instance_id: request.group_instance_id.map(|id| id.to_string()),
            generation: request.generation_id,
        },
        assignments: request
            .assignments
            .iter()
            .map(|member| MemberFact {
                member_id: member.member_id.to_string(),
                partitions: if is_consumer {
                    client_protocol::assigned(&member.assignment)
                } else {
                    Vec::new()
                },
            })
            .collect(),
    })
}

pub(super) fn synced(frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    let response = answer::<SyncGroupRequest>(frame, version)?;
    let is_consumer = may_be_consumer(response.protocol_type.as_deref());
    Ok(ResponseFacts::Assigned {
        error: response.error_code,
        member_id: None,
        member_epoch: None,
        partitions: (response.error_code == 0 && is_consumer)
            .then(|| client_protocol::assigned(&response.assignment)),
    })
}

pub(super) fn heartbeat(mut body: Bytes, version: i16) -> Result<RequestFacts, WireError> {
    let request: HeartbeatRequest = bounded::decode(&mut body, version)?;
    Ok(RequestFacts::Heartbeat(GroupFacts {
        group_id: request.group_id.to_string(),
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.map(|id| id.to_string()),
        generation: request.generation_id,
    }))
}

pub(super) fn heard(frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    let response = answer::<HeartbeatRequest>(frame, version)?;
    Ok(ResponseFacts::Error {
        error: response.error_code,
    })
}

pub(super) fn leave(mut body: Bytes, version: i16) -> Result<RequestFacts, WireError> {
    let request: LeaveGroupRequest = bounded::decode(&mut body, version)?;
    let members = if version >= SEVERAL_LEAVE_SINCE {
        request
            .members
            .iter()
            .map(|member| member.member_id.to_string())
            .collect()
    } else {
        vec![request.member_id.to_string()]
    };
    Ok(RequestFacts::LeaveGroup {
        group_id: request.group_id.to_string(),
        members,
    })
}

pub(super) fn left(frame: Bytes, version: i16) -> Result<ResponseFacts, WireError> {
    let response = answer::<LeaveGroupRequest>(frame, version)?;
    let each = response.members.iter().map(|member| member.error_code);
    Ok(ResponseFacts::Error {
        error: first_error([response.error_code].into_iter().chain(each)),
    })
}
