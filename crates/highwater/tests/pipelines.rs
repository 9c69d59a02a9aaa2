//! The examples of the pipeline library, driven from outside as a user's own program is: they keep what they promise,
//! the broken twin is found out, and dead letters are what `highwater dlq` reads.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use serde_json::Value;
use support::foreground::Foreground;
use support::{command, example, machine, program, terminated};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);
/// What an attempt may be late. Early it may not be at all.
const LATE_MS: u64 = 50;

/// Proves the copying pipeline under these faults: exit code, report, what was said.
fn prove(contract: &str, faults: &[&str], arguments: &[&str]) -> (i32, Value, String) {
    let _alone = machine();
    let directory = TempDir::new().expect("a temporary folder");
    let schedule = directory.path().join("faults.toml");
    let rounds = faults
        .iter()
        .map(|fault| format!("[[round]]\nfault = \"{fault}\"\n"));
    fs::write(&schedule, rounds.collect::<String>()).expect("a file");
    let out = directory.path().join("out");
    let output = program()
        .args(["prove", "--quiet", "--contract", contract, "--target", "dev"])
        .args(["--input", "orders", "--output", "invoices"])
        .args(["--seed", "7", "--budget", "2min", "--faults"])
        .arg(&schedule)
        .arg("--out")
        .arg(&out)
        .arg("--")
        .arg(example("pipeline-copy"))
        .args(["--bootstrap", "{bootstrap}", "--instance", "{instance}"])
        .args(arguments)
        .output()
        .expect("it runs");
    let said = format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let report = fs::read_to_string(out.join("report.json")).unwrap_or_default();
    let report = serde_json::from_str(&report).unwrap_or_default();
    (output.status.code().unwrap_or(-1), report, said)
}

#[test]
fn a_pipeline_of_the_library_is_exactly_once() {
    let faults = ["kill-before-end", "second-instance"];
    let (code, report, said) = prove("exactly-once,ordered-per-key", &faults, &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(report["counts"]["duplicated"], 0, "{said}");
    assert_eq!(report["counts"]["lost"], 0, "{said}");
}

/// The same faults that the good pipeline stands: offsets are committed before their effects.
#[test]
fn its_broken_twin_is_found_out() {
    let (code, _, said) = prove("at-least-once", &["kill-commits-ahead"], &["--at-least-once"]);
    assert_eq!(code, 0, "{said}");
    let (code, report, said) = prove(
        "at-least-once",
        &["kill-commits-ahead"],
        &["--at-least-once", "--defect"],
    );
    assert_eq!(code, 1, "{said}");
    let anomalies = report["anomalies"].as_array().map_or(&[][..], Vec::as_slice);
    assert!(
        anomalies
            .iter()
            .any(|anomaly| anomaly["name"] == "pipeline-loss" && anomaly["violation"] == true),
        "{said}"
    );
}

/// Attempts at 0, +1, +3 and +7 seconds, then the dead letter; what follows in other keys does not wait.
#[test]
fn attempts_are_on_time_and_what_is_given_up_can_be_read() {
    let _alone = machine();
    let directory = TempDir::new().expect("a temporary folder");
    let broker = Foreground::broker(&directory.path().join("data"));
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.address())
        .create()
        .expect("a client");
    for (key, value) in [
        ("1", r#"{"account":"broken","cents":1}"#),
        ("2", "no JSON at all"),
        ("3", r#"{"account":"panics","cents":3}"#),
        ("4", r#"{"account":"fine","cents":4}"#),
    ] {
        let record = BaseRecord::to("orders").key(key).payload(value);
        producer.send(record).map_err(|(error, _)| error).expect("taken");
    }
    producer.flush(PATIENCE).expect("delivered");
    let mut pipeline = Command::new(example("dead-letters"))
        .args(["--bootstrap", broker.address()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(pipeline.stdout.take().expect("piped")).lines();
    let attempts: Vec<(String, u64)> = lines
        .map_while(Result::ok)
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            let account = words.next()?.to_owned();
            Some((account, words.nth(1)?.parse().ok()?))
        })
        // Four of each that fails, and the one that works.
        .take(9)
        .collect();
    for account in ["broken", "panics"] {
        let moments: Vec<u64> = attempts
            .iter()
            .filter(|(other, _)| other == account)
            .map(|(_, at)| *at)
            .collect();
        let [first, ..] = moments[..] else {
            panic!("{account} was never tried: {attempts:?}")
        };
        for (at, due) in moments.iter().zip([0, 1_000, 3_000, 7_000]) {
            let late = (at - first).checked_sub(due);
            assert!(late.is_some_and(|late| late <= LATE_MS), "{account}: {moments:?}");
        }
        assert_eq!(moments.len(), 4, "{account}: {attempts:?}");
    }
    let at = |account: &str| {
        attempts
            .iter()
            .find(|(other, _)| other == account)
            .map(|(_, at)| *at)
    };
    let (fine, broken) = (at("fine").expect("handled"), at("broken").expect("tried"));
    assert!(fine.abs_diff(broken) < 1_000, "{attempts:?}");
    assert!(terminated(&mut pipeline, PATIENCE).success());

    let letters = [
        "dlq",
        "list",
        "orders.billing.dead-letters",
        "--bootstrap",
        broker.address(),
    ];
    let (code, said, errors) = command(&letters);
    assert_eq!(code, 0, "{said}{errors}");
    for expected in [
        "3 letters waiting",
        "the account service does not answer",
        "value is not the expected JSON",
        "handler panicked: no such account",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}
