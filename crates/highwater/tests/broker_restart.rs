//! The main job, end to end with the real program: a broker ends under load, and the verdict is right, on the
//! dev broker and on Apache Kafka, with and without planted defects.

mod support;

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use support::{Ran, find, run};

/// Short enough for CI, long enough for a steady phase before the fault and a recovery after it.
const SHORT: [&str; 6] = [
    "--set",
    "load.duration=9s",
    "--set",
    "fault.after=4s",
    "--set",
    "warm_up.limit=3s",
];

fn restart(scenario: &str, more: &[&str]) -> Ran {
    let mut arguments = vec!["broker-restart", "--scenario", scenario];
    arguments.extend(SHORT);
    arguments.extend(more);
    run(&arguments)
}

#[track_caller]
fn holds(ran: &Ran) {
    assert_eq!(
        (ran.code, &ran.report["verdict"]),
        (0, &Value::from("HOLDS")),
        "{}",
        ran.story()
    );
    assert_eq!(ran.records("attempted"), 9_000, "{}", ran.story());
    assert_eq!(
        ran.records("attempted"),
        ran.records("acknowledged") + ran.records("failed") + ran.records("unknown"),
        "{}",
        ran.story()
    );
    assert_eq!(
        (
            ran.records("lost"),
            ran.records("duplicated"),
            ran.records("reordered")
        ),
        (0, 0, 0),
        "{}",
        ran.story()
    );
    assert_eq!(ran.records("delivered"), 9_000, "{}", ran.story());
    let fault = &ran.scenario()["faults"][0];
    assert_eq!(
        (&fault["armed"], &fault["fired"]),
        (&Value::from(true), &Value::from(1)),
        "{}",
        ran.story()
    );
    assert!(
        fault["in_flight"].as_u64() > Some(0) && fault["recovery_ns"].as_u64() > Some(0),
        "{}",
        ran.story()
    );
}

#[test]
fn sigkill_holds_on_the_dev_broker() {
    holds(&restart("broker-restart/sigkill", &[]));
}

#[test]
fn a_graceful_stop_holds_on_the_dev_broker() {
    holds(&restart("broker-restart/graceful", &[]));
}

#[test]
fn sigkill_holds_on_apache_kafka() {
    holds(&restart("broker-restart/sigkill", &["--target", "kafka"]));
}

#[test]
fn a_graceful_stop_holds_on_apache_kafka() {
    holds(&restart("broker-restart/graceful", &["--target", "kafka"]));
}

/// Offsets that the broker's own journal says it harmed: where second copies stand, or lost ones without those that
/// their producer sent again because the answer had not reached it.
fn harmed(ran: &Ran, event: &str) -> BTreeSet<(i64, i64)> {
    let journal =
        find(ran.directory.path(), "bugs.jsonl").unwrap_or_else(|| panic!("no bugs.jsonl: {}", ran.story()));
    let text = fs::read_to_string(journal).expect("the journal is readable");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of the journal"))
        .collect();
    let offsets = |event: &str, base: &str, last: &str| -> BTreeSet<(i64, i64)> {
        let number =
            |line: &Value, key: &str| line[key].as_i64().unwrap_or_else(|| panic!("no {key} in {line}"));
        let of = |line: &Value| {
            let partition = number(line, "partition");
            (number(line, base)..=number(line, last))
                .map(|offset| (partition, offset))
                .collect::<Vec<_>>()
        };
        lines
            .iter()
            .filter(|line| line["event"] == event)
            .flat_map(of)
            .collect()
    };
    match event {
        "duplicated" => offsets(event, "copy_base_offset", "copy_last_offset"),
        _ => {
            &offsets(event, "base_offset", "last_offset") - &offsets("restored", "base_offset", "last_offset")
        }
    }
}

#[track_caller]
fn violated(ran: &Ran, anomaly: &str, event: &str) {
    assert_eq!(
        (ran.code, &ran.report["verdict"]),
        (1, &Value::from("VIOLATED")),
        "{}",
        ran.story()
    );
    let harmed = harmed(ran, event);
    assert!(
        !harmed.is_empty(),
        "the defect harmed nothing, so this test shows nothing: {}",
        ran.story()
    );
    assert_eq!(ran.anomalies(anomaly), harmed, "{}", ran.story());
}

#[test]
fn acknowledging_before_appending_loses_exactly_what_was_not_appended() {
    for scenario in ["broker-restart/sigkill", "broker-restart/graceful"] {
        violated(
            &restart(scenario, &["--keep", "--set", "broker.bugs=ack-before-append"]),
            "lost-write",
            "lost",
        );
    }
}

#[test]
fn forgetting_the_last_batch_at_restart_loses_exactly_that_batch() {
    for scenario in ["broker-restart/sigkill", "broker-restart/graceful"] {
        let ran = restart(
            scenario,
            &["--keep", "--set", "broker.bugs=forget-last-batch-on-restart"],
        );
        violated(&ran, "lost-write", "lost");
    }
}

#[test]
fn appending_a_retry_twice_duplicates_exactly_the_retried_batches() {
    for scenario in ["broker-restart/sigkill", "broker-restart/graceful"] {
        let ran = restart(scenario, &["--keep", "--set", "broker.bugs=append-retry-twice"]);
        violated(&ran, "duplicate", "duplicated");
    }
}

#[test]
fn a_disarmed_fault_is_inconclusive_on_both_targets() {
    for target in ["dev", "kafka"] {
        let ran = restart(
            "broker-restart/sigkill",
            &["--set", "fault.enabled=false", "--target", target],
        );
        assert_eq!(
            (ran.code, &ran.report["verdict"]),
            (5, &Value::from("INCONCLUSIVE")),
            "{}",
            ran.story()
        );
        let reasons = ran.scenario()["reasons"].to_string();
        assert!(
            reasons.contains("disabled") || reasons.contains("disarmed"),
            "{reasons}"
        );
    }
}

#[test]
fn a_rate_that_the_machine_cannot_offer_is_invalid() {
    let ran = restart(
        "broker-restart/sigkill",
        &[
            "--set",
            "load.rate=20M/s",
            "--set",
            "load.values.size=1KiB",
            "--set",
            "drain.limit=2s",
            "--set",
            "load.consumers=0",
        ],
    );
    assert_eq!(
        (ran.code, &ran.report["verdict"]),
        (3, &Value::from("INVALID")),
        "{}",
        ran.story()
    );
    let failed: Vec<&str> = ran.scenario()["validity"]
        .as_array()
        .expect("validity checks")
        .iter()
        .filter(|check| check["ok"] == false)
        .filter_map(|check| check["name"].as_str())
        .collect();
    assert!(failed.contains(&"all-offered"), "{failed:?} {}", ran.story());
}
