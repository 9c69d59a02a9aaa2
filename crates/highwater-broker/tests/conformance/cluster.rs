//! What a client asks first: versions, nodes, coordinators.

use std::collections::BTreeMap;

use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::{
    ApiVersionsRequest, DescribeClusterRequest, DescribeTopicPartitionsRequest, FindCoordinatorRequest,
    HeartbeatRequest, ProduceRequest,
};
use kafka_protocol::protocol::Request;

use crate::arm::{Arm, dev_transcript, error, recorded, settled};
use crate::ask::{GROUP, TRANSACTION};
use crate::client::{text, topic};

fn named(name: &str) -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(text(name))
        .with_client_software_version(text("1.0"))
}

/// Every API and its versions.
pub(crate) fn served(arm: &mut Arm) {
    let answer = arm.call(&named("a-client"), 3);
    for one in &answer.api_keys {
        arm.see(one.api_key, format!("{}-{}", one.min_version, one.max_version));
    }
}

#[test]
fn what_kafka_serves() {
    crate::arm::kafka("cluster::served", served);
}

#[test]
fn the_dev_broker_advertises_nothing_else() {
    let range = |line: &str| {
        let (api, versions) = line.split_once(": ").expect("a line of two");
        let (least, most) = versions.split_once('-').expect("two versions");
        let [api, least, most] = [api, least, most].map(|one| one.parse::<i16>().expect("a number"));
        (api, least..=most)
    };
    let kafka: BTreeMap<_, _> = recorded("cluster::served")
        .iter()
        .map(|line| range(line))
        .collect();
    for (api, ours) in dev_transcript("cluster::served", served)
        .iter()
        .map(|line| range(line))
    {
        let theirs = kafka
            .get(&api)
            .unwrap_or_else(|| panic!("Kafka does not serve {api}"));
        assert!(
            theirs.contains(ours.start()) && theirs.contains(ours.end()),
            "{api}: {ours:?} of {theirs:?}"
        );
    }
}

pub(crate) fn versions(arm: &mut Arm) {
    for version in 0..=4 {
        let request = named("a-client");
        let answer = arm.call(&request, version);
        arm.see(format!("version {version}"), error(answer.error_code));
    }
    for (what, name) in [("no name", ""), ("a bad name", "- -")] {
        let request = named(name);
        let answer = arm.call(&request, 3);
        arm.see(
            what,
            format!("{} {}", error(answer.error_code), answer.api_keys.is_empty()),
        );
    }
    // Version 90 from client "x", in the flexible header.
    arm.connection()
        .send_raw(b"\x00\x00\x00\x0d\x00\x12\x00\x5a\x00\x00\x00\x07\x00\x01x\x00\x00")
        .expect("sent");
    let answer = arm.connection().receive_raw().expect("answered in version 0");
    let answer = highwater_wire::frame::decode_response::<ApiVersionsRequest>(answer, 0, 7).expect("decodes");
    arm.see("version 90", error(answer.error_code));
    let listed: Vec<i16> = answer.api_keys.iter().map(|one| one.api_key).collect();
    arm.see("with ApiVersions", listed.contains(&ApiVersionsRequest::KEY));
}

