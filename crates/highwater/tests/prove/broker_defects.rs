//! Each planted defect of the dev broker, seen through a good pipeline: the whole tool gives the right verdict.
//!
//! Not here: `compaction-keeps-older`, which needs a compacted topic, and no pipeline under test has one. It is found in
//! tests of the checkers on histories of its own.

use crate::trial::{Trial, VIOLATED};

const EXACTLY_ONCE: &str = "exactly-once";
const AT_LEAST_ONCE: &str = "at-least-once";

/// For defects that hit one batch, or one transaction, in many.
const MANY: [&str; 5] = [
    "lost-produce-answers",
    "kill-before-end",
    "broker-kill",
    "zombie",
    "second-instance",
];

/// The defect, the contract that the pipeline keeps on a good broker, the faults that bring it out, what is found.
fn found(bug: &str, contract: &str, faults: &[&str], anomaly: &str) {
    found_with(&["--bug", bug], contract, faults, anomaly);
}

fn found_with(more: &[&str], contract: &str, faults: &[&str], anomaly: &str) {
    let ended = Trial::of(contract, &["--guarantee", contract])
        .faults(faults)
        .more(more)
        .shares_the_machine()
        .ends(VIOLATED);
    assert!(
        ended.violations().contains(&anomaly),
        "{:?}\n{}",
        ended.violations(),
        ended.said
    );
}

macro_rules! defects {
    ($($name:ident: $bug:literal, $contract:ident, $faults:expr, $anomaly:literal;)+) => {
        $(#[test] fn $name() { found($bug, $contract, &$faults, $anomaly); })+
    };
}

defects! {
    ack_before_append: "ack-before-append", EXACTLY_ONCE, ["broker-kill"], "lost-write";
    forget_last_batch: "forget-last-batch-on-restart", EXACTLY_ONCE, ["broker-kill"], "lost-write";
    append_retry_twice: "append-retry-twice", EXACTLY_ONCE, MANY, "pipeline-duplicate";
    reassign_offsets: "reassign-offsets-on-restart", AT_LEAST_ONCE, ["broker-kill", "broker-kill"], "inconsistent-offsets";
    spurious_offset_zero: "spurious-offset-zero", EXACTLY_ONCE, MANY, "inconsistent-offsets";
    hide_from_lagging: "hide-from-lagging-readers", EXACTLY_ONCE, ["kill-outputs-ahead"], "pipeline-loss";
    ignore_sequences: "ignore-sequences", EXACTLY_ONCE, ["lost-produce-answers"], "duplicate";
    last_stable_offset: "last-stable-offset-off-by-one", EXACTLY_ONCE, ["lost-end-answer"], "pipeline-phantom";
    serve_aborted: "serve-aborted-batches", EXACTLY_ONCE, ["aborted-transaction"], "pipeline-phantom";
    ignore_producer_epoch: "ignore-producer-epoch", EXACTLY_ONCE, ["late-outputs"], "fencing-violation";
    marker_in_one: "marker-in-one-partition-only", EXACTLY_ONCE, ["lost-produce-answers"], "hanging-transaction";
    forget_committed: "forget-committed-offset", EXACTLY_ONCE, ["power-cut"], "commit-regression";
    regress_committed: "regress-committed-offset", AT_LEAST_ONCE, ["broker-kill"], "redelivery-outside-window";
}

/// Another transaction must be open when one is ended: two instances, and the time of several faults. What comes of it
/// for the records is luck; that the ends which were acknowledged have no markers is not.
#[test]
fn end_of_another() {
    let faults = ["lost-produce-answers", "lost-end-answer", "lost-produce-answers"];
    found_with(
        &["--bug", "end-transaction-of-another", "--instances", "2"],
        EXACTLY_ONCE,
        &faults,
        "hanging-transaction",
    );
}
