use std::thread;
use std::time::Duration;

use bytes::Bytes;
use highwater_wire::Connection;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;

use crate::client::*;
use crate::running::start;

fn join_request(member_id: &StrBytes, session_ms: i32) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(Bytes::from_static(b"subscription"));
    JoinGroupRequest::default()
        .with_group_id(group("g"))
        .with_session_timeout_ms(session_ms)
        .with_rebalance_timeout_ms(10_000)
        .with_member_id(member_id.clone())
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol])
}

/// Joins as a client does: it is told its id first, and comes again with it.
pub(crate) fn join(connection: &mut Connection, member_id: &StrBytes, session_ms: i32) -> JoinGroupResponse {
    let first = connection
        .call(&join_request(member_id, session_ms), 5)
        .expect("JoinGroup");
    if ResponseError::try_from_code(first.error_code) != Some(ResponseError::MemberIdRequired) {
        return first;
    }
    connection
        .call(&join_request(&first.member_id, session_ms), 5)
        .expect("JoinGroup")
}

pub(crate) fn sync(connection: &mut Connection, joined: &JoinGroupResponse) -> (i16, Bytes) {
    let assignments = joined
        .members
        .iter()
        .map(|member| {
            SyncGroupRequestAssignment::default()
                .with_member_id(member.member_id.clone())
                .with_assignment(Bytes::from(format!("work of {}", &*member.member_id)))
        })
        .collect();
    let request = SyncGroupRequest::default()
        .with_group_id(group("g"))
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id.clone())
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("range")))
        .with_assignments(assignments);
    let response = connection.call(&request, 5).expect("SyncGroup");
    (response.error_code, response.assignment)
}

pub(crate) fn heartbeat(connection: &mut Connection, joined: &JoinGroupResponse) -> Option<ResponseError> {
    let request = HeartbeatRequest::default()
        .with_group_id(group("g"))
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id.clone());
    let response = connection.call(&request, 4).expect("Heartbeat");
    ResponseError::try_from_code(response.error_code)
}

/// Heartbeats until the group rebalances, as a consumer does.
fn await_rebalance(connection: &mut Connection, joined: &JoinGroupResponse) {
    while heartbeat(connection, joined).is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(
        heartbeat(connection, joined),
        Some(ResponseError::RebalanceInProgress)
    );
}

pub(crate) fn commit(
    connection: &mut Connection,
    joined: Option<&JoinGroupResponse>,
    offset: i64,
) -> Option<ResponseError> {
    let partition = OffsetCommitRequestPartition::default()
        .with_committed_offset(offset)
        .with_committed_metadata(Some(text("note")));
    let wanted = OffsetCommitRequestTopic::default()
        .with_name(topic("t"))
        .with_partitions(vec![partition]);
    let mut request = OffsetCommitRequest::default()
        .with_group_id(group("g"))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![wanted]);
    if let Some(joined) = joined {
        request = request
            .with_generation_id_or_member_epoch(joined.generation_id)
            .with_member_id(joined.member_id.clone());
    }
    let response = connection.call(&request, 8).expect("OffsetCommit");
    ResponseError::try_from_code(response.topics[0].partitions[0].error_code)
}

pub(crate) fn committed(connection: &mut Connection) -> i64 {
    let wanted = OffsetFetchRequestTopics::default()
        .with_name(topic("t"))
        .with_partition_indexes(vec![0]);
    let wanted = OffsetFetchRequestGroup::default()
        .with_group_id(group("g"))
        .with_topics(Some(vec![wanted]));
    let request = OffsetFetchRequest::default().with_groups(vec![wanted]);
    let response = connection.call(&request, 9).expect("OffsetFetch");
    response.groups[0].topics[0].partitions[0].committed_offset
}

