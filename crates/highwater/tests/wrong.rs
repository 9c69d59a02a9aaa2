//! Clusters that are made wrong on purpose, so that they are found.

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::{command, run};

fn wrong(file: &str) -> String {
    format!("{}/../../suites/wrong/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// The broker takes two thirds of what is offered and says so: the limits are broken, and the measurement is right.
#[test]
fn a_throttled_broker_breaks_limits_and_is_named() {
    let ran = run(&[
        &wrong("throttled.toml"),
        "--scenario",
        "throttled/broker",
        "--target",
        "kafka",
        "--set",
        "load.duration=9s",
        "--set",
        "warm_up.limit=2s",
    ]);
    let verdict = (ran.code, ran.report["verdict"].as_str());
    assert_eq!(verdict, (1, Some("VIOLATED")), "{}", ran.story());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let thresholds = ran.scenario()["thresholds"].as_array().expect("thresholds");
    let results: BTreeMap<String, String> = thresholds
        .iter()
        .map(|one| (text(&one["metric"]), text(&one["result"])))
        .collect();
    assert_eq!(results["lost"], "pass", "{}", ran.story());
    assert_eq!(results["broker.throttled"], "fail", "{}", ran.story());
    let checks = ran.scenario()["validity"].as_array().expect("validity");
    let achieved = checks.iter().find(|check| check["name"] == "achieved-rate");
    let achieved = achieved.expect("achieved-rate");
    assert_eq!(achieved["ok"], Value::Bool(true), "{achieved}");
    assert!(
        text(&achieved["measured"]).contains("throttled by the broker: "),
        "{achieved}"
    );
}

#[test]
fn what_only_a_started_kafka_can_do_is_refused_elsewhere() {
    for (setting, said) in [
        ("broker.heap=64MiB", "--target kafka"),
        ("broker.producer_quota=1MiB/s", "--target kafka"),
        ("broker.heap=many", "broker.heap=many"),
    ] {
        let (code, _, stderr) = command(&["run", "throughput", "--set", setting]);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains(said), "{setting}: {stderr}");
    }
}
