use std::time::{Duration, Instant};

use highwater_wire::Connection;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, ElectLeadersRequest, FetchRequest, FindCoordinatorRequest,
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, ListOffsetsRequest, MetadataRequest,
    MetadataResponse, OffsetFetchRequest, OffsetForLeaderEpochRequest, ProduceRequest, SyncGroupRequest,
};

use crate::client::*;
use crate::running::{Running, config, start, start_nodes, start_with};
use crate::transactional::{Producer, Protocol, committed_values};

const NOT_LEADER: i16 = 6;
const NOT_COORDINATOR: i16 = 16;
const FENCED_EPOCH: i16 = 74;
const UNKNOWN_EPOCH: i16 = 75;

fn metadata(connection: &mut Connection, name: &str) -> MetadataResponse {
    let wanted = MetadataRequestTopic::default().with_name(Some(topic(name)));
    let request = MetadataRequest::default().with_topics(Some(vec![wanted]));
    connection.call(&request, 12).expect("Metadata")
}

fn partition_of(connection: &mut Connection, name: &str, index: i32) -> MetadataResponsePartition {
    let answer = metadata(connection, name);
    let mut partitions = answer.topics[0].partitions.iter();
    partitions
        .find(|partition| partition.partition_index == index)
        .expect("the partition")
        .clone()
}

fn reassign(connection: &mut Connection, name: &str, index: i32, replicas: Option<&[i32]>) -> i16 {
    let replicas = replicas.map(|ids| ids.iter().copied().map(BrokerId).collect());
    let partition = ReassignablePartition::default()
        .with_partition_index(index)
        .with_replicas(replicas);
    let wanted = ReassignableTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![partition]);
    let request = AlterPartitionReassignmentsRequest::default().with_topics(vec![wanted]);
    let response = connection.call(&request, 1).expect("AlterPartitionReassignments");
    response.responses[0].partitions[0].error_code
}

fn elect(connection: &mut Connection, name: &str, index: i32) -> i16 {
    let wanted = TopicPartitions::default()
        .with_topic(topic(name))
        .with_partitions(vec![index]);
    let request = ElectLeadersRequest::default().with_topic_partitions(Some(vec![wanted]));
    let response = connection.call(&request, 2).expect("ElectLeaders");
    response.replica_election_results[0].partition_result[0].error_code
}

fn fetch_code(connection: &mut Connection, believed_epoch: i32) -> i16 {
    let mut request = fetch_request("t", 0, 0);
    request.topics[0].partitions[0].current_leader_epoch = believed_epoch;
    let response = connection.call(&request, 12).expect("Fetch");
    response.responses[0].partitions[0].error_code
}

fn list(connection: &mut Connection, believed_epoch: i32, timestamp: i64) -> (i16, i64, i32) {
    let partition = ListOffsetsPartition::default()
        .with_current_leader_epoch(believed_epoch)
        .with_timestamp(timestamp);
    let wanted = ListOffsetsTopic::default()
        .with_name(topic("t"))
        .with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(vec![wanted]);
    let response = connection.call(&request, 7).expect("ListOffsets");
    let found = &response.topics[0].partitions[0];
    (found.error_code, found.offset, found.leader_epoch)
}

/// Error, epoch and end offset.
fn epoch_end(connection: &mut Connection, believed_epoch: i32, epoch: i32) -> (i16, i32, i64) {
    let partition = OffsetForLeaderPartition::default()
        .with_current_leader_epoch(believed_epoch)
        .with_leader_epoch(epoch);
    let wanted = OffsetForLeaderTopic::default()
        .with_topic(topic("t"))
        .with_partitions(vec![partition]);
    let request = OffsetForLeaderEpochRequest::default()
        .with_replica_id(BrokerId(-2))
        .with_topics(vec![wanted]);
    let response = connection.call(&request, 4).expect("OffsetForLeaderEpoch");
    let found = &response.topics[0].partitions[0];
    (found.error_code, found.leader_epoch, found.end_offset)
}

fn find_coordinator(connection: &mut Connection, key_type: i8, key: &str) -> i32 {
    let request = FindCoordinatorRequest::default()
        .with_key_type(key_type)
        .with_coordinator_keys(vec![text(key)]);
    let response = connection.call(&request, 4).expect("FindCoordinator");
    assert_eq!(response.coordinators[0].error_code, 0);
    response.coordinators[0].node_id.0
}

fn another(node: i32) -> i32 {
    node % 3 + 1
}

