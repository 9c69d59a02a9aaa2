use highwater_model::LintLevel;

use super::story::{
    Story, batch, in_transaction, member, offsets, plain, produce, read, record, transactional,
};
use crate::lint::Lint;
use highwater_model::history::Isolation;

#[test]
fn nothing_seen_is_nothing_said() {
    let report = Story::new().report();
    assert!(report.findings.is_empty() && report.good.is_empty());
    assert_eq!(
        report.guarantee,
        "nothing can be said: no records were written or read"
    );
    assert_eq!(
        report.not_seen,
        ["no records were written", "no records were read"]
    );
}

#[test]
fn the_guarantee_follows_from_what_was_seen() {
    let mut exactly_once = Story::new();
    let one = transactional(batch(0, vec![record(0, 1, 1)]));
    exactly_once
        .connect(1, Some("apache-kafka-java"), "p")
        .fetch(
            1,
            Isolation::ReadCommitted,
            read("in", 0, vec![batch(0, vec![record(0, 1, 1)])]),
        )
        .init(1, "t", 60_000, 0)
        .produce(1, in_transaction(produce(-1, "out", 0, one.clone()), "t"))
        .commit(1, offsets(member(), Some("t"), 1))
        .end(1, 5, "t", true);
    let mut old = Story::new();
    old.connect(1, Some("librdkafka"), "p")
        .init(1, "t", 60_000, 0)
        .produce(1, in_transaction(produce(-1, "out", 0, one), "t"))
        .end(1, 3, "t", true);
    let mut careless = Story::new();
    careless.produce(1, produce(1, "out", 0, plain(batch(0, vec![]))));
    let mut fine = Story::new();
    fine.produce(1, produce(-1, "out", 0, batch(0, vec![])));
    for (story, sentence) in [
        (
            exactly_once,
            "guarantees at most: exactly-once; nothing was seen that speaks against it",
        ),
        (
            old,
            "guarantees at most: at-least-once; exactly-once is NOT given (1 finding)",
        ),
        (
            careless,
            "guarantees at most: at-least-once is NOT given (1 finding)",
        ),
        (fine, "guarantees at most: at-least-once"),
    ] {
        assert_eq!(story.report().guarantee, sentence);
    }
}

#[test]
fn worst_comes_first_and_each_library_has_its_words() {
    let mut story = Story::new();
    for (connection, software) in [(1, "apache-kafka-java"), (2, "kgo"), (3, "own-client")] {
        story
            .connect(connection, Some(software), software)
            .produce(connection, produce(1, "out", 0, plain(batch(0, vec![]))));
    }
    let report = story.report();
    let settings: Vec<&str> = report
        .findings
        .iter()
        .filter(|finding| finding.level == LintLevel::Error)
        .map(|finding| finding.setting.as_str())
        .collect();
    assert_eq!(
        settings,
        [
            "acks=all",
            "kgo.RequiredAcks(kgo.AllISRAcks()), the default",
            "acks=all"
        ]
    );
    assert!(report.findings.is_sorted_by(|a, b| a.level >= b.level));
    assert_eq!(report.clients.len(), 3);
    assert!(report.has_at_least(LintLevel::Error));
}

#[test]
fn names_are_stable_unique_and_kebab_case() {
    let kinds = Lint::kinds();
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    assert_eq!(
        names,
        [
            "acks-leader",
            "acks-none",
            "auto-commit",
            "changing-transactional-id",
            "commit-before-output",
            "commit-without-member",
            "no-generation-fencing",
            "no-rewind-after-abort",
            "not-idempotent",
            "old-transaction-protocol",
            "partitioner-differs",
            "poll-interval-near",
            "read-uncommitted",
            "reorder-in-flight",
            "reset-to-latest",
            "session-timeout-near",
            "thrown-out-of-group",
            "transaction-near-timeout",
            "transaction-timeout-refused",
            "unstable-offsets",
        ]
    );
}
