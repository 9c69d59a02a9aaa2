//! Produce: each error in a topic of its own, between two records whose offsets tell whether anything came between.

use bytes::Bytes;
use highwater_check::outcome::{Api, Signal};
use highwater_wire::BatchBuilder;
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, DescribeQuorumRequest, ElectLeadersRequest,
    InitProducerIdRequest, ProduceRequest, TransactionalId,
};

use crate::cluster::{ALL, Cluster, PRODUCE, batch, name, now_ms, produce_request, text, until};
use crate::seen::Seen;

const ONE: i16 = 1;

/// Sends a request between two records; gives the error and whether it was applied.
fn between(cluster: &Cluster, topic: &str, request: &ProduceRequest) -> (i16, bool) {
    let before = cluster.next_offset(topic);
    let (error, _) = cluster.produce(cluster.of(cluster.leader(topic)), request);
    (error, cluster.next_offset(topic) > before + 1)
}

fn sequenced(epoch: i16, sequence: i32) -> Bytes {
    let builder = BatchBuilder::new()
        .timestamp(now_ms())
        .producer(4_242, epoch, sequence);
    builder.record(Some(b"k"), Some(b"v")).build()
}

pub(crate) fn refused(cluster: &Cluster, seen: &mut Seen) {
    let mut corrupt = batch(b"v").to_vec();
    if let Some(last) = corrupt.last_mut() {
        *last ^= 1;
    }
    let keyless = BatchBuilder::new()
        .timestamp(now_ms())
        .record(None, Some(b"v"))
        .build();
    let old = BatchBuilder::new()
        .timestamp(1_000)
        .record(Some(b"k"), Some(b"v"))
        .build();
    for (topic, settings, expected, acks, records) in [
        (
            "large",
            &[("max.message.bytes", "200")][..],
            10,
            ALL,
            batch(&[b'v'; 1_000]),
        ),
        ("corrupt", &[], 2, ALL, corrupt.into()),
        ("keyless", &[("cleanup.policy", "compact")], 87, ALL, keyless),
        (
            "old",
            &[("message.timestamp.before.max.ms", "60000")],
            32,
            ALL,
            old,
        ),
        ("acks", &[], 21, 2, batch(b"v")),
    ] {
        cluster.create(topic, settings);
        let (error, applied) = between(cluster, topic, &produce_request(topic, acks, records));
        seen.error(Api::Produce, expected, error, applied);
    }

    cluster.create("sequences", &[]);
    assert_eq!(
        between(
            cluster,
            "sequences",
            &produce_request("sequences", ALL, sequenced(1, 0))
        ),
        (0, true)
    );
    for (expected, epoch, sequence) in [(45, 1, 5), (47, 0, 1)] {
        let request = produce_request("sequences", ALL, sequenced(epoch, sequence));
        let (error, applied) = between(cluster, "sequences", &request);
        seen.error(Api::Produce, expected, error, applied);
    }
    // The same batch again is acknowledged, and there once.
    let (error, applied) = between(
        cluster,
        "sequences",
        &produce_request("sequences", ALL, sequenced(1, 0)),
    );
    assert_eq!(
        (error, applied),
        (0, false),
        "a duplicate is acknowledged and not written again"
    );
    seen.signal(Api::Produce, Signal::Error(0), Some(ALL), true);

    cluster.create("unopened", &[]);
    let id = TransactionalId(text("unopened"));
    let coordinator = cluster.of(cluster.coordinator(1, "unopened"));
    let init = InitProducerIdRequest::default()
        .with_transactional_id(Some(id.clone()))
        .with_transaction_timeout_ms(60_000);
    let producer = until("a producer id", || {
        let answer = Cluster::call(coordinator, &init, 4);
        (answer.error_code == 0).then_some((answer.producer_id.0, answer.producer_epoch))
    });
    let records = BatchBuilder::new()
        .timestamp(now_ms())
        .producer(producer.0, producer.1, 0)
        .transactional();
    let records = records.record(Some(b"k"), Some(b"v")).build();
    let request = produce_request("unopened", ALL, records).with_transactional_id(Some(id));
    let (error, applied) = between(cluster, "unopened", &request);
    seen.error(Api::Produce, 48, error, applied);

    let (error, _) = cluster.produce(cluster.of(1), &produce_request("nowhere", ONE, batch(b"v")));
    assert_eq!(error, 3);
    let made = cluster.partition(cluster.of(1), "nowhere").is_some();
    seen.signal(Api::Produce, Signal::Error(error), Some(ONE), made);
}

