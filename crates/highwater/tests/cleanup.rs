//! Every way out leaves nothing behind: no process, no half-written result.

mod support;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::Value;
use support::{acknowledged, alive, command, machine, program, start, target_pids, until};
use tempfile::TempDir;

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(sent.success());
}

/// Starts a demo and waits until records are acknowledged.
fn under_load(target: &str) -> (Child, TempDir, Vec<u32>) {
    let directory = TempDir::new().expect("a temporary directory");
    let child = start(&["run", "throughput", "--target", target], directory.path());
    until("records are acknowledged", Duration::from_secs(60), || {
        acknowledged(directory.path()) > 100
    });
    let pids = target_pids(directory.path());
    assert!(!pids.is_empty() && pids.iter().all(|pid| alive(*pid)), "{pids:?}");
    (child, directory, pids)
}

#[test]
fn an_interrupted_run_ends_its_broker_and_says_how_far_it_came() {
    let _alone = machine();
    for (target, name) in [("dev", "-INT"), ("kafka", "-TERM")] {
        let (child, directory, pids) = under_load(target);
        signal(&child, name);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(
            output.status.code(),
            Some(5),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        until("the broker is gone", Duration::from_secs(5), || {
            !pids.iter().any(|pid| alive(*pid))
        });
        let report = fs::read_to_string(directory.path().join("report.json")).expect("a report is there");
        let report: Value = serde_json::from_str(&report).expect("JSON");
        assert_eq!(
            (&report["verdict"], &report["complete"]),
            (&Value::from("INCONCLUSIVE"), &Value::from(false))
        );
        assert!(
            report["scenarios"][0]["records"]["attempted"].as_u64() > Some(0),
            "what was measured is kept"
        );
    }
}

#[test]
fn a_broker_ends_when_highwater_is_killed_and_the_stored_run_is_readable() {
    let _alone = machine();
    for target in ["dev", "kafka"] {
        let (mut child, directory, pids) = under_load(target);
        child.kill().expect("SIGKILL");
        assert_eq!(child.wait().expect("it ends").signal(), Some(9));
        until("the broker is gone", Duration::from_secs(5), || {
            !pids.iter().any(|pid| alive(*pid))
        });
        let (code, text, errors) = command(&["report", directory.path().to_str().expect("UTF-8")]);
        assert_eq!(code, 5, "{text}{errors}");
        assert!(
            text.contains("INCONCLUSIVE") && text.contains("throughput"),
            "{text}{errors}"
        );
    }
}

#[test]
fn a_broker_that_dies_on_its_own_is_told_and_what_was_measured_is_kept() {
    let _alone = machine();
    let (child, directory, pids) = under_load("dev");
    let killed = Command::new("kill")
        .arg("-KILL")
        .args(pids.iter().map(ToString::to_string))
        .status()
        .expect("kill runs");
    assert!(killed.success());
    let output = child.wait_with_output().expect("it ends");
    let shown =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{shown}");
    assert!(shown.contains("ended on its own"), "{shown}");
    let report: Value =
        serde_json::from_str(&fs::read_to_string(directory.path().join("report.json")).expect("a report"))
            .expect("JSON");
    assert!(report["scenarios"][0]["records"]["acknowledged"].as_u64() > Some(0));
}

#[test]
fn kafka_is_started_looked_at_measured_and_stopped() {
    let _alone = machine();
    let state = TempDir::new().expect("a temporary directory");
    let call = |arguments: &[&str]| {
        let output = program()
            .env("XDG_STATE_HOME", state.path())
            .args(arguments)
            .output()
            .expect("the program starts");
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap_or(-1), text)
    };
    let (code, text) = call(&["up", "kafka"]);
    assert_eq!(code, 0, "{text}");
    let bootstrap = text
        .split("runs at ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .unwrap_or_else(|| panic!("{text}"))
        .to_owned();
    let (code, again) = call(&["up", "kafka"]);
    assert!(code == 0 && again.contains(&bootstrap), "{again}");
    let out = TempDir::new().expect("a temporary directory");
    let target = format!("bootstrap:{bootstrap}");
    let arguments = [
        "run",
        "throughput",
        "--target",
        &target,
        "--set",
        "load.duration=12s",
        "--set",
        "warm_up.limit=10s",
        "--out",
        out.path().to_str().expect("UTF-8"),
    ];
    let (code, text) = call(&arguments);
    assert_eq!(code, 0, "{text}");
    // A topic that is there already is somebody's: it is neither written to nor deleted.
    let keep = |more: &[&str]| {
        let out = TempDir::new().expect("a temporary directory");
        let short = [
            "--seed",
            "42",
            "--set",
            "load.duration=3s",
            "--set",
            "warm_up.limit=2s",
            "--set",
            "thresholds=[]",
        ];
        let head = [
            "run",
            "throughput",
            "--target",
            target.as_str(),
            "--out",
            out.path().to_str().expect("UTF-8"),
        ];
        call(&[&head, short.as_slice(), more].concat())
    };
    let (code, text) = keep(&["--keep"]);
    assert_eq!(code, 0, "{text}");
    for _ in 0..2 {
        let (code, text) = keep(&[]);
        assert!(code == 4 && text.contains("exists already"), "{code} {text}");
    }
    let refused = ["run", "broker-restart", "--target", &target];
    let (code, text) = call(&refused);
    assert!(code == 2 && text.contains("did not start"), "{code} {text}");
    let (code, text) = call(&["down"]);
    assert!(code == 0 && text.contains(&bootstrap), "{text}");
    let (code, text) = call(&["down"]);
    assert!(code == 0 && text.contains("nothing to stop"), "{text}");
}
