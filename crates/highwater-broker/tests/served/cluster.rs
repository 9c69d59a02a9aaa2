//! DescribeCluster, DescribeLogDirs, DescribeAcls, DescribeTopicPartitions, CreatePartitions.

use highwater_wire::Connection;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, DescribeAclsRequest, DescribeClusterRequest, DescribeLogDirsRequest,
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
};

use crate::client::*;
use crate::running::start;

fn grow(
    connection: &mut Connection,
    name: &str,
    count: i32,
    replicas: Option<&[i32]>,
    validate_only: bool,
) -> Option<ResponseError> {
    let assignments = replicas.map(|nodes| {
        let ids = nodes.iter().map(|id| BrokerId(*id)).collect();
        vec![CreatePartitionsAssignment::default().with_broker_ids(ids)]
    });
    let wanted = CreatePartitionsTopic::default()
        .with_name(topic(name))
        .with_count(count)
        .with_assignments(assignments);
    let request = CreatePartitionsRequest::default()
        .with_topics(vec![wanted])
        .with_validate_only(validate_only);
    let response = connection.call(&request, 3).expect("CreatePartitions");
    let result = &response.results[0];
    assert_eq!(
        result.error_code == 0,
        result.error_message.is_none(),
        "{result:?}"
    );
    ResponseError::try_from_code(result.error_code)
}

fn page(
    connection: &mut Connection,
    names: &[&str],
    limit: i32,
    cursor: Option<(&str, i32)>,
) -> DescribeTopicPartitionsResponse {
    let wanted = names
        .iter()
        .map(|name| TopicRequest::default().with_name(topic(name)))
        .collect();
    let cursor = cursor.map(|(name, partition)| {
        Cursor::default()
            .with_topic_name(topic(name))
            .with_partition_index(partition)
    });
    let request = DescribeTopicPartitionsRequest::default()
        .with_topics(wanted)
        .with_response_partition_limit(limit)
        .with_cursor(cursor);
    connection.call(&request, 0).expect("DescribeTopicPartitions")
}

/// Topic and number of partitions.
type Counts = Vec<(String, usize)>;

/// What is on a page, and where it goes on.
fn shape(page: &DescribeTopicPartitionsResponse) -> (Counts, Option<(String, i32)>) {
    let topics = page.topics.iter().map(|topic| {
        let name = topic.name.as_ref().expect("named").to_string();
        (name, topic.partitions.len())
    });
    let cursor = page.next_cursor.as_ref();
    let cursor = cursor.map(|cursor| (cursor.topic_name.to_string(), cursor.partition_index));
    (topics.collect(), cursor)
}

fn count(connection: &mut Connection, name: &str) -> usize {
    page(connection, &[name], 2_000, None).topics[0].partitions.len()
}

#[test]
fn a_topic_grows_and_keeps_what_it_has() {
    let dir = tempfile::tempdir().expect("dir");
    {
        let broker = start(dir.path());
        let mut connection = broker.connect();
        create_topic(&mut connection, "t", 1);
        produce(&mut connection, "t", 0, batch(&["kept"]));
        assert_eq!(grow(&mut connection, "t", 3, None, true), None);
        assert_eq!(count(&mut connection, "t"), 1, "only checked");
        assert_eq!(grow(&mut connection, "t", 3, None, false), None);
        assert_eq!(grow(&mut connection, "t", 4, Some(&[1]), false), None);
        assert_eq!(produce(&mut connection, "t", 3, batch(&["new"])).error_code, 0);
    }
    let broker = start(dir.path());
    let mut connection = broker.connect();
    assert_eq!(count(&mut connection, "t"), 4);
    assert_eq!(read_values(&mut connection, "t", 0), ["kept"]);
    assert_eq!(read_values(&mut connection, "t", 3), ["new"]);
}

#[test]
fn growth_that_is_none_is_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 2);
    let invalid = Some(ResponseError::InvalidPartitions);
    for count in [2, 1, 0, -1, i32::MAX] {
        assert_eq!(grow(&mut connection, "t", count, None, false), invalid, "{count}");
    }
    let assignment = Some(ResponseError::InvalidReplicaAssignment);
    for (count, replicas) in [(4, &[1][..]), (3, &[7]), (3, &[]), (3, &[1, 1])] {
        let refused = grow(&mut connection, "t", count, Some(replicas), false);
        assert_eq!(refused, assignment, "{count} {replicas:?}");
    }
    let unknown = Some(ResponseError::UnknownTopicOrPartition);
    assert_eq!(grow(&mut connection, "nowhere", 3, None, false), unknown);
    assert_eq!(count(&mut connection, "t"), 2);
}

