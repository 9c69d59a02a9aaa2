//! Groups of processes: what a group that commits first loses, and what can't be asked for.

mod support;

use std::path::Path;

use support::{command, run};

fn wrong(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../suites/wrong");
    root.join(name).display().to_string()
}

#[test]
fn members_that_commit_before_they_process_lose_records_for_their_group() {
    let ran = run(&[&wrong("commit-first.toml"), "--quiet"]);
    assert_eq!(ran.code, 1, "{}", ran.story());
    let group = &ran.scenario()["groups"][0];
    let skipped = group["skipped"].as_u64().unwrap_or(0);
    assert!(skipped > 0, "{}", ran.story());
    assert_eq!(
        group["received"].as_u64(),
        group["expected"].as_u64().map(|all| all - skipped)
    );
    let anomaly = &ran.scenario()["anomalies"][0];
    assert_eq!(
        (&anomaly["name"], &anomaly["violation"]),
        (&"group-skip".into(), &true.into())
    );
    assert_eq!(ran.records("lost"), 0, "the log itself has everything");
    assert!(ran.stdout.contains("and nobody processed it"), "{}", ran.story());
}

#[test]
fn what_cannot_be_done_is_told_before_anything_starts() {
    for (arguments, expected) in [
        (
            vec!["--hook", "broker.reboot=true"],
            "there is no hook `broker.reboot`",
        ),
        (vec!["--hook", "broker.kill"], "NAME='COMMAND'"),
        (
            vec!["--scenario", "network-partition/broker-from-broker"],
            "--target kafka:3",
        ),
        (
            vec![
                "--scenario",
                "consumer-restart/sigkill",
                "--set",
                "groups.workers.session_timeout=1s",
            ],
            "it takes 6 s or more",
        ),
        (
            vec![
                "--scenario",
                "consumer-restart/sigkill",
                "--set",
                "groups.workers.fault.times=9",
            ],
            "longer than the load",
        ),
    ] {
        let mut all = vec!["run", "kafka-delivery"];
        all.extend(&arguments);
        let (code, _, stderr) = command(&all);
        assert_eq!(code, 2, "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
    }
}
