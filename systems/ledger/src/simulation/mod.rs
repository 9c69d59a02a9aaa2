//! The whole bank under a seeded schedule: clients that repeat, a log that fences, and a crash, an abort, a zombie or a
//! lost answer at every step.
//!
//! What is proven both ways: without a defect nothing breaks in any of the seeds; each planted defect is caught.

mod log;
mod oracle;
mod world;

use std::collections::BTreeMap;

use crate::flaw::{self, Flaw};
use world::World;

const SEEDS: u64 = 24;
const STEPS: usize = 800;

fn run(seed: u64, flaw: Option<Flaw>) -> Result<BTreeMap<&'static str, u64>, String> {
    flaw::with(flaw, || World::new(seed).run(STEPS))
}

#[test]
fn money_is_conserved_whatever_happens_when() {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..SEEDS {
        let counts = run(seed, None).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        for (name, count) in counts {
            *seen.entry(name).or_default() += count;
        }
    }
    // A simulation that never comes to the hard parts proves nothing.
    for name in [
        "aborted",
        "answer lost",
        "commit unknown",
        "conflict",
        "crash",
        "declined",
        "fenced",
        "leg again",
        "received",
        "refused",
        "repeated",
        "reversed",
        "takeover",
    ] {
        assert!(
            seen.get(name).is_some_and(|count| *count >= 20),
            "too little of {name}: {seen:?}"
        );
    }
}

#[test]
fn every_planted_defect_is_caught() {
    for (flaw, said) in [
        (Flaw::Overdraft, "says a balance of"),
        (Flaw::ForgetRequests, "carried out twice"),
        (Flaw::ReceiveAgain, "can't follow in a transfer"),
        (Flaw::SettleAgain, "can't follow in a transfer"),
        (Flaw::NoCompensation, "can't follow in a transfer"),
        (Flaw::IgnoreExpected, "expected version"),
        (Flaw::SkipSequence, "was due"),
        (Flaw::KeepAborted, "was due"),
        (Flaw::AnswerEarly, "was told"),
        (Flaw::DeclineInSilence, "never ended"),
    ] {
        let mut broken: Vec<String> = Vec::new();
        for seed in 0..SEEDS {
            broken.extend(run(seed, Some(flaw)).err());
            if broken.last().is_some_and(|text| text.contains(said)) {
                break;
            }
        }
        assert!(
            broken.last().is_some_and(|text| text.contains(said)),
            "{flaw:?} is caught as {broken:?}"
        );
    }
}
