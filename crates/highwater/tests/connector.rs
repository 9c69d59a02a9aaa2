//! A connector on a real PostgreSQL is killed while rows change, end to end with the real program.

mod support;

use serde_json::Value;
use support::{Ran, run};

/// Short enough for CI; the machine may be slow to start three servers, which the load waits for.
const SHORT: [&str; 12] = [
    "--target",
    "kafka",
    "--scenario",
    "connector-offset-recovery/worker",
    "--set",
    "load.duration=30s",
    "--set",
    "fault.after=16s",
    "--set",
    "warm_up.limit=15s",
    "--set",
    "connector.rows=100",
];

fn connector(more: &[&str]) -> Ran {
    let mut arguments = vec!["connector-offset-recovery"];
    arguments.extend(SHORT);
    // How fast commits are on a busy machine is not what this is about.
    arguments.extend(["--set", "validity.achieved=0.0", "--set", "validity.slip_p99=60s"]);
    arguments.extend(["--set", "load.rate=60/s", "--set", "drain.limit=90s"]);
    arguments.extend(more);
    run(&arguments)
}

fn measured(ran: &Ran, name: &str) -> u64 {
    let value = ran.scenario()["measurements"][name].as_f64();
    value.unwrap_or_else(|| panic!("no {name}: {}", ran.story())) as u64
}

#[test]
fn a_killed_worker_goes_on_where_it_was_and_every_change_arrives() {
    let ran = connector(&[]);
    assert_eq!(
        (ran.code, &ran.report["verdict"]),
        (0, &Value::from("HOLDS")),
        "{}",
        ran.story()
    );
    assert_eq!((ran.records("lost"), ran.records("reordered")), (0, 0));
    // The load, and the rows before it.
    assert_eq!(ran.records("attempted"), 1_800 + 300, "{}", ran.story());
    assert_eq!(
        ran.records("delivered"),
        ran.records("acknowledged"),
        "{}",
        ran.story()
    );
    assert!(measured(&ran, "connector.streamed") > 500, "{}", ran.story());
    assert!(
        measured(&ran, "connector.snapshot_rows") >= 250,
        "{}",
        ran.story()
    );
    assert!(measured(&ran, "rows.rolled_back") > 10, "{}", ran.story());
    assert!(measured(&ran, "connector.flushes") > 0, "{}", ran.story());
    let fault = &ran.scenario()["faults"][0];
    assert_eq!(
        (&fault["kind"], &fault["fired"]),
        (&Value::from("connect-kill"), &Value::from(1))
    );
    let roles: Vec<&str> = ran.scenario()["resources"]["processes"]
        .as_array()
        .expect("processes")
        .iter()
        .filter_map(|process| process["role"].as_str())
        .collect();
    for role in ["generator", "broker", "database", "connector"] {
        assert!(roles.contains(&role), "{role} is not among {roles:?}");
    }
    let left = ran.directory.path().join("target-0");
    assert!(!left.join("postgres/data").exists() && !left.join("data").exists());
}

#[test]
fn a_connector_whose_offsets_were_wiped_is_found_out() {
    let ran = connector(&["--set", "connector.wrong=offsets-wiped"]);
    assert_eq!(
        (ran.code, &ran.report["verdict"]),
        (1, &Value::from("VIOLATED")),
        "{}",
        ran.story()
    );
    let violations: Vec<&str> = ran.scenario()["anomalies"]
        .as_array()
        .expect("anomalies")
        .iter()
        .filter(|anomaly| anomaly["violation"] == true)
        .filter_map(|anomaly| anomaly["name"].as_str())
        .collect();
    for name in ["pipeline-loss", "redelivery-outside-window"] {
        assert!(
            violations.contains(&name),
            "{name} is not among {violations:?}: {}",
            ran.story()
        );
    }
    assert!(ran.records("lost") > 0, "{}", ran.story());
}