pub(crate) fn unanswered(cluster: &Cluster, seen: &mut Seen) {
    let leader = cluster.of(cluster.create("unanswered", &[]));
    let mut connection = Cluster::connect(leader);
    let silent = produce_request("unanswered", 0, batch(b"v"));
    connection.send(&silent, PRODUCE).expect("sent");
    let answer = connection.call(&produce_request("unanswered", ALL, batch(b"v")), PRODUCE);
    let offset = answer.expect("answered").responses[0].partition_responses[0].base_offset;
    seen.signal(Api::Produce, Signal::NoAnswer, Some(0), offset == 1);

    let mut connection = Cluster::connect(leader);
    let request = produce_request("unanswered", ALL, batch(b"v"));
    connection.send(&request, PRODUCE).expect("sent");
    drop(connection);
    until("the record of a client that has gone", || {
        (cluster.offset(leader, "unanswered", -1)? == 3).then_some(())
    });
    seen.signal(Api::Produce, Signal::Disconnect, Some(ALL), true);
}

pub(crate) fn by_a_follower(cluster: &Cluster, seen: &mut Seen) {
    let leader = cluster.create("followed", &[]);
    let before = cluster.next_offset("followed");
    let (error, _) = cluster.produce(
        cluster.not(leader),
        &produce_request("followed", ONE, batch(b"v")),
    );
    assert_eq!(error, 6);
    let applied = cluster.next_offset("followed") > before + 1;
    seen.signal(Api::Produce, Signal::Error(error), Some(ONE), applied);
}

/// The node that leads the controllers: it must not be the one that is halted where they are needed.
fn controller(cluster: &Cluster) -> i32 {
    let topic = TopicData::default()
        .with_topic_name(name("__cluster_metadata"))
        .with_partitions(vec![PartitionData::default()]);
    let request = DescribeQuorumRequest::default().with_topics(vec![topic]);
    until("a controller", || {
        let answer = Cluster::call(cluster.of(1), &request, 0);
        let leader = answer.topics.first()?.partitions.first()?.leader_id.0;
        (leader > 0).then_some(leader)
    })
}

/// Three nodes, the last of which does not lead the controllers.
fn order(cluster: &Cluster) -> [i32; 3] {
    let controller = controller(cluster);
    [controller, controller % 3 + 1, (controller + 1) % 3 + 1]
}

pub(crate) fn replicas_not_in_time(cluster: &mut Cluster, seen: &mut Seen) {
    let [a, b, c] = order(cluster);
    cluster.create_on("late", &[a, b, c]);
    let before = cluster.next_offset("late");
    cluster.pause(c);
    let request = produce_request("late", ALL, batch(b"v")).with_timeout_ms(500);
    let (error, _) = cluster.produce(cluster.of(a), &request);
    cluster.resume(c);
    let applied = cluster.next_offset("late") > before + 1;
    assert!(applied, "the leader had it");
    seen.error(Api::Produce, 7, error, applied);
}