#[test]
fn every_start_begins_a_leader_epoch_and_the_history_is_kept() {
    let dir = tempfile::tempdir().expect("dir");
    {
        let broker = start(dir.path());
        let mut connection = broker.connect();
        create_topic(&mut connection, "t", 1);
        assert_eq!(partition_of(&mut connection, "t", 0).leader_epoch, 0);
        produce(&mut connection, "t", 0, batch(&["a", "b"]));
        assert_eq!(epoch_end(&mut connection, 0, 0), (0, 0, 2));
    }
    drop(start(dir.path()));
    let broker = start(dir.path());
    let mut connection = broker.connect();
    assert_eq!(partition_of(&mut connection, "t", 0).leader_epoch, 2);
    produce(&mut connection, "t", 0, batch(&["c"]));
    let epochs: Vec<i32> = [0, 2]
        .map(|offset| batches(&fetch(&mut connection, "t", 0, offset))[0].leader_epoch())
        .into();
    assert_eq!(epochs, [0, 2], "as the batches carry them");
    assert_eq!(epoch_end(&mut connection, 2, 0), (0, 0, 2));
    assert_eq!(
        epoch_end(&mut connection, 2, 1),
        (0, 0, 2),
        "nothing was written in it"
    );
    assert_eq!(epoch_end(&mut connection, 2, 2), (0, 2, 3));
    assert_eq!(epoch_end(&mut connection, 2, 3), (0, -1, -1));
    assert_eq!(
        list(&mut connection, 2, -2),
        (0, 0, 0),
        "the first record's epoch"
    );
    assert_eq!(list(&mut connection, 2, -1), (0, 3, 2));
    create_topic(&mut connection, "new", 1);
    assert_eq!(partition_of(&mut connection, "new", 0).leader_epoch, 0);
}

#[test]
fn epochs_of_the_past_are_fenced_and_those_of_the_future_unknown() {
    let dir = tempfile::tempdir().expect("dir");
    {
        let broker = start(dir.path());
        create_topic(&mut broker.connect(), "t", 1);
    }
    let broker = start(dir.path());
    let mut connection = broker.connect();
    for (believed, expected) in [(-1, 0), (0, FENCED_EPOCH), (1, 0), (2, UNKNOWN_EPOCH)] {
        assert_eq!(
            fetch_code(&mut connection, believed),
            expected,
            "Fetch {believed}"
        );
        assert_eq!(
            list(&mut connection, believed, -1).0,
            expected,
            "ListOffsets {believed}"
        );
        let code = epoch_end(&mut connection, believed, 0).0;
        assert_eq!(code, expected, "OffsetForLeaderEpoch {believed}");
    }
}

#[test]
fn several_nodes_are_listed_and_lead_in_turn() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start_nodes(dir.path(), 3);
    let mut connection = broker.connect_to(2);
    create_topic(&mut connection, "t", 6);
    let answer = metadata(&mut connection, "t");
    let listed: Vec<(i32, i32)> = answer
        .brokers
        .iter()
        .map(|broker| (broker.node_id.0, broker.port))
        .collect();
    let expected: Vec<(i32, i32)> = (1..)
        .zip(&broker.addresses)
        .map(|(id, address)| (id, i32::from(address.port())))
        .collect();
    assert_eq!(listed, expected);
    let mut leaders: Vec<i32> = answer.topics[0]
        .partitions
        .iter()
        .map(|partition| partition.leader_id.0)
        .collect();
    leaders.sort_unstable();
    assert_eq!(leaders, [1, 1, 2, 2, 3, 3]);
}

