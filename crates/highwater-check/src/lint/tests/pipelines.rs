//! Consume, process, produce, commit.

use highwater_model::history::{Isolation, RequestFacts};

use super::story::{Story, batch, member, offsets, produce, read, record, stored};

/// Reads 20 records at once, writes each, and commits all, before the outputs or after them. `keep` says what of a
/// record its output still has.
fn copy(commit_first: bool, shared: (bool, bool), topic: &str) -> Story {
    let mut story = Story::new();
    story
        .connect(1, Some("librdkafka"), "c")
        .connect(2, Some("librdkafka"), "p");
    let inputs = (0_i32..20)
        .map(|n| {
            record(
                n,
                100 + u64::from(n.unsigned_abs()),
                200 + u64::from(n.unsigned_abs()),
            )
        })
        .collect();
    story.fetch(1, Isolation::ReadCommitted, read("in", 0, vec![batch(0, inputs)]));
    if commit_first {
        story.commit(1, offsets(member(), None, 20));
    }
    let mut open = Vec::new();
    for n in 0..20 {
        let key = if shared.0 { 100 + n } else { 1_100 };
        let value = if shared.1 { 200 + n } else { 1_200 + n };
        let facts = produce(-1, topic, 1, batch(0, vec![record(0, key, value)]));
        let answer = stored(&facts);
        open.push((story.ask(2, (0, 12), RequestFacts::Produce(facts)), answer));
    }
    for (exchange, answer) in open {
        story.answer(exchange, answer);
    }
    if !commit_first {
        story.commit(1, offsets(member(), None, 20));
    }
    story
}

#[test]
fn commits_against_outputs() {
    for (name, commit_first, shared, topic, expected) in [
        ("ahead, the same value", true, (false, true), "out", true),
        ("ahead, the same key", true, (true, false), "out", true),
        ("behind", false, (true, true), "out", false),
        ("nothing in common", true, (false, false), "out", false),
        ("back into its own input", true, (true, true), "in", false),
    ] {
        let names = copy(commit_first, shared, topic).names();
        assert_eq!(
            names.contains(&"commit-before-output".to_owned()),
            expected,
            "{name}: {names:?}"
        );
    }
}

#[test]
fn the_window_is_measured() {
    let finding = copy(true, (true, true), "out").finding("commit-before-output");
    assert_eq!(
        finding.risk,
        "a crash between the two loses up to 20 records (measured window)"
    );
    assert_eq!(
        finding.seen,
        "group etl, in-0: OffsetCommit 20 at 0.007 s; the output of offset 0 (the same value in out-1) was \
         acknowledged at 0.029 s"
    );
}

#[test]
fn a_good_order_is_told_and_an_unknown_one_is_not_called_good() {
    let good = "commits after the output is acknowledged".to_owned();
    assert!(copy(false, (true, true), "out").report().good.contains(&good));
    let unknown = copy(false, (false, false), "out").report();
    assert!(!unknown.good.contains(&good));
    assert!(
        unknown
            .not_seen
            .iter()
            .any(|what| what.contains("too few outputs"))
    );
}

#[test]
fn outputs_that_are_not_unique_prove_nothing() {
    let mut story = copy(true, (true, true), "out");
    // The same again, as after a retry: now there are two outputs of each input.
    for n in 0..20 {
        story.produce(
            2,
            produce(-1, "out", 1, batch(0, vec![record(0, 100 + n, 200 + n)])),
        );
    }
    assert!(!story.names().contains(&"commit-before-output".to_owned()));
}
