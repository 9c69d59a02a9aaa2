//! Groups as administrators see them.

use highwater_wire::Connection;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::{
    ApiVersionsRequest, DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest, OffsetDeleteRequest,
};
use kafka_protocol::protocol::StrBytes;

use crate::client::*;
use crate::groups::{commit, committed, join, sync};
use crate::running::start;

fn describe(connection: &mut Connection, name: &str, version: i16) -> DescribedGroup {
    let request = DescribeGroupsRequest::default().with_groups(vec![group(name)]);
    let response = connection.call(&request, version).expect("DescribeGroups");
    response.groups[0].clone()
}

fn list(connection: &mut Connection, states: &[&str], types: &[&str]) -> Vec<(String, String)> {
    let texts = |names: &[&str]| names.iter().map(|name| text(name)).collect();
    let request = ListGroupsRequest::default()
        .with_states_filter(texts(states))
        .with_types_filter(texts(types));
    let response = connection.call(&request, 5).expect("ListGroups");
    response
        .groups
        .iter()
        .map(|listed| (listed.group_id.to_string(), listed.group_state.to_string()))
        .collect()
}

fn delete(connection: &mut Connection, name: &str) -> Option<ResponseError> {
    let request = DeleteGroupsRequest::default().with_groups_names(vec![group(name)]);
    let response = connection.call(&request, 2).expect("DeleteGroups");
    ResponseError::try_from_code(response.results[0].error_code)
}

/// The error of the whole and the one of the partition.
fn delete_offset(connection: &mut Connection, name: &str) -> (i16, Option<i16>) {
    let wanted = OffsetDeleteRequestTopic::default()
        .with_name(topic("t"))
        .with_partitions(vec![OffsetDeleteRequestPartition::default()]);
    let request = OffsetDeleteRequest::default()
        .with_group_id(group(name))
        .with_topics(vec![wanted]);
    let response = connection.call(&request, 0).expect("OffsetDelete");
    let partition = response
        .topics
        .first()
        .map(|topic| topic.partitions[0].error_code);
    (response.error_code, partition)
}

fn pair(id: &str, state: &str) -> (String, String) {
    (id.to_owned(), state.to_owned())
}

#[test]
fn a_group_exists_as_long_as_it_has_offsets() {
    let dir = tempfile::tempdir().expect("dir");
    {
        let broker = start(dir.path());
        let mut connection = broker.connect();
        create_topic(&mut connection, "t", 1);
        assert_eq!(list(&mut connection, &[], &[]), []);
        assert_eq!(commit(&mut connection, None, 5), None);
    }
    let broker = start(dir.path());
    let mut connection = broker.connect();
    assert_eq!(list(&mut connection, &[], &[]), [pair("g", "Empty")]);
    assert_eq!(list(&mut connection, &["stable"], &[]), []);
    assert_eq!(
        list(&mut connection, &["EMPTY"], &["Classic"]),
        [pair("g", "Empty")]
    );
    assert_eq!(list(&mut connection, &[], &["consumer"]), []);
    assert_eq!(&*describe(&mut connection, "g", 6).group_state, "Empty");
    assert_eq!(delete_offset(&mut connection, "g"), (0, Some(0)));
    assert_eq!(committed(&mut connection), -1);
    assert_eq!(list(&mut connection, &[], &[]), [], "nothing is left of it");
}

#[test]
fn a_group_that_is_not_there_is_dead_or_an_error() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    let old = describe(&mut connection, "g", 5);
    assert_eq!((old.error_code, &*old.group_state), (0, "Dead"));
    let new = describe(&mut connection, "g", 6);
    let not_found = ResponseError::GroupIdNotFound;
    assert_eq!((new.error_code, &*new.group_state), (not_found.code(), "Dead"));
    assert_eq!(new.error_message.as_deref(), Some("Group g not found."));
    assert_eq!(delete(&mut connection, "g"), Some(not_found));
    assert_eq!(delete_offset(&mut connection, "g"), (not_found.code(), None));
}

#[test]
fn a_stable_group_shows_its_members_and_cannot_be_deleted() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    let joined = join(&mut connection, &StrBytes::new(), 10_000);
    let half_way = describe(&mut connection, "g", 6);
    assert_eq!(&*half_way.group_state, "CompletingRebalance");
    assert!(half_way.members[0].member_metadata.is_empty());
    assert_eq!(sync(&mut connection, &joined).0, 0);
    assert_eq!(commit(&mut connection, Some(&joined), 3), None);
    let stable = describe(&mut connection, "g", 6);
    assert_eq!(
        (
            &*stable.group_state,
            &*stable.protocol_type,
            &*stable.protocol_data
        ),
        ("Stable", "consumer", "range")
    );
    let member = &stable.members[0];
    assert_eq!(member.member_id, joined.member_id);
    assert_eq!(&*member.client_host, "/127.0.0.1");
    assert_eq!(member.member_metadata, "subscription");
    assert!(member.member_assignment.starts_with(b"work of"));
    assert_eq!(list(&mut connection, &["Stable"], &[]), [pair("g", "Stable")]);
    assert_eq!(delete(&mut connection, "g"), Some(ResponseError::NonEmptyGroup));
    // The metadata of this test is no subscription, so the coordinator cannot know what is read.
    let subscribed = ResponseError::GroupSubscribedToTopic.code();
    assert_eq!(delete_offset(&mut connection, "g"), (0, Some(subscribed)));
    assert_eq!(committed(&mut connection), 3);
}

#[test]
fn a_deleted_group_is_gone_with_its_offsets() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    assert_eq!(commit(&mut connection, None, 5), None);
    assert_eq!(delete(&mut connection, "g"), None);
    assert_eq!(committed(&mut connection), -1);
    assert_eq!(delete(&mut connection, "g"), Some(ResponseError::GroupIdNotFound));
}

#[test]
fn groups_of_the_newer_protocol_are_not_advertised() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    let advertised = connection
        .call(&ApiVersionsRequest::default(), 3)
        .expect("ApiVersions");
    let newer = 68..=69;
    assert!(
        advertised
            .api_keys
            .iter()
            .all(|api| !newer.contains(&api.api_key))
    );
}
