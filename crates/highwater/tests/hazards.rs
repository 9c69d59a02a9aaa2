//! `highwater hazards`, the real program: every hazard with both of its arms, and nothing without its fault.

#[path = "support/mod.rs"]
mod support;

use highwater_target::{FindingState, examine};
use serde_json::Value;
use support::{command, machine, program};

/// What takes transactions, and therefore is told apart on a real broker.
///
/// Not `hanging-transaction`: whether Kafka's switch for it has taken effect can't be told from outside, and it comes
/// out on some runs only; the program then says that it was not reproduced.
const TRANSACTIONAL: [&str; 9] = [
    "late-end-txn",
    "zombie-instance",
    "zombie-in-group",
    "no-rewind-after-abort",
    "abort-after-commit-timeout",
    "concurrent-transactions",
    "coordinator-moved",
    "transaction-timeout",
    "read-uncommitted-sink",
];
/// Needs followers.
const REPLICATED: &str = "acks-1-leader-killed";

fn hazards(arguments: &[&str]) -> (i32, Value, String) {
    let _alone = machine();
    let output = program()
        .args(["hazards", "--format", "json", "--seed", "7"])
        .args(arguments)
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}\n{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap_or(-1), report, text)
}

fn lessons(report: &Value) -> &[Value] {
    report["lessons"].as_array().expect("lessons")
}

/// Both arms came out as they must, and both say so by themselves.
fn assert_reproduced(lesson: &Value) {
    let name = &lesson["name"];
    assert_eq!(lesson["outcome"]["outcome"], "reproduced", "{name}: {lesson:#}");
    assert_eq!(lesson["open"]["found"], "harm", "{name}");
    assert_eq!(lesson["control"]["found"], "whole", "{name}");
    for arm in ["open", "control"] {
        for part in ["notes", "counts"] {
            let all = lesson[arm][part].as_array().expect("a list");
            assert!(
                !all.is_empty() || name == "close-blocks",
                "{name}: {arm}: no {part}"
            );
        }
    }
}

#[test]
fn all_of_them_on_the_dev_broker() {
    let (code, report, text) = hazards(&[]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(report["target"], "dev broker");
    let (absent, tried): (Vec<_>, Vec<_>) = lessons(&report)
        .iter()
        .partition(|lesson| lesson["outcome"]["outcome"] == "not-on-this-target");
    assert_eq!(tried.len(), 20);
    tried.into_iter().for_each(assert_reproduced);
    assert_eq!(absent.len(), 1);
    assert_eq!(absent[0]["name"], REPLICATED);
}

#[test]
fn nothing_is_found_without_the_faults() {
    let (code, report, text) = hazards(&["--disarm"]);
    assert_eq!(code, 1, "{text}");
    for lesson in lessons(&report).iter().filter(|one| one["name"] != REPLICATED) {
        let name = &lesson["name"];
        assert_eq!(lesson["outcome"]["outcome"], "not-reproduced", "{lesson:#}");
        assert_eq!(lesson["open"]["found"], "whole", "{name}");
        assert_eq!(lesson["control"]["found"], "whole", "{name}");
    }
}

#[test]
fn the_transactional_ones_on_apache_kafka() {
    let findings = examine();
    let present = |name: &str| {
        let mut named = findings.iter().filter(|one| one.name == name);
        named.any(|one| one.state == FindingState::Present)
    };
    if !(present("Java") && (present("Apache Kafka") || present("Maven"))) {
        assert!(
            std::env::var_os("HIGHWATER_REQUIRE_KAFKA").is_none(),
            "Java or Maven is missing"
        );
        eprintln!("skipped: Java or Maven is missing");
        return;
    }
    let mut arguments = vec!["--target", "kafka"];
    arguments.extend(TRANSACTIONAL);
    let (code, report, text) = hazards(&arguments);
    assert_eq!(code, 0, "{text}");
    assert_eq!(lessons(&report).len(), TRANSACTIONAL.len());
    lessons(&report).iter().for_each(assert_reproduced);
}

#[test]
fn what_a_target_cannot_show_is_inconclusive_when_asked_for() {
    let (code, stdout, _) = command(&["hazards", REPLICATED]);
    assert_eq!(code, 5, "{stdout}");
    assert!(
        stdout.contains("not on this target: the dev broker does not replicate"),
        "{stdout}"
    );
}

#[test]
fn what_cannot_be_meant_is_told_before_anything_starts() {
    for (arguments, what, help) in [
        (
            &["hazards", "late-end"][..],
            "there is no hazard `late-end`",
            "late-end-txn",
        ),
        (
            &["hazards", "--target", "bootstrap:127.0.0.1:9"],
            "a cluster that is there already is never broken",
            "--target dev, kafka or kafka:3",
        ),
    ] {
        let (code, stdout, stderr) = command(arguments);
        assert_eq!(code, 2, "{arguments:?}: {stderr}");
        assert!(
            stdout.is_empty() && stderr.contains(what) && stderr.contains(help),
            "{stderr}"
        );
    }
}

#[test]
fn the_list_names_all_with_what_mends_them() {
    let (code, stdout, _) = command(&["hazards", "--list"]);
    assert_eq!(code, 0);
    assert!(
        TRANSACTIONAL
            .iter()
            .all(|name| stdout.contains(&format!("{name}  "))),
        "{stdout}"
    );
    assert_eq!(stdout.matches("\n  mend ").count(), 21);
    assert!(stdout.contains("KAFKA-17754"));
}