#[test]
fn only_the_leader_serves_and_the_others_name_it() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start_nodes(dir.path(), 3);
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    let id = metadata(&mut connection, "t").topics[0].topic_id;
    let leader = partition_of(&mut connection, "t", 0).leader_id;
    let port = i32::from(broker.addresses[usize::try_from(leader.0 - 1).expect("an id")].port());
    let mut wrong = broker.connect_to(another(leader.0));
    let mut right = broker.connect_to(leader.0);
    assert_eq!(produce(&mut right, "t", 0, batch(&["x"])).error_code, 0);
    assert_eq!(fetch_code(&mut right, -1), 0);

    let mut request = produce_request("t", 0, batch(&["y"]));
    request.topic_data[0].topic_id = id;
    request.topic_data[0].name = topic("");
    let answer = wrong.call(&request, 13).expect("Produce by id");
    let refused = &answer.responses[0].partition_responses[0];
    assert_eq!(
        (refused.error_code, refused.current_leader.leader_id),
        (NOT_LEADER, leader)
    );
    let request = produce_request("t", 0, batch(&["y"]));
    let answer = wrong.call::<ProduceRequest>(&request, 11).expect("Produce");
    let refused = &answer.responses[0].partition_responses[0];
    assert_eq!(refused.error_code, NOT_LEADER);
    assert_eq!(
        (
            refused.current_leader.leader_id,
            refused.current_leader.leader_epoch
        ),
        (leader, 0)
    );
    let endpoint = &answer.node_endpoints[0];
    assert_eq!((endpoint.node_id, endpoint.port), (leader, port));

    let mut request = fetch_request("", 0, 0);
    request.topics[0].topic_id = id;
    let answer = wrong.call::<FetchRequest>(&request, 16).expect("Fetch");
    let refused = &answer.responses[0].partitions[0];
    assert_eq!(
        (refused.error_code, refused.current_leader.leader_id),
        (NOT_LEADER, leader)
    );
    assert_eq!(
        (answer.node_endpoints[0].node_id, answer.node_endpoints[0].port),
        (leader, port)
    );

    assert_eq!(list(&mut wrong, -1, -1).0, NOT_LEADER);
    assert_eq!(epoch_end(&mut wrong, -1, 0).0, NOT_LEADER);
    assert_eq!(read_values(&mut right, "t", 0), ["x"]);
}

#[test]
fn a_partition_moves_and_stays_where_it_was_moved() {
    let dir = tempfile::tempdir().expect("dir");
    let moved_to;
    {
        let broker = start_nodes(dir.path(), 3);
        let mut connection = broker.connect();
        create_topic(&mut connection, "t", 1);
        let leader = partition_of(&mut connection, "t", 0).leader_id.0;
        moved_to = another(leader);
        let mut old = broker.connect_to(leader);
        assert_eq!(produce(&mut old, "t", 0, batch(&["before"])).error_code, 0);
        assert_eq!(reassign(&mut connection, "t", 0, Some(&[moved_to])), 0);
        assert_eq!(produce(&mut old, "t", 0, batch(&["lost"])).error_code, NOT_LEADER);
        let found = partition_of(&mut connection, "t", 0);
        assert_eq!((found.leader_id.0, found.leader_epoch), (moved_to, 1));
        let mut new = broker.connect_to(moved_to);
        assert_eq!(fetch_code(&mut new, 0), FENCED_EPOCH);
        assert_eq!(produce(&mut new, "t", 0, batch(&["after"])).error_code, 0);
        assert_eq!(epoch_end(&mut new, 1, 0), (0, 0, 1));
        assert_eq!(read_values(&mut new, "t", 0), ["before", "after"]);
    }
    let broker = start_nodes(dir.path(), 3);
    let mut connection = broker.connect();
    let found = partition_of(&mut connection, "t", 0);
    assert_eq!((found.leader_id.0, found.leader_epoch), (moved_to, 2));
    drop(broker);
    let alone = start(dir.path());
    let found = partition_of(&mut alone.connect(), "t", 0);
    assert_eq!(
        (found.leader_id.0, found.leader_epoch),
        (1, 3),
        "somebody who is there"
    );
}

#[test]
fn the_preferred_replica_is_elected_when_it_does_not_lead() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start_nodes(dir.path(), 3);
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    let not_needed = ResponseError::ElectionNotNeeded.code();
    assert_eq!(elect(&mut connection, "t", 0), not_needed);
    let leader = partition_of(&mut connection, "t", 0).leader_id.0;
    let other = another(leader);
    assert_eq!(reassign(&mut connection, "t", 0, Some(&[other, leader])), 0);
    assert_eq!(
        partition_of(&mut connection, "t", 0).leader_id.0,
        leader,
        "it stays"
    );
    assert_eq!(elect(&mut connection, "t", 0), 0);
    let found = partition_of(&mut connection, "t", 0);
    assert_eq!((found.leader_id.0, found.leader_epoch), (other, 1));
    assert_eq!(elect(&mut connection, "t", 0), not_needed);
    let unknown = ResponseError::UnknownTopicOrPartition.code();
    assert_eq!(elect(&mut connection, "nowhere", 0), unknown);
    let mut followed = broker.connect_to(leader);
    assert_eq!(
        fetch_code(&mut followed, 0),
        FENCED_EPOCH,
        "a follower knows epochs"
    );
    assert_eq!(fetch_code(&mut followed, 1), NOT_LEADER);
}