#[test]
fn directories_of_a_growth_that_was_cut_short_are_moved_aside() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    std::fs::create_dir(dir.path().join("topics/t-1")).expect("left behind");
    assert_eq!(grow(&mut connection, "t", 2, None, false), None);
    assert_eq!(read_values(&mut connection, "t", 1), [""; 0]);
    let aside = std::fs::read_dir(dir.path().join("orphaned")).expect("there");
    assert_eq!(aside.count(), 1);
}

#[test]
fn partitions_are_described_in_pages() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    for (name, partitions) in [("a", 2), ("b", 3), ("c", 1)] {
        create_topic(&mut connection, name, partitions);
    }
    let named = |pairs: &[(&str, usize)]| -> Counts {
        pairs
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    };
    let at = |name: &str, partition| Some((name.to_owned(), partition));
    let whole = page(&mut connection, &[], 2_000, None);
    assert_eq!(shape(&whole), (named(&[("a", 2), ("b", 3), ("c", 1)]), None));
    let first = page(&mut connection, &[], 3, None);
    assert_eq!(shape(&first), (named(&[("a", 2), ("b", 1)]), at("b", 1)));
    let second = page(&mut connection, &[], 2, Some(("b", 1)));
    assert_eq!(shape(&second), (named(&[("b", 2)]), at("c", 0)));
    assert_eq!(second.topics[0].partitions[0].partition_index, 1);
    let third = page(&mut connection, &[], 2, Some(("c", 0)));
    assert_eq!(shape(&third), (named(&[("c", 1)]), None));
    let some = page(&mut connection, &["c", "nowhere", "no/name"], 10, None);
    let errors: Vec<_> = some
        .topics
        .iter()
        .map(|topic| ResponseError::try_from_code(topic.error_code))
        .collect();
    assert_eq!(
        errors,
        [
            None,
            Some(ResponseError::InvalidTopicException),
            Some(ResponseError::UnknownTopicOrPartition)
        ]
    );
}

#[test]
fn the_cluster_names_its_nodes_and_what_may_be_done() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    let request = DescribeClusterRequest::default().with_include_cluster_authorized_operations(true);
    let response = connection.call(&request, 2).expect("DescribeCluster");
    assert_eq!((response.error_code, response.brokers.len()), (0, 1));
    assert_eq!(response.brokers[0].port, i32::from(broker.address.port()));
    assert!(response.cluster_authorized_operations > 0);
    let controllers = DescribeClusterRequest::default().with_endpoint_type(2);
    let refused = connection.call(&controllers, 1).expect("DescribeCluster");
    assert_eq!(
        ResponseError::try_from_code(refused.error_code),
        Some(ResponseError::MismatchedEndpointType)
    );
    let acls = DescribeAclsRequest::default().with_resource_type_filter(1);
    let acls = connection.call(&acls, 3).expect("DescribeAcls");
    assert_eq!(
        ResponseError::try_from_code(acls.error_code),
        Some(ResponseError::SecurityDisabled)
    );
}

#[test]
fn the_directory_of_the_logs_has_sizes() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 2);
    let records = batch(&["x"]);
    let length = i64::try_from(records.len()).expect("small");
    produce(&mut connection, "t", 1, records);
    let all = DescribeLogDirsRequest::default().with_topics(None);
    let response = connection.call(&all, 4).expect("DescribeLogDirs");
    let result = &response.results[0];
    assert!(result.total_bytes >= result.usable_bytes && result.usable_bytes > 0);
    let sizes: Vec<_> = result.topics[0]
        .partitions
        .iter()
        .map(|partition| partition.partition_size)
        .collect();
    assert_eq!(sizes, [0, length]);
}

#[test]
fn names_that_kafka_cannot_tell_apart_are_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    assert_eq!(create_topic(&mut connection, "a.b_c", 1), 0);
    let invalid = ResponseError::InvalidTopicException.code();
    assert_eq!(create_topic(&mut connection, "a_b.c", 1), invalid);
    assert_eq!(create_topic(&mut connection, "a-b.c", 1), 0);
}