#[test]
fn two_members_share_a_group_and_one_takes_over() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut a = broker.connect();
    let mut b = broker.connect();
    let alone = join(&mut a, &StrBytes::new(), 10_000);
    assert_eq!(
        (alone.error_code, alone.generation_id, alone.members.len()),
        (0, 1, 1)
    );
    assert_eq!(sync(&mut a, &alone).0, 0);
    let b_joins = thread::spawn(move || {
        let joined = join(&mut b, &StrBytes::new(), 10_000);
        let work = sync(&mut b, &joined);
        (b, joined, work)
    });
    await_rebalance(&mut a, &alone);
    let together = join(&mut a, &alone.member_id, 10_000);
    assert_eq!((together.generation_id, together.members.len()), (2, 2));
    let own = sync(&mut a, &together);
    assert_eq!(own, (0, Bytes::from(format!("work of {}", &*together.member_id))));
    let (mut b, joined, work) = b_joins.join().expect("b joined");
    assert_eq!((joined.generation_id, joined.members.len()), (2, 0));
    assert_eq!(work, (0, Bytes::from(format!("work of {}", &*joined.member_id))));
    assert_eq!(heartbeat(&mut a, &together), None);

    let leaves = LeaveGroupRequest::default()
        .with_group_id(group("g"))
        .with_member_id(together.member_id.clone());
    assert_eq!(a.call(&leaves, 2).expect("LeaveGroup").error_code, 0);
    await_rebalance(&mut b, &joined);
    let left = join(&mut b, &joined.member_id, 10_000);
    assert_eq!((left.generation_id, left.members.len()), (3, 1));
    assert_eq!(left.leader, left.member_id);
    assert_eq!(heartbeat(&mut a, &together), Some(ResponseError::UnknownMemberId));
}

#[test]
fn a_silent_member_is_dropped_after_its_session() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let (mut a, mut b) = (broker.connect(), broker.connect());
    let first = join(&mut a, &StrBytes::new(), 10_000);
    assert_eq!(sync(&mut a, &first).0, 0);
    let b_joins = thread::spawn(move || {
        let joined = join(&mut b, &StrBytes::new(), 200);
        sync(&mut b, &joined).0
    });
    await_rebalance(&mut a, &first);
    let second = join(&mut a, &first.member_id, 10_000);
    assert_eq!(sync(&mut a, &second).0, 0);
    assert_eq!(b_joins.join().expect("joined"), 0);
    // b says nothing more; only its session timeout can begin this rebalance.
    await_rebalance(&mut a, &second);
    let third = join(&mut a, &first.member_id, 10_000);
    assert_eq!((third.generation_id, third.members.len()), (3, 1));
}

#[test]
fn committed_offsets_survive_a_restart_and_follow_the_generation() {
    let dir = tempfile::tempdir().expect("dir");
    {
        let broker = start(dir.path());
        let mut connection = broker.connect();
        create_topic(&mut connection, "t", 1);
        assert_eq!(committed(&mut connection), -1);
        assert_eq!(commit(&mut connection, None, 5), None, "nobody is in the group");
        let joined = join(&mut connection, &StrBytes::new(), 10_000);
        assert_eq!(sync(&mut connection, &joined).0, 0);
        assert_eq!(commit(&mut connection, Some(&joined), 7), None);
        let mut old = joined.clone();
        old.generation_id -= 1;
        assert_eq!(
            commit(&mut connection, Some(&old), 3),
            Some(ResponseError::IllegalGeneration)
        );
        assert_eq!(
            commit(&mut connection, None, 3),
            Some(ResponseError::UnknownMemberId)
        );
        assert_eq!(committed(&mut connection), 7);
    }
    let broker = start(dir.path());
    let mut connection = broker.connect();
    assert_eq!(committed(&mut connection), 7);
    crate::topics::delete_topic(&mut connection, "t");
    assert_eq!(committed(&mut connection), -1, "gone with its topic");
    assert_eq!(
        commit(&mut connection, None, 1),
        Some(ResponseError::UnknownTopicOrPartition)
    );
}

#[test]
fn a_node_that_is_alone_coordinates_everything() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    for key_type in [0, 1] {
        // An empty key is looked for like any other; using it is refused later.
        let request = FindCoordinatorRequest::default()
            .with_key_type(key_type)
            .with_coordinator_keys(vec![text("x"), text("")]);
        let response = connection.call(&request, 4).expect("FindCoordinator");
        for found in &response.coordinators {
            assert_eq!((found.error_code, found.node_id.0), (0, 1));
            assert_eq!(found.port, i32::from(broker.address.port()));
        }
    }
    let request = FindCoordinatorRequest::default()
        .with_key(text("x"))
        .with_key_type(9);
    let response = connection.call(&request, 2).expect("FindCoordinator");
    assert_eq!(
        ResponseError::try_from_code(response.error_code),
        Some(ResponseError::InvalidRequest)
    );
}

#[test]
fn a_session_timeout_out_of_range_is_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    for session_ms in [-1, 0, 99, i32::MAX] {
        let refused = join(&mut connection, &StrBytes::new(), session_ms);
        let expected = Some(ResponseError::InvalidSessionTimeout);
        assert_eq!(
            ResponseError::try_from_code(refused.error_code),
            expected,
            "{session_ms} ms"
        );
    }
}
