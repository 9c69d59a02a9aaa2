use highwater_wire::Connection;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{CreateTopicsRequest, DeleteTopicsRequest, MetadataRequest};

use crate::client::*;
use crate::running::{config, start, start_with};

pub(crate) fn delete_topic(connection: &mut Connection, name: &str) -> Option<ResponseError> {
    let wanted = DeleteTopicState::default().with_name(Some(topic(name)));
    let request = DeleteTopicsRequest::default().with_topics(vec![wanted]);
    let response = connection.call(&request, 6).expect("DeleteTopics");
    ResponseError::try_from_code(response.responses[0].error_code)
}

fn describe(
    connection: &mut Connection,
    wanted: MetadataRequestTopic,
    create: bool,
) -> MetadataResponseTopic {
    let request = MetadataRequest::default()
        .with_topics(Some(vec![wanted]))
        .with_allow_auto_topic_creation(create);
    let response = connection.call(&request, 12).expect("Metadata");
    assert_eq!(response.brokers.len(), 1);
    response.topics[0].clone()
}

fn by_name(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(topic(name)))
}

#[test]
fn topics_are_created_described_and_deleted() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    assert_eq!(create_topic(&mut connection, "t", 3), 0);
    let exists = ResponseError::TopicAlreadyExists.code();
    assert_eq!(create_topic(&mut connection, "t", 3), exists);
    let described = describe(&mut connection, by_name("t"), false);
    assert_eq!(described.partitions.len(), 3);
    assert!(
        described
            .partitions
            .iter()
            .all(|partition| partition.leader_id.0 == 1)
    );
    let by_id = MetadataRequestTopic::default()
        .with_name(None)
        .with_topic_id(described.topic_id);
    assert_eq!(
        describe(&mut connection, by_id.clone(), false).name,
        Some(topic("t"))
    );
    produce(&mut connection, "t", 0, batch(&["a"]));
    assert_eq!(delete_topic(&mut connection, "t"), None);
    let unknown = Some(ResponseError::UnknownTopicOrPartition);
    assert_eq!(delete_topic(&mut connection, "t"), unknown);
    assert_eq!(
        ResponseError::try_from_code(describe(&mut connection, by_id, false).error_code),
        Some(ResponseError::UnknownTopicId)
    );
    assert_eq!(create_topic(&mut connection, "t", 1), 0);
    assert_eq!(
        read_values(&mut connection, "t", 0),
        [""; 0],
        "a new topic is empty"
    );
}

#[test]
fn asking_for_a_topic_makes_it_if_both_sides_agree() {
    let dir = tempfile::tempdir().expect("dir");
    let mut strict = config(dir.path());
    strict.auto_create_topics = false;
    let unknown = ResponseError::UnknownTopicOrPartition.code();
    {
        let broker = start_with(strict).expect("starts");
        assert_eq!(
            describe(&mut broker.connect(), by_name("t"), true).error_code,
            unknown
        );
    }
    let mut lenient = config(dir.path());
    lenient.default_partitions = 4;
    let broker = start_with(lenient).expect("starts");
    let mut connection = broker.connect();
    assert_eq!(describe(&mut connection, by_name("t"), false).error_code, unknown);
    assert_eq!(describe(&mut connection, by_name("t"), true).partitions.len(), 4);
}

#[test]
fn bad_topics_are_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    let long = "x".repeat(250);
    let setting = |name: &str, value: &str| {
        CreatableTopicConfig::default()
            .with_name(text(name))
            .with_value(Some(text(value)))
    };
    let cases = [
        ("no name", "", 1, 1, vec![], ResponseError::InvalidTopicException),
        (
            "a path",
            "../x",
            1,
            1,
            vec![],
            ResponseError::InvalidTopicException,
        ),
        ("a dot", ".", 1, 1, vec![], ResponseError::InvalidTopicException),
        (
            "too long",
            &*long,
            1,
            1,
            vec![],
            ResponseError::InvalidTopicException,
        ),
        (
            "no partition",
            "t",
            0,
            1,
            vec![],
            ResponseError::InvalidPartitions,
        ),
        (
            "too many partitions",
            "t",
            i32::MAX,
            1,
            vec![],
            ResponseError::InvalidPartitions,
        ),
        (
            "three replicas",
            "t",
            1,
            3,
            vec![],
            ResponseError::InvalidReplicationFactor,
        ),
        (
            "unknown setting",
            "t",
            1,
            1,
            vec![setting("x.y", "1")],
            ResponseError::InvalidConfig,
        ),
    ];
    for (name, topic_name, partitions, replicas, configs, expected) in cases {
        let wanted = CreatableTopic::default()
            .with_name(topic(topic_name))
            .with_num_partitions(partitions)
            .with_replication_factor(replicas)
            .with_configs(configs);
        let request = CreateTopicsRequest::default().with_topics(vec![wanted]);
        let response = connection.call(&request, 7).expect("CreateTopics");
        let result = &response.topics[0];
        assert_eq!(
            ResponseError::try_from_code(result.error_code),
            Some(expected),
            "{name}"
        );
        assert!(result.error_message.is_some(), "{name}");
    }
    let wanted = CreatableTopic::default()
        .with_name(topic("only-checked"))
        .with_num_partitions(-1)
        .with_replication_factor(-1);
    let request = CreateTopicsRequest::default()
        .with_topics(vec![wanted])
        .with_validate_only(true);
    let response = connection.call(&request, 7).expect("CreateTopics");
    assert_eq!(
        (response.topics[0].error_code, response.topics[0].num_partitions),
        (0, 1)
    );
    let unknown = ResponseError::UnknownTopicOrPartition.code();
    assert_eq!(
        describe(&mut connection, by_name("only-checked"), false).error_code,
        unknown
    );
}

#[test]
fn the_longest_name_works_and_names_that_look_like_files_too() {
    let dir = tempfile::tempdir().expect("dir");
    let names = [
        "x".repeat(249),
        "t.json".to_owned(),
        "t-0".to_owned(),
        "t".to_owned(),
    ];
    {
        let broker = start(dir.path());
        let mut connection = broker.connect();
        for name in &names {
            assert_eq!(create_topic(&mut connection, name, 2), 0, "{name}");
            assert_eq!(
                produce(&mut connection, name, 1, batch(&[name])).error_code,
                0,
                "{name}"
            );
        }
    }
    let broker = start(dir.path());
    let mut connection = broker.connect();
    for name in &names {
        assert_eq!(read_values(&mut connection, name, 1), [name.as_str()]);
    }
}
