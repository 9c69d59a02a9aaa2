//! CreateTopics and DeleteRecords.

use std::net::SocketAddr;

use highwater_check::outcome::Api;
use kafka_protocol::messages::DeleteRecordsRequest;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};

use crate::cluster::{Cluster, name, text};
use crate::seen::Seen;

const EARLIEST: i64 = -2;

pub(crate) fn made(cluster: &Cluster, seen: &mut Seen) {
    let plain = |topic: &str, partitions: i32, replicas: i16| {
        CreatableTopic::default()
            .with_name(name(topic))
            .with_num_partitions(partitions)
            .with_replication_factor(replicas)
    };
    let unknown = CreatableTopicConfig::default()
        .with_name(text("no.such.setting"))
        .with_value(Some(text("1")));
    for (topic, expected, request) in [
        ("a/b", 17, plain("a/b", 1, -1)),
        ("no-partitions", 37, plain("no-partitions", 0, -1)),
        ("many-replicas", 38, plain("many-replicas", 1, 9)),
        (
            "settings",
            40,
            plain("settings", 1, -1).with_configs(vec![unknown]),
        ),
    ] {
        let error = cluster.try_create(request);
        let applied = cluster.partition(cluster.of(1), topic).is_some();
        seen.error(Api::CreateTopics, expected, error, applied);
    }
    cluster.create("twice", &[]);
    let error = cluster.try_create(plain("twice", 5, -1));
    // It has the one partition that it was made with.
    seen.error(Api::CreateTopics, 36, error, false);
}

fn delete(at: SocketAddr, topic: &str, offset: i64) -> i16 {
    let partition = DeleteRecordsPartition::default().with_offset(offset);
    let topic = DeleteRecordsTopic::default()
        .with_name(name(topic))
        .with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default()
        .with_timeout_ms(30_000)
        .with_topics(vec![topic]);
    Cluster::call(at, &request, 2).topics[0].partitions[0].error_code
}

pub(crate) fn deleted_from(cluster: &Cluster, seen: &mut Seen) {
    let leader = cluster.create("deleted-from", &[]);
    let compacted = cluster.create("compacted", &[("cleanup.policy", "compact")]);
    for topic in ["deleted-from", "compacted"] {
        assert_eq!(cluster.next_offset(topic), 0);
        assert_eq!(cluster.next_offset(topic), 1);
    }
    for (topic, expected, leader, at, offset) in [
        ("deleted-from", 1, leader, cluster.of(leader), 999),
        ("deleted-from", 6, leader, cluster.not(leader), 1),
        ("compacted", 44, compacted, cluster.of(compacted), 1),
    ] {
        let error = delete(at, topic, offset);
        let applied = cluster.offset(cluster.of(leader), topic, EARLIEST) != Some(0);
        seen.error(Api::DeleteRecords, expected, error, applied);
    }
    assert_eq!(delete(cluster.of(leader), "deleted-from", 1), 0);
    assert_eq!(
        cluster.offset(cluster.of(leader), "deleted-from", EARLIEST),
        Some(1)
    );
}