#[test]
fn impossible_moves_are_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start_nodes(dir.path(), 3);
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    type Case<'a> = (&'a str, &'a str, i32, Option<&'a [i32]>, ResponseError);
    let cases: [Case<'_>; 6] = [
        (
            "a strange node",
            "t",
            0,
            Some(&[9]),
            ResponseError::InvalidReplicaAssignment,
        ),
        (
            "nobody",
            "t",
            0,
            Some(&[]),
            ResponseError::InvalidReplicaAssignment,
        ),
        (
            "twice",
            "t",
            0,
            Some(&[1, 1]),
            ResponseError::InvalidReplicaAssignment,
        ),
        ("a cancel", "t", 0, None, ResponseError::NoReassignmentInProgress),
        (
            "no partition",
            "t",
            1,
            Some(&[1]),
            ResponseError::UnknownTopicOrPartition,
        ),
        (
            "no topic",
            "u",
            0,
            Some(&[1]),
            ResponseError::UnknownTopicOrPartition,
        ),
    ];
    for (name, moved, index, replicas, expected) in cases {
        assert_eq!(
            reassign(&mut connection, moved, index, replicas),
            expected.code(),
            "{name}"
        );
    }
}

#[test]
fn a_waiting_fetch_hears_at_once_that_its_partition_has_moved() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start_nodes(dir.path(), 3);
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    let leader = partition_of(&mut connection, "t", 0).leader_id.0;
    let mut waiting = broker.connect_to(leader);
    let begun = Instant::now();
    let sent = waiting
        .send(&fetch_request("t", 0, 0).with_max_wait_ms(15_000), 12)
        .expect("sent");
    assert_eq!(reassign(&mut connection, "t", 0, Some(&[another(leader)])), 0);
    let answer = waiting.receive::<FetchRequest>(12, sent).expect("answered");
    assert_eq!(answer.responses[0].partitions[0].error_code, NOT_LEADER);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

fn join(connection: &mut Connection, member_id: &str) -> JoinGroupResponse {
    let request = join_request(member_id);
    connection.call(&request, 5).expect("JoinGroup")
}

fn join_request(member_id: &str) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default().with_name(text("range"));
    JoinGroupRequest::default()
        .with_group_id(group("g"))
        .with_member_id(text(member_id))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol])
}

fn heartbeat(connection: &mut Connection, member_id: &str, generation: i32) -> i16 {
    let request = HeartbeatRequest::default()
        .with_group_id(group("g"))
        .with_member_id(text(member_id))
        .with_generation_id(generation);
    connection.call(&request, 4).expect("Heartbeat").error_code
}

fn sync(connection: &mut Connection, member_id: &str, generation: i32) -> i16 {
    let request = SyncGroupRequest::default()
        .with_group_id(group("g"))
        .with_member_id(text(member_id))
        .with_generation_id(generation)
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("range")));
    connection.call(&request, 5).expect("SyncGroup").error_code
}

/// Moves the coordinator of group "g" to another node; its number.
fn move_coordinator(broker: &Running) -> i32 {
    let mut connection = broker.connect();
    let before = find_coordinator(&mut connection, 0, "g");
    let partition = i32::try_from(u32::from(b'g') % 50).expect("small");
    let to = another(before);
    assert_eq!(
        reassign(&mut connection, "__consumer_offsets", partition, Some(&[to])),
        0
    );
    assert_eq!(find_coordinator(&mut connection, 0, "g"), to);
    to
}

#[test]
fn a_group_goes_on_at_its_new_coordinator() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start_nodes(dir.path(), 3);
    let first = find_coordinator(&mut broker.connect(), 0, "g");
    let mut old = broker.connect_to(first);
    assert_eq!(
        join(&mut broker.connect_to(another(first)), "").error_code,
        NOT_COORDINATOR
    );
    let member = join(&mut old, "").member_id.to_string();
    assert_eq!(join(&mut old, &member).generation_id, 1);
    assert_eq!(sync(&mut old, &member, 1), 0);
    let to = move_coordinator(&broker);
    assert_eq!(heartbeat(&mut old, &member, 1), NOT_COORDINATOR);
    assert_eq!(sync(&mut old, &member, 1), NOT_COORDINATOR);
    let offsets = OffsetFetchRequest::default().with_group_id(group("g"));
    assert_eq!(
        old.call(&offsets, 7).expect("OffsetFetch").error_code,
        NOT_COORDINATOR
    );
    let mut new = broker.connect_to(to);
    assert_eq!(heartbeat(&mut new, &member, 1), 0, "the same generation");
}