/// The leadership moves while a batch waits for a replica that is halted.
pub(crate) fn leadership_moves(cluster: &mut Cluster, seen: &mut Seen) {
    // The halted node is given up after nine seconds, and then the batch is acknowledged: another try.
    for attempt in 0..4 {
        let [a, b, c] = order(cluster);
        let topic = format!("moved-{attempt}");
        cluster.create_on(&topic, &[a, b, c]);
        let before = cluster.next_offset(&topic);
        cluster.pause(c);
        let mut connection = Cluster::connect(cluster.of(a));
        let sent = connection
            .send(&produce_request(&topic, ALL, batch(b"v")), PRODUCE)
            .expect("sent");
        until("the record at the leader", || {
            (end_of_log(cluster, a, &topic) > before + 1).then_some(())
        });
        prefer(cluster, &topic, &[b, a, c]);
        let answer = connection
            .receive::<ProduceRequest>(PRODUCE, sent)
            .expect("answered");
        let error = answer.responses[0].partition_responses[0].error_code;
        cluster.resume(c);
        let applied = cluster.next_offset(&topic) > before + 1;
        if error == 6 {
            seen.signal(Api::Produce, Signal::Error(error), Some(ALL), applied);
            assert!(applied, "the new leader had copied it");
            return;
        }
        assert_eq!(error, 0);
    }
    panic!("the leadership never moved in time");
}

/// The end of the log as a follower would be told: beyond the high watermark.
fn end_of_log(cluster: &Cluster, leader: i32, topic: &str) -> i64 {
    use kafka_protocol::messages::offset_for_leader_epoch_request::{
        OffsetForLeaderPartition, OffsetForLeaderTopic,
    };
    let partition = OffsetForLeaderPartition::default()
        .with_partition(0)
        .with_current_leader_epoch(-1)
        .with_leader_epoch(i32::MAX);
    let epoch = cluster
        .partition(cluster.of(leader), topic)
        .map_or(0, |one| one.leader_epoch);
    let partition = partition.with_leader_epoch(epoch);
    let wanted = OffsetForLeaderTopic::default()
        .with_topic(name(topic))
        .with_partitions(vec![partition]);
    let request = kafka_protocol::messages::OffsetForLeaderEpochRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(vec![wanted]);
    Cluster::call(cluster.of(leader), &request, 4).topics[0].partitions[0].end_offset
}

fn prefer(cluster: &Cluster, topic: &str, nodes: &[i32]) {
    let partition = ReassignablePartition::default()
        .with_partition_index(0)
        .with_replicas(Some(nodes.iter().copied().map(BrokerId).collect()));
    let wanted = ReassignableTopic::default()
        .with_name(name(topic))
        .with_partitions(vec![partition]);
    let request = AlterPartitionReassignmentsRequest::default()
        .with_timeout_ms(30_000)
        .with_topics(vec![wanted]);
    assert_eq!(Cluster::call(cluster.of(nodes[0]), &request, 0).error_code, 0);
    let wanted = TopicPartitions::default()
        .with_topic(name(topic))
        .with_partitions(vec![0]);
    let request = ElectLeadersRequest::default()
        .with_election_type(0)
        .with_timeout_ms(30_000)
        .with_topic_partitions(Some(vec![wanted]));
    let answer = Cluster::call(cluster.of(nodes[0]), &request, 1);
    assert_eq!(answer.error_code, 0);
}

pub(crate) fn too_few_replicas(cluster: &mut Cluster, seen: &mut Seen) {
    let [a, _, c] = order(cluster);
    cluster.create_on("few", &[a, c]);
    cluster.next_offset("few");
    cluster.kill(c);
    // Until the leader has heard that its follower is given up it appends and waits, which is another error.
    let request = produce_request("few", ALL, batch(b"v")).with_timeout_ms(500);
    let (error, applied) = until("too few in-sync replicas", || {
        let before = end_of_log(cluster, a, "few");
        let (error, _) = cluster.produce(cluster.of(a), &request);
        (error != 7).then(|| (error, end_of_log(cluster, a, "few") > before))
    });
    seen.error(Api::Produce, 19, error, applied);
    cluster.start_again(c);
}
