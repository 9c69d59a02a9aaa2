//! What an administrator does: topics, partitions, settings, records and groups.

use rdkafka::admin::{
    AlterConfig, ConfigResource, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::{
    administrator, assigned, block_on, consumer, options, poll_until, produce, producer, read_all, topic,
    values,
};
use crate::arm::{Arm, PATIENCE, until};

fn topics_are_made_widened_and_deleted(arm: &mut Arm) {
    let name = "admin-topics";
    topic(arm, name, 2, &[]);
    let client = administrator(arm);
    let again = NewTopic::new(name, 2, TopicReplication::Fixed(1));
    let refused = block_on(client.create_topics([&again], &options())).expect("an answer");
    assert_eq!(
        refused,
        [Err((name.to_owned(), RDKafkaErrorCode::TopicAlreadyExists))]
    );
    let wide = NewTopic::new("admin-too-wide", 1, TopicReplication::Fixed(3));
    let refused = block_on(client.create_topics([&wide], &options())).expect("an answer");
    assert_eq!(
        refused,
        [Err((
            "admin-too-wide".to_owned(),
            RDKafkaErrorCode::InvalidReplicationFactor
        ))]
    );

    let more = NewPartitions::new(name, 5);
    let widened = block_on(client.create_partitions([&more], &options())).expect("an answer");
    assert_eq!(widened, [Ok(name.to_owned())]);
    until("five partitions with leaders", || partitions(arm, name) == 5);
    let fewer = NewPartitions::new(name, 3);
    let refused = block_on(client.create_partitions([&fewer], &options())).expect("an answer");
    assert_eq!(
        refused,
        [Err((name.to_owned(), RDKafkaErrorCode::InvalidPartitions))]
    );

    let gone = block_on(client.delete_topics(&[name], &options())).expect("an answer");
    assert_eq!(gone, [Ok(name.to_owned())]);
    until("no partitions", || partitions(arm, name) == 0);
    let refused = block_on(client.delete_topics(&[name], &options())).expect("an answer");
    assert_eq!(
        refused,
        [Err((name.to_owned(), RDKafkaErrorCode::UnknownTopicOrPartition))]
    );
}

/// Partitions with a leader. Asking must not make the topic.
fn partitions(arm: &Arm, name: &str) -> usize {
    let client = consumer(arm, "nobody", &[("allow.auto.create.topics", "false")]);
    let metadata = client.fetch_metadata(None, PATIENCE).expect("metadata");
    let found = metadata.topics().iter().find(|found| found.name() == name);
    found.map_or(0, |found| {
        found.partitions().iter().filter(|one| one.leader() >= 0).count()
    })
}

fn settings_are_described_and_altered(arm: &mut Arm) {
    let name = "admin-settings";
    topic(
        arm,
        name,
        1,
        &[("cleanup.policy", "compact"), ("retention.ms", "123456789")],
    );
    assert_eq!(setting(arm, name, "cleanup.policy").0, "compact");
    assert_eq!(
        setting(arm, name, "retention.ms"),
        ("123456789".to_owned(), false)
    );
    assert_eq!(
        setting(arm, name, "max.message.bytes"),
        ("1048588".to_owned(), true)
    );
    let change = AlterConfig::new(ResourceSpecifier::Topic(name))
        .set("cleanup.policy", "delete")
        .set("max.message.bytes", "2000");
    let altered = block_on(administrator(arm).alter_configs([&change], &options())).expect("an answer");
    assert!(altered[0].is_ok(), "{altered:?}");
    until("the settings are in force", || {
        setting(arm, name, "max.message.bytes") == ("2000".to_owned(), false)
    });
    assert_eq!(setting(arm, name, "cleanup.policy").0, "delete");
    // Not named, so back to the default.
    assert_eq!(setting(arm, name, "retention.ms"), ("604800000".to_owned(), true));

    let writer = producer(arm, &[]);
    let big = "x".repeat(3000);
    super::send(
        &writer,
        rdkafka::producer::BaseRecord::<str, _>::to(name)
            .partition(0)
            .payload(&big),
    );
    rdkafka::producer::Producer::flush(&writer, PATIENCE).expect("it is answered");
    let context = rdkafka::producer::Producer::context(&writer);
    let answer = super::locked(&context.delivered).pop().expect("an answer");
    let code = answer.expect_err("it is too large").rdkafka_error_code();
    assert_eq!(code, Some(RDKafkaErrorCode::MessageSizeTooLarge));

    let wrong = AlterConfig::new(ResourceSpecifier::Topic(name)).set("retention.ms", "soon");
    // The crate does not hand the refusal of one resource on; that nothing has changed is what is left to see.
    block_on(administrator(arm).alter_configs([&wrong], &options()))
        .expect("an answer")
        .pop();
    assert_eq!(setting(arm, name, "max.message.bytes").0, "2000");
}

/// A setting of a topic, and whether it is the default.
fn setting(arm: &Arm, topic: &str, name: &str) -> (String, bool) {
    let asked = [ResourceSpecifier::Topic(topic)];
    let answer = block_on(administrator(arm).describe_configs(&asked, &options())).expect("an answer");
    let resource: &ConfigResource = answer[0].as_ref().expect("the topic");
    let entry = resource.get(name).unwrap_or_else(|| panic!("no {name}"));
    (entry.value.clone().unwrap_or_default(), entry.is_default)
}

fn records_are_deleted_from_the_beginning(arm: &mut Arm) {
    let name = "admin-records";
    topic(arm, name, 1, &[]);
    produce(&producer(arm, &[]), name, 0, 0..10);
    let delete = |offset| {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(name, 0, offset).expect("an offset");
        block_on(administrator(arm).delete_records(&list, &options())).expect("an answer")
    };
    let deleted = delete(Offset::Offset(4));
    let partition = deleted.find_partition(name, 0).expect("the partition");
    assert_eq!(
        (partition.offset(), partition.error()),
        (Offset::Offset(4), Ok(()))
    );
    assert_eq!(values(&read_all(arm, name, "read_uncommitted"))[0], "value-4");
    let watermarks = consumer(arm, "nobody", &[]).fetch_watermarks(name, 0, PATIENCE);
    assert_eq!(watermarks.expect("an answer"), (4, 10));
    let refused = delete(Offset::Offset(11));
    let partition = refused.find_partition(name, 0).expect("the partition");
    assert_eq!(
        partition
            .error()
            .expect_err("beyond the end")
            .rdkafka_error_code(),
        Some(RDKafkaErrorCode::OffsetOutOfRange)
    );
    let deleted = delete(Offset::End);
    assert_eq!(
        deleted.find_partition(name, 0).expect("the partition").offset(),
        Offset::Offset(10)
    );
    assert!(read_all(arm, name, "read_uncommitted").is_empty());
}

fn groups_are_listed_described_and_deleted(arm: &mut Arm) {
    let name = "admin-groups";
    topic(arm, name, 2, &[]);
    produce(&producer(arm, &[]), name, 0, 0..10);
    let member = consumer(arm, name, &[("client.id", "the member")]);
    member.subscribe(&[name]).expect("subscribed");
    poll_until(&[&member], "all is read", |read| {
        read.len() == 10 && assigned(&member) == [0, 1]
    });
    member.commit_consumer_state(CommitMode::Sync).expect("committed");

    let other = consumer(arm, "nobody", &[]);
    let listed = other.fetch_group_list(None, PATIENCE).expect("a list");
    assert!(listed.groups().iter().any(|group| group.name() == name));
    let described = other.fetch_group_list(Some(name), PATIENCE).expect("a group");
    let group = &described.groups()[0];
    assert_eq!(
        (group.state(), group.protocol_type(), group.protocol()),
        ("Stable", "consumer", "range")
    );
    let found = &group.members()[0];
    assert_eq!(found.client_id(), "the member");
    assert!(found.assignment().is_some_and(|bytes| !bytes.is_empty()));

    let delete = || block_on(administrator(arm).delete_groups(&[name], &options())).expect("an answer");
    assert_eq!(
        delete(),
        [Err((name.to_owned(), RDKafkaErrorCode::NonEmptyGroup))]
    );
    drop(member);
    until("the group is empty", || {
        let described = other.fetch_group_list(Some(name), PATIENCE).expect("a group");
        described.groups()[0].members().is_empty()
    });
    assert_eq!(delete(), [Ok(name.to_owned())]);
    let listed = other.fetch_group_list(None, PATIENCE).expect("a list");
    assert!(!listed.groups().iter().any(|group| group.name() == name));
    assert_eq!(
        delete(),
        [Err((name.to_owned(), RDKafkaErrorCode::GroupIdNotFound))]
    );
}

on_both!(
    groups_are_listed_described_and_deleted,
    topics_are_made_widened_and_deleted,
    settings_are_described_and_altered,
    records_are_deleted_from_the_beginning
);