#[test]
fn a_join_that_waits_is_sent_to_the_new_coordinator() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start_nodes(dir.path(), 3);
    let first = find_coordinator(&mut broker.connect(), 0, "g");
    let mut old = broker.connect_to(first);
    let leader = join(&mut old, "").member_id.to_string();
    join(&mut old, &leader);
    assert_eq!(sync(&mut old, &leader, 1), 0);
    let second = join(&mut old, "").member_id.to_string();
    let sent = old.send(&join_request(&second), 5).expect("sent");
    let mut beside = broker.connect_to(first);
    while heartbeat(&mut beside, &leader, 1) == 0 {
        std::thread::yield_now();
    }
    let to = move_coordinator(&broker);
    let answer = old
        .receive::<JoinGroupRequest>(5, sent)
        .expect("answered at once");
    assert_eq!(answer.error_code, NOT_COORDINATOR);
    let (mut one, mut two) = (broker.connect_to(to), broker.connect_to(to));
    let waits = two.send(&join_request(&second), 5).expect("sent");
    let led = join(&mut one, &leader);
    assert_eq!((led.error_code, led.generation_id, led.members.len()), (0, 2, 2));
    let followed = two.receive::<JoinGroupRequest>(5, waits).expect("answered");
    assert_eq!((followed.error_code, followed.generation_id), (0, 2));
}

#[test]
fn an_open_transaction_goes_on_at_its_new_coordinator() {
    for protocol in [Protocol::Old, Protocol::Two] {
        let dir = tempfile::tempdir().expect("dir");
        let broker = start_nodes(dir.path(), 3);
        let mut connection = broker.connect();
        create_topic(&mut connection, "t", 1);
        let leader = partition_of(&mut connection, "t", 0).leader_id.0;
        let mut data = broker.connect_to(leader);
        let before = find_coordinator(&mut connection, 1, "x");
        let mut old = broker.connect_to(before);
        let mut producer = Producer::init(&mut old, "x", protocol);
        if protocol == Protocol::Old {
            assert_eq!(producer.add(&mut old, "t", 0), None);
        }
        assert_eq!(producer.send(&mut data, "t", 0, "first"), Ok(0));
        let partition = i32::try_from(u32::from(b'x') % 50).expect("small");
        let to = another(before);
        assert_eq!(
            reassign(&mut connection, "__transaction_state", partition, Some(&[to])),
            0
        );
        assert_eq!(find_coordinator(&mut connection, 1, "x"), to);
        assert_eq!(
            producer.end(&mut old, true),
            Some(ResponseError::NotCoordinator),
            "{protocol:?}"
        );
        assert_eq!(producer.send(&mut data, "t", 0, "second"), Ok(1));
        assert_eq!(committed_values(&mut data, "t", 0), [""; 0]);
        let mut new = broker.connect_to(to);
        assert_eq!(producer.end(&mut new, true), None, "{protocol:?}");
        let deadline = Instant::now() + Duration::from_secs(10);
        while committed_values(&mut data, "t", 0) != ["first", "second"] {
            assert!(Instant::now() < deadline, "{protocol:?}: committed is visible");
        }
    }
}

#[test]
fn internal_topics_are_there_once_they_are_needed_and_not_for_clients() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start_nodes(dir.path(), 3);
    let mut connection = broker.connect();
    let all = MetadataRequest::default().with_topics(None);
    assert!(connection.call(&all, 12).expect("Metadata").topics.is_empty());
    find_coordinator(&mut connection, 0, "g");
    find_coordinator(&mut connection, 1, "x");
    let topics = connection.call(&all, 12).expect("Metadata").topics;
    let seen: Vec<(String, bool, usize)> = topics
        .iter()
        .map(|topic| {
            let name = topic.name.as_ref().expect("named").to_string();
            (name, topic.is_internal, topic.partitions.len())
        })
        .collect();
    let expected = ["__consumer_offsets", "__transaction_state"].map(|name| (name.to_owned(), true, 50));
    assert_eq!(seen, expected);
    let leader = partition_of(&mut connection, "__consumer_offsets", 0).leader_id.0;
    let mut leader = broker.connect_to(leader);
    let refused = produce(&mut leader, "__consumer_offsets", 0, batch(&["x"]));
    assert_eq!(refused.error_code, ResponseError::InvalidTopicException.code());
}

#[test]
fn impossible_numbers_of_nodes_are_refused() {
    let dir = tempfile::tempdir().expect("dir");
    for (brokers, port) in [(0, 0), (33, 0), (3, 65_534)] {
        let mut config = config(dir.path());
        config.brokers = brokers;
        config.listen.set_port(port);
        assert!(start_with(config).is_err(), "{brokers} from port {port}");
    }
}
