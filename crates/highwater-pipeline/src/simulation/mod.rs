//! The whole core under a seeded schedule: a broker, a consumer, and a crash, a rebalance or an error at every step.
//!
//! ```text
//!  seed ─▶ schedule ─▶ world ─▶ partition, window (the real ones) ─▶ broker (a model) ─▶ oracle ─▶ named invariant
//! ```
//!
//! What is proven both ways: without a defect no invariant breaks in any of the seeds; with each planted defect the
//! invariant that is there for it breaks.

mod broker;
mod oracle;
mod world;

use std::collections::BTreeMap;

use crate::flaw::{self, Flaw};
use oracle::Violation;
use world::{Mode, World};

const SEEDS: u64 = 100;
const STEPS: usize = 900;

fn run(mode: Mode, seed: u64, flaw: Option<Flaw>) -> Result<world::Counts, Violation> {
    flaw::with(flaw, || World::new(mode, seed).run(STEPS))
}

#[test]
fn every_invariant_holds_in_every_seed() {
    for mode in [Mode::AtLeastOnce, Mode::ExactlyOnce] {
        let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
        for seed in 0..SEEDS {
            let counts = run(mode, seed, None)
                .unwrap_or_else(|violation| panic!("{mode:?}, seed {seed}: {violation}"));
            for (name, count) in counts {
                *seen.entry(name).or_default() += count;
            }
        }
        // A simulation that never comes to the hard parts proves nothing.
        let mut needed = vec![
            "crash",
            "revoke",
            "lost",
            "parked",
            "retried",
            "dead",
            "halted",
            "repeated",
            "paused",
            "unwritten",
            "done before",
        ];
        if mode == Mode::ExactlyOnce {
            needed.extend(["aborted", "in doubt", "rebuilt"]);
        } else {
            needed.extend(["duplicate", "waited for its duplicate"]);
        }
        for name in needed {
            assert!(
                seen.get(name).is_some_and(|count| *count >= 20),
                "{mode:?}: too little of {name}: {seen:?}"
            );
        }
    }
}

#[test]
fn every_planted_defect_breaks_its_invariant() {
    use Mode::{AtLeastOnce, ExactlyOnce};
    let cases = [
        (Flaw::CommitHighest, AtLeastOnce, &["commit-safe"][..]),
        (Flaw::CommitHighest, ExactlyOnce, &["commit-safe"][..]),
        (Flaw::AcceptRepeated, AtLeastOnce, &["run-once"][..]),
        (Flaw::ForgetResumed, AtLeastOnce, &["saved-completions"][..]),
        (Flaw::ForgetResumed, ExactlyOnce, &["saved-completions"][..]),
        (Flaw::LanesRunTogether, AtLeastOnce, &["one-per-key"][..]),
        (Flaw::RetryEarly, AtLeastOnce, &["never-early"][..]),
        (Flaw::NoCap, AtLeastOnce, &["capped"][..]),
        (Flaw::OvertakeParked, AtLeastOnce, &["key-order"][..]),
        (Flaw::CompleteBeforeWrite, AtLeastOnce, &["commit-safe"][..]),
        (Flaw::ForgetDue, AtLeastOnce, &["never-early"][..]),
        (Flaw::FlowBeforeRebuilt, AtLeastOnce, &["key-order"][..]),
        (Flaw::NeverPause, AtLeastOnce, &["bounded"][..]),
        (Flaw::DropExhausted, AtLeastOnce, &["commit-safe"][..]),
        (Flaw::NoRewind, ExactlyOnce, &["commit-safe"][..]),
        // The commit in doubt happens after all, before its records have run again or after.
        (
            Flaw::AbortInDoubt,
            ExactlyOnce,
            &["exactly-once", "saved-completions"][..],
        ),
        (Flaw::MarkEarly, AtLeastOnce, &["nothing-lost"][..]),
        (Flaw::CommitLost, AtLeastOnce, &["lost-commits-nothing"][..]),
        (Flaw::CommitLost, ExactlyOnce, &["lost-commits-nothing"][..]),
    ];
    for (flaw, mode, invariants) in cases {
        let mut others: BTreeMap<&str, u64> = BTreeMap::new();
        let caught = (0..SEEDS)
            .filter_map(|seed| run(mode, seed, Some(flaw)).err())
            .any(|violation| {
                *others.entry(violation.invariant).or_default() += 1;
                invariants.contains(&violation.invariant)
            });
        assert!(
            caught,
            "{flaw:?}, {mode:?}: {invariants:?} held in all {SEEDS} seeds; others did not: {others:?}"
        );
    }
}

#[test]
fn a_seed_is_a_run() {
    for mode in [Mode::AtLeastOnce, Mode::ExactlyOnce] {
        assert_eq!(run(mode, 7, None).unwrap(), run(mode, 7, None).unwrap());
    }
}
