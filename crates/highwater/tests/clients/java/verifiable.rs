//! VerifiableProducer and two VerifiableConsumers, one of which is killed.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::{java, topic};
use crate::arm::Arm;
use crate::children::{Running, run};

const RECORDS: usize = 2_000;

fn program(arm: &Arm, class: &str, arguments: &[&str]) -> Command {
    let mut command = java(&[]);
    command
        .arg(format!("org.apache.kafka.tools.{class}"))
        .args(["--bootstrap-server", arm.bootstrap()])
        .args(arguments);
    command
}

/// The events of this name.
fn events(out: &str, name: &str) -> Vec<Value> {
    out.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|event| event["name"] == name)
        .collect()
}

/// Partition and offset of records that were acknowledged or consumed.
fn places(out: &str, name: &str) -> BTreeSet<(i64, i64)> {
    let place = |event: &Value| {
        (
            event["partition"].as_i64().expect("a partition"),
            event["offset"].as_i64().expect("an offset"),
        )
    };
    events(out, name).iter().map(place).collect()
}

fn all_is_seen_though_a_consumer_is_killed(arm: &mut Arm) {
    let name = "java-verifiable";
    topic(arm, name, 4);
    let count = RECORDS.to_string();
    // Keys spread the records over all partitions.
    let produce = || {
        let arguments = [
            "--topic",
            name,
            "--max-messages",
            &count,
            "--throughput",
            "-1",
            "--repeating-keys",
            "40",
        ];
        run(&program(arm, "VerifiableProducer", &arguments), "").well()
    };
    let consume = || {
        let arguments = [
            "--topic",
            name,
            "--group-id",
            name,
            "--session-timeout",
            "6000",
            "--verbose",
        ];
        Running::start(&program(arm, "VerifiableConsumer", &arguments), "")
    };
    let assigned = |out: &str| {
        let last = events(out, "partitions_assigned").pop();
        last.map_or(0, |event| event["partitions"].as_array().map_or(0, Vec::len))
    };
    let mut first = consume();
    first.until("four partitions", |out| assigned(out) == 4);
    let mut second = consume();
    second.until("two partitions", |out| assigned(out) == 2);
    first.until("the other two", |out| assigned(out) == 2);
    let mut acknowledged = places(&produce(), "producer_send_success");
    assert_eq!(acknowledged.len(), RECORDS);
    let seen = |one: &Running| places(&one.so_far(), "record_data");
    second.until("something to be lost", |out| {
        !events(out, "offsets_committed").is_empty()
    });
    second.kill();
    acknowledged.extend(places(&produce(), "producer_send_success"));
    // Its session runs out, and the first takes over what was its own.
    first.until("the rest", |out| {
        let all: BTreeSet<_> = &places(out, "record_data") | &seen(&second);
        all == acknowledged
    });
    assert_eq!(assigned(&first.so_far()), 4);
    first.ask_to_end();
    let said = first.end();
    let commits = events(&said.out, "offsets_committed");
    assert!(
        commits.iter().all(|commit| commit["success"] == true),
        "{commits:?}"
    );
}

on_both!(all_is_seen_though_a_consumer_is_killed);
