//! SIGKILL of the dev broker at random moments while everything runs at once, and what must be true afterwards.
//!
//! ```text
//!  start ─▶ settle ─▶ check ─▶ work, all at once ─▶ SIGKILL ─▶ start …   a new set of topics every few rounds
//! ```
//! Each kind of work knows what it was promised: a [`worker::Worker`] keeps its own books from the answers that it
//! got, and compares them with what the broker shows after each restart. Requests are raw frames, so that nothing
//! retries or hides an answer.
//!
//! `HIGHWATER_CRASH_ROUNDS` sets the number of rounds, `HIGHWATER_CRASH_SEED` the moments and the choices.

mod broker;
mod client;
mod compacted;
mod deleter;
mod group;
mod plain;
mod read;
mod rounds;
mod transactions;
mod worker;

use std::env;
use std::time::{Duration, Instant};

use rounds::{Outcome, Plan, run};

/// Rounds of an ordinary run of the tests; `cargo xtask soak crash` asks for a thousand.
const ROUNDS: usize = 100;
/// Rounds of a run that has a planted defect to find.
const ROUNDS_TO_FIND_A_DEFECT: usize = 20;
/// After a crash the broker is ready within this for each GB of its data, and what a start may take on a busy
/// machine. How long it takes on a quiet one is a matter of `cargo xtask bench broker`.
const RECOVERY_PER_GB: Duration = Duration::from_secs(1);
const START: Duration = Duration::from_secs(5);

fn number(variable: &str, otherwise: u64) -> u64 {
    env::var(variable).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is not a number: {text}"))
    })
}

fn plan(rounds: usize) -> Plan {
    Plan {
        seed: number("HIGHWATER_CRASH_SEED", 1),
        rounds,
        bugs: Vec::new(),
    }
}

fn tell(outcome: &Outcome, took: Duration) {
    println!("{outcome}\n{:.0} s", took.as_secs_f64());
}

#[test]
fn kills_at_random_moments_lose_nothing() {
    let began = Instant::now();
    let rounds = usize::try_from(number("HIGHWATER_CRASH_ROUNDS", ROUNDS as u64)).expect("a sensible number");
    let outcome = run(&plan(rounds));
    tell(&outcome, began.elapsed());
    assert!(outcome.findings.is_empty(), "{outcome}");
    assert_eq!(outcome.rounds, rounds);
    for (what, count) in &outcome.done {
        assert!(*count > 0, "nothing done: {what}\n{outcome}");
    }
    let allowed = START + RECOVERY_PER_GB.mul_f64(outcome.largest_data_bytes as f64 / 1e9);
    assert!(outcome.slowest_start < allowed, "{outcome}");
}

#[test]
fn the_same_rounds_find_a_planted_defect() {
    for (bug, words) in DEFECTS {
        let outcome = run(&Plan {
            bugs: vec![(*bug).to_owned()],
            ..plan(ROUNDS_TO_FIND_A_DEFECT)
        });
        println!("{bug}: {outcome}");
        assert!(
            outcome
                .findings
                .iter()
                .any(|finding| words.iter().any(|word| finding.contains(word))),
            "{bug} was not found: {outcome}"
        );
    }
}

/// Each with the words of which a finding about it must contain one.
const DEFECTS: &[(&str, &[&str])] = &[
    ("forget-last-batch-on-restart", &["lost"]),
    ("ack-before-append", &["lost"]),
    ("reassign-offsets-on-restart", &["lost"]),
    ("ignore-sequences", &["twice"]),
    ("compaction-keeps-older", &["lost"]),
    ("serve-aborted-batches", &["aborted and is visible"]),
    ("marker-in-one-partition-only", &["transaction"]),
    // Whose transaction was ended is told so with its next batch, or finds out when it reads.
    ("end-transaction-of-another", &["transaction", "InvalidTxnState"]),
];
