//! Good pipelines keep their contract through everything that it fears.

use crate::support::alive;
use crate::trial::{HOLDS, INCONCLUSIVE, Trial};

/// All default faults, and the verdict within two minutes.
#[test]
fn exactly_once_holds_through_all_faults() {
    let ended = Trial::of("exactly-once,ordered-per-key", &["--guarantee", "exactly-once"]).ends(HOLDS);
    let rounds = ended.rounds();
    assert!(rounds.len() >= 14, "{rounds:?}");
    assert!(
        rounds.iter().all(|(_, ending)| *ending == "survived"),
        "{rounds:?}"
    );
    assert_eq!(
        ended.count("outputs"),
        ended.count("acknowledged"),
        "{}",
        ended.said
    );
    assert!(ended.count("aborted") > 0, "{}", ended.said);
    assert!(ended.said.contains("bounded evidence"), "{}", ended.said);
}

#[test]
fn at_least_once_holds_and_counts_what_came_twice() {
    let faults = [
        "kill-commits-ahead",
        "kill-outputs-ahead",
        "zombie",
        "broker-kill",
        "second-instance",
    ];
    let ended = Trial::of("at-least-once", &["--guarantee", "at-least-once"])
        .faults(&faults)
        .ends(HOLDS);
    assert!(ended.count("duplicated") > 0, "{}", ended.said);
    assert_eq!(
        ended.count("duplicated"),
        ended.count("duplicated_in_window"),
        "{}",
        ended.said
    );
    assert_eq!(ended.count("lost"), 0, "{}", ended.said);
}

#[test]
fn at_most_once_holds() {
    let faults = ["kill-outputs-ahead", "lost-produce-answers", "broker-kill"];
    Trial::of("at-most-once", &["--guarantee", "at-most-once"])
        .faults(&faults)
        .ends(HOLDS);
}

#[test]
fn exactly_once_holds_on_apache_kafka() {
    let faults = [
        "kill-outputs-ahead",
        "zombie",
        "late-commit",
        "aborted-transaction",
        "lost-end-answer",
        "broker-kill",
    ];
    let ended = Trial::of("exactly-once", &["--guarantee", "exactly-once"])
        .target("kafka")
        .faults(&faults)
        .ends(HOLDS);
    assert_eq!(ended.count("duplicated"), 0, "{}", ended.said);
}

/// Nothing was put to the test: that is no pass.
#[test]
fn faults_that_do_not_apply_are_inconclusive() {
    let faults = ["lost-end-answer", "aborted-transaction"];
    let ended = Trial::of("at-least-once", &["--guarantee", "at-least-once"])
        .faults(&faults)
        .ends(INCONCLUSIVE);
    assert!(ended.said.contains("no fault was placed"), "{}", ended.said);
}

#[test]
fn a_budget_that_is_too_small_names_what_was_not_run() {
    let faults = ["lost-produce-answers", "zombie", "zombie", "zombie"];
    let ended = Trial::of("exactly-once", &["--guarantee", "exactly-once"])
        .faults(&faults)
        .budget("24s")
        .ends(INCONCLUSIVE);
    assert!(ended.said.contains("zombie was not run"), "{}", ended.said);
}

/// The shortest schedule, and the command that replays it.
#[test]
fn a_schedule_is_made_shorter() {
    let faults = ["moved-coordinator", "aborted-transaction", "lost-commit-answers"];
    let ended = Trial::of("exactly-once", &["--defect", "no-rewind-after-abort"])
        .faults(&faults)
        .more(&["--shrink"])
        .ends(1);
    let shortest = &ended.report["shrunk"];
    assert_eq!(
        shortest["faults"],
        serde_json::json!(["aborted-transaction"]),
        "{}",
        ended.said
    );
    assert_eq!(shortest["minimal"], true, "{}", ended.said);
    let file = shortest["file"].as_str().expect("a file");
    assert!(std::path::Path::new(file).exists(), "{file}");
    assert!(ended.said.contains("--faults"), "{}", ended.said);
}

/// Whatever happened, nothing is left running.
#[test]
fn nothing_is_left_running() {
    let ended = Trial::of("exactly-once", &["--guarantee", "exactly-once"])
        .faults(&["second-instance"])
        .ends(HOLDS);
    let history = ended.report["history"].as_str().expect("a history");
    let (_, told, _) = crate::support::command(&["history", "export", history]);
    let pids: Vec<u32> = told
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|event| event["event"] == "process")
        .filter_map(|event| u32::try_from(event["pid"].as_u64()?).ok())
        .collect();
    assert!(pids.len() >= 4, "{pids:?}");
    assert!(!pids.iter().any(|pid| alive(*pid)), "{pids:?}");
    assert!(ended.directory.path().join("out/report.html").exists());
}