pub(crate) fn frames_refused(arm: &mut Arm) {
    let cases: [(&str, &[u8]); 5] = [
        ("http", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("a negative length", b"\xff\xff\xff\xff\x00\x12"),
        (
            "an unknown api",
            b"\x00\x00\x00\x0a\x03\xe7\x00\x00\x00\x00\x00\x01\xff\xff",
        ),
        (
            "a lying count",
            b"\x00\x00\x00\x0e\x00\x03\x00\x01\x00\x00\x00\x01\xff\xff\x7f\xff\xff\xff",
        ),
        ("an empty frame", b"\x00\x00\x00\x00\x00\x00"),
    ];
    for (what, bytes) in cases {
        let mut connection = arm.connect();
        connection.send_raw(bytes).expect("sent");
        arm.see(
            what,
            if connection.receive_raw().is_err() {
                "closed"
            } else {
                "answered"
            },
        );
    }
    let mut connection = arm.connect();
    // Version 13 with topic ids is the last one.
    let frame =
        highwater_wire::frame::encode_request(&ProduceRequest::default(), 13, 1, "c").expect("encodes");
    let mut frame = frame.to_vec();
    frame[7] = 99;
    connection.send_raw(&frame).expect("sent");
    arm.see(
        "produce version 99",
        if connection.receive_raw().is_err() {
            "closed"
        } else {
            "answered"
        },
    );
    let answer = arm.call(&HeartbeatRequest::default(), 4);
    arm.see("others go on", error(answer.error_code));
}

pub(crate) fn coordinators(arm: &mut Arm) {
    for (what, kind, key) in [
        ("group", GROUP, "g"),
        ("transaction", TRANSACTION, "t"),
        ("no group", GROUP, ""),
        ("no transaction", TRANSACTION, ""),
        ("unknown kind", 9, "x"),
    ] {
        let request = FindCoordinatorRequest::default()
            .with_key_type(kind)
            .with_coordinator_keys(vec![text(key)]);
        let answer = settled(
            || arm.call(&request, 4),
            |answer| answer.coordinators.first().map_or(0, |one| one.error_code),
        );
        let codes: Vec<String> = answer
            .coordinators
            .iter()
            .map(|one| format!("{} node={} key={}", error(one.error_code), one.node_id.0, one.key))
            .collect();
        arm.see(what, format!("{} {codes:?}", error(answer.error_code)));
        if kind <= TRANSACTION {
            let request = FindCoordinatorRequest::default()
                .with_key_type(kind)
                .with_key(text(key));
            let answer = settled(|| arm.call(&request, 3), |answer| answer.error_code);
            let seen = format!("{} node={}", error(answer.error_code), answer.node_id.0);
            arm.see(format!("{what}, version 3"), seen);
        }
    }
    let request = FindCoordinatorRequest::default().with_key(text("g"));
    let answer = settled(|| arm.call(&request, 0), |answer| answer.error_code);
    arm.see(
        "version 0",
        format!("{} node={}", error(answer.error_code), answer.node_id.0),
    );
    let two = FindCoordinatorRequest::default().with_coordinator_keys(vec![text("a"), text("b")]);
    let answer = settled(|| arm.call(&two, 4), |answer| answer.coordinators[0].error_code);
    arm.see("two", answer.coordinators.len());
}

pub(crate) fn described(arm: &mut Arm) {
    for (what, version, request) in [
        ("brokers", 1, DescribeClusterRequest::default()),
        ("version 0", 0, DescribeClusterRequest::default()),
        (
            "fenced too",
            2,
            DescribeClusterRequest::default().with_include_fenced_brokers(true),
        ),
        (
            "controllers",
            1,
            DescribeClusterRequest::default().with_endpoint_type(2),
        ),
        (
            "an unknown type",
            1,
            DescribeClusterRequest::default().with_endpoint_type(7),
        ),
        (
            "operations",
            1,
            DescribeClusterRequest::default().with_include_cluster_authorized_operations(true),
        ),
    ] {
        let answer = arm.call(&request, version);
        let seen = format!(
            "{} brokers={} controller={} cluster={} operations={} message={}",
            error(answer.error_code),
            answer.brokers.len(),
            answer.controller_id.0,
            !answer.cluster_id.is_empty(),
            answer.cluster_authorized_operations,
            answer.error_message.is_some(),
        );
        arm.see(what, seen);
    }
}

pub(crate) fn partitions_described(arm: &mut Arm) {
    let [one, two] = ["one", "two"].map(|suffix| arm.topic_with(suffix, 3, &[]));
    let nowhere = arm.name("nowhere");
    let wanted = |names: &[&String]| {
        let one = |name: &&String| TopicRequest::default().with_name(topic(name));
        DescribeTopicPartitionsRequest::default()
            .with_response_partition_limit(2_000)
            .with_topics(names.iter().map(one).collect())
    };
    let cursor = |name: &str, partition: i32| {
        Some(
            Cursor::default()
                .with_topic_name(topic(name))
                .with_partition_index(partition),
        )
    };
    let bad = "a/b".to_owned();
    for (what, request) in [
        ("two topics", wanted(&[&two, &one])),
        (
            "two partitions",
            wanted(&[&one, &two]).with_response_partition_limit(2),
        ),
        (
            "four partitions",
            wanted(&[&one, &two]).with_response_partition_limit(4),
        ),
        (
            "from a cursor",
            wanted(&[&one, &two]).with_cursor(cursor(&one, 2)),
        ),
        (
            "from the second",
            wanted(&[&one, &two]).with_cursor(cursor(&two, 1)),
        ),
        ("unknown", wanted(&[&nowhere, &one])),
        ("a bad name", wanted(&[&bad])),
        ("no limit", wanted(&[&one]).with_response_partition_limit(0)),
        ("a negative cursor", wanted(&[&one]).with_cursor(cursor(&one, -1))),
    ] {
        let Ok(answer) = arm.try_call(&request, 0) else {
            arm.see(what, "closed");
            continue;
        };
        let topics: Vec<String> = answer
            .topics
            .iter()
            .map(|one| {
                let partitions: Vec<i32> = one.partitions.iter().map(|one| one.partition_index).collect();
                format!(
                    "{} {} {partitions:?} internal={}",
                    error(one.error_code),
                    one.name.as_ref().map_or("null", |name| name.0.as_str()),
                    one.is_internal
                )
            })
            .collect();
        let next = answer.next_cursor.as_ref().map_or_else(
            || "none".to_owned(),
            |next| format!("{}-{}", next.topic_name.0.as_str(), next.partition_index),
        );
        arm.see(what, format!("{topics:?} next={next}"));
    }
    let answer = arm.call(&wanted(&[&one]), 0);
    let partition = &answer.topics[0].partitions[0];
    let seen = format!(
        "{} epoch={} replicas={} in sync={} eligible={} last={} operations={}",
        error(partition.error_code),
        partition.leader_epoch,
        partition.replica_nodes.len(),
        partition.isr_nodes.len(),
        partition
            .eligible_leader_replicas
            .as_ref()
            .map_or(-1, |one| one.len() as i64),
        partition
            .last_known_elr
            .as_ref()
            .map_or(-1, |one| one.len() as i64),
        answer.topics[0].topic_authorized_operations,
    );
    arm.see("a partition", seen);
}
