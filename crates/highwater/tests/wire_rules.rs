//! Scenarios with rules: the load goes through the fault proxy, and the verdict knows whether it did what it should.

mod support;

use std::fs;

use support::{Ran, run};
use tempfile::TempDir;

/// Runs a short load with these rules on the dev broker.
fn with_rules(rules: &str, more: &[&str]) -> Ran {
    let directory = TempDir::new().expect("a temporary directory");
    let file = directory.path().join("mine.toml");
    let head = "name = \"mine\"\nsummary = \"mine\"\n[load]\nrate = \"500/s\"\nduration = \"6s\"\n[warm_up]\nlimit = \"0s\"\n[producer]\nlinger = \"5ms\"\n";
    // What a busy machine does to the pace is not what is asked here.
    let validity = "[validity]\nachieved = 0.0\nslip_p99 = \"60s\"\ngenerator_cpu = 1.0\n";
    fs::write(&file, format!("{head}{validity}{rules}")).expect("written");
    run(&[
        &[file.to_str().expect("UTF-8"), "--target", "dev", "--seed", "7f"],
        more,
    ]
    .concat())
}

const LOST_ACKS: &str =
    "[[rules]]\nfault = \"drop-ack\"\napi = \"Produce\"\nprobability = 0.02\nfrom = \"1s\"\n";

#[test]
fn retries_after_lost_acknowledgements_duplicate_nothing_with_idempotence() {
    let ran = with_rules(LOST_ACKS, &[]);
    assert_eq!(ran.code, 0, "{}", ran.story());
    assert_eq!(
        (ran.records("lost"), ran.records("duplicated")),
        (0, 0),
        "{}",
        ran.story()
    );
    let rule = &ran.scenario()["rules"][0];
    assert_eq!(
        (rule["name"].as_str(), rule["fault"].as_str()),
        (Some("drop-ack"), Some("drop-ack"))
    );
    assert!(rule["fired"].as_u64() > Some(0), "{}", ran.story());
    assert!(ran.stdout.contains("drop-ack fired"), "{}", ran.story());
    let history = ran.directory.path().join("history.hwh");
    assert!(fs::metadata(history).expect("a history").len() > 0);
    let events = fs::read_to_string(ran.directory.path().join("events.jsonl")).expect("events");
    assert!(
        events.contains("\"event\":\"rules\""),
        "rules are told while the run goes on"
    );
}

#[test]
fn the_same_without_idempotence_duplicates() {
    let ran = with_rules(LOST_ACKS, &["--set", "producer.idempotence=false"]);
    assert_eq!(ran.code, 0, "{}", ran.story());
    assert_eq!(ran.records("lost"), 0, "{}", ran.story());
    assert!(ran.records("duplicated") > 0, "{}", ran.story());
}

#[test]
fn a_rule_that_did_nothing_is_named_and_never_holds() {
    let ran = with_rules(
        &format!(
            "{LOST_ACKS}[[rules]]\nname = \"late\"\nfault = \"hold\"\napi = \"EndTxn\"\ndelay = \"1s\"\n"
        ),
        &[],
    );
    assert_eq!(ran.code, 5, "{}", ran.story());
    let reasons = ran.scenario()["reasons"].to_string();
    assert!(
        reasons.contains("rule late (hold) never fired"),
        "{}",
        ran.story()
    );
}
