//! `stale-metadata`: a leader moves, or partitions are added, and the client is not told.

use highwater_model::history::{RequestFate, ResponseFate};
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, CreatePartitionsRequest, ElectLeadersRequest,
    MetadataRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use rdkafka::producer::Producer as _;

use crate::arm::{Arm, PATIENCE, until};
use crate::behind::{Behind, With, rule};
use crate::clients::{Producer, plain, producer_at, send, send_and_wait};

const NOT_LEADER: i16 = 6;
/// Answers that are old, the first included.
const OLD: u64 = 6;

fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

fn leader(arm: &Arm, topic: &str) -> i32 {
    let wanted = MetadataRequestTopic::default().with_name(Some(name(topic)));
    let request = MetadataRequest::default().with_topics(Some(vec![wanted]));
    let answer = arm.connect().call(&request, 12).expect("an answer");
    answer.topics[0].partitions[0].leader_id.0
}

/// Moves the leader of partition 0 to another node.
fn move_leader(arm: &Arm, topic: &str) {
    let before = leader(arm, topic);
    let to = before % 3 + 1;
    let partition = ReassignablePartition::default()
        .with_partition_index(0)
        .with_replicas(Some(vec![BrokerId(to)]));
    let wanted = ReassignableTopic::default()
        .with_name(name(topic))
        .with_partitions(vec![partition]);
    let request = AlterPartitionReassignmentsRequest::default().with_topics(vec![wanted]);
    let answer = arm.connect().call(&request, 0).expect("an answer");
    assert_eq!(answer.responses[0].partitions[0].error_code, 0, "{answer:?}");
    let elect = TopicPartitions::default()
        .with_topic(name(topic))
        .with_partitions(vec![0]);
    let request = ElectLeadersRequest::default().with_topic_partitions(Some(vec![elect]));
    // Refused if it leads already.
    arm.connect().call(&request, 2).expect("an answer");
    until("the leader has moved", || leader(arm, topic) == to);
}

#[test]
fn a_client_goes_on_asking_the_old_leader() {
    let arm = Arm::dev_of_three();
    let topic = "stale";
    arm.topic(topic, 1);
    let old = rule("stale-metadata", "Metadata").when(|trigger| trigger.times = Some(OLD));
    let behind = Behind::new(&arm, vec![old]);
    let client = plain(&behind, &[("topic.metadata.refresh.interval.ms", "-1")]);
    assert_eq!(send_and_wait(&client, topic, "a"), Ok(0));
    let before = leader(&arm, topic);
    move_leader(&arm, topic);
    send(&client, topic, 0, "b");
    behind.until("the old leader refuses twice", |history| {
        history
            .produces(topic)
            .iter()
            .filter(|one| one.error() == Some(NOT_LEADER))
            .count()
            >= 2
    });
    until("the client has found the new leader", || {
        client.context().delivered().len() == 2
    });
    assert_eq!(client.context().delivered()[1].1, Ok(1));
    assert_eq!(arm.log(topic), ["a", "b"]);
    let history = behind.stop();
    assert_eq!(history.counts().1, OLD, "lifted after so many answers");
    // The last may be refused after the fault was lifted, and is told who leads.
    let hints = history.produces(topic);
    let taken_out = (RequestFate::Forwarded, vec![ResponseFate::Altered]);
    assert!(hints.iter().filter(|one| one.fates() == taken_out).count() >= 2);
    let produced = history.produces(topic);
    assert!(produced.iter().all(|one| one.fate == RequestFate::Forwarded));
    let nodes: Vec<_> = produced
        .iter()
        .map(|one| history.node_of(one.connection))
        .collect();
    let (last, earlier) = nodes.split_last().expect("requests");
    assert!(earlier.iter().all(|node| *node == Some(before)), "{nodes:?}");
    assert_ne!(*last, Some(before));
}

fn partitions_seen(client: &Producer, topic: &str) -> usize {
    let metadata = client.client().fetch_metadata(Some(topic), PATIENCE);
    metadata.expect("an answer").topics()[0].partitions().len()
}

/// Partitions that are added are not there until the fault is lifted.
fn new_partitions_are_not_seen(arm: &Arm) {
    let (topic, other) = ("stale-partitions", "stale-other");
    arm.topic(topic, 1);
    arm.topic(other, 1);
    let old = rule("stale-metadata", "Metadata").when(|trigger| trigger.times = Some(20));
    let behind = Behind::new(arm, vec![old]);
    let client = plain(&behind, &[]);
    assert_eq!(partitions_seen(&client, topic), 1);
    let more = CreatePartitionsTopic::default()
        .with_name(name(topic))
        .with_count(4)
        .with_assignments(None);
    let request = CreatePartitionsRequest::default()
        .with_topics(vec![more])
        .with_timeout_ms(30_000);
    let answer = arm.connect().call(&request, 3).expect("an answer");
    assert_eq!(answer.results[0].error_code, 0, "{answer:?}");
    let direct = producer_at(&arm.address().to_string(), "direct", &[]);
    until("they are there", || partitions_seen(&direct, topic) == 4);
    // A topic that is new to the rule is told as it is.
    assert_eq!(partitions_seen(&client, other), 1);
    assert_eq!(partitions_seen(&client, topic), 1);
    until("the fault is lifted", || partitions_seen(&client, topic) == 4);
    assert_eq!(behind.stop().counts().1, 20, "lifted after so many answers");
}

on_both!(new_partitions_are_not_seen);
