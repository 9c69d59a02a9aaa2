//! What a person reads of the linter, as snapshots.

use highwater_model::history::ExchangeId;
use highwater_model::{LINT_SCHEMA_VERSION, LintClient, LintFinding, LintGuarantee, LintLevel, LintReport};
use highwater_report::{Style, lint, lint_json};

fn finding(name: &str, level: LintLevel, title: &str, seen: &str, times: u64) -> LintFinding {
    LintFinding {
        name: name.to_owned(),
        level,
        title: title.to_owned(),
        seen: seen.to_owned(),
        at_ns: 12_310_000_000,
        exchange: Some(ExchangeId(1_204)),
        times,
        clients: vec!["orders".to_owned()],
        risk: "a crash between the two loses up to 212 records (measured window)".to_owned(),
        setting: "enable.auto.commit=false, and commit after flush()".to_owned(),
        breaks: vec![LintGuarantee::AtLeastOnce],
    }
}

fn bad() -> LintReport {
    LintReport {
        schema_version: LINT_SCHEMA_VERSION,
        findings: vec![
            finding(
                "commit-before-output",
                LintLevel::Error,
                "commits before the output is acknowledged",
                "group orders, in-3: OffsetCommit 1204 at 12.310 s; the output of offset 992 (the same key in out-1) was \
                 acknowledged at 12.360 s",
                14,
            ),
            finding(
                "not-idempotent",
                LintLevel::Warning,
                "not idempotent",
                "Produce to out-1 without producer id at 0.412 s, client orders",
                1_204,
            ),
            finding(
                "auto-commit",
                LintLevel::Note,
                "commits at a steady interval",
                "group \x1b[2Jorders",
                1,
            ),
        ],
        good: ["acks=all", "read_committed", "stable group membership"]
            .map(str::to_owned)
            .to_vec(),
        not_seen: vec!["a restart: whether transactional ids stay the same".to_owned()],
        clients: vec![LintClient {
            library: Some("librdkafka".to_owned()),
            software_name: Some("confluent-kafka-python".to_owned()),
            software_version: Some("2.12.1-librdkafka-2.12.1".to_owned()),
            client_ids: vec!["orders".to_owned()],
            connections: 3,
        }],
        watched_ns: 30_000_000_000,
        requests: 4_711,
        guarantee: "guarantees at most: at-least-once is NOT given (2 findings)".to_owned(),
        caveats: vec!["a client talks past the proxy: 127.0.0.1:9092".to_owned()],
    }
}

#[test]
fn text_without_colour() {
    let text = lint(&bad(), "orders-service", &Style::default());
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!("lint-text", text);
}

#[test]
fn colour_adds_nothing_but_colour() {
    let style = |color| Style { color, width: 80 };
    let painted = lint(&bad(), "orders-service", &style(true));
    let stripped = ["1", "2", "1;31", "0"]
        .iter()
        .fold(painted.clone(), |text, code| {
            text.replace(&format!("\x1b[{code}m"), "")
        });
    assert_ne!(painted, stripped);
    assert_eq!(stripped, lint(&bad(), "orders-service", &style(false)));
}

#[test]
fn json_reads_back() {
    let text = lint_json(&bad()).expect("it is plain data");
    let again: LintReport = serde_json::from_str(&text).expect("it is what was written");
    assert_eq!(again, bad());
    insta::assert_snapshot!("lint-json", text);
}
