//! Pipelines that nobody here wrote, or that are written as the documentation of their library has it, under
//! `highwater prove`: verdicts as they must be, on the dev broker and on Apache Kafka.
//!
//! A few faults each, so that it stays quick; the whole set of faults, and what was seen, is in
//! `docs/foreign-pipelines.md`. Nothing is skipped: `./test` installs what is missing.

#[path = "../support/mod.rs"]
mod support;

mod pipelines;
mod proving;

use pipelines::{connect, java_copy, python, streams};
use proving::Proof;

const HOLDS: i32 = 0;
const VIOLATED: i32 = 1;

/// What breaks transactions: a kill in the middle, a lost answer to their end, a broker that is killed.
const TRANSACTIONS: &[&str] = &["kill-before-end", "lost-end-answer", "broker-kill"];
/// What a worker that can't be run twice at a time goes through without a second one.
const OUTAGES: &[&str] = &["broker-kill", "lost-produce-answers", "black-hole"];
/// What makes a pipeline without transactions process again, or lose.
const COMMITS: &[&str] = &["kill-outputs-ahead", "kill-commits-ahead", "broker-kill"];

/// Two tests of each body: on the dev broker and on Apache Kafka.
macro_rules! on_both {
    ($($body:ident),+ $(,)?) => {
        mod on_the_dev_broker {
            $(#[test] fn $body() { super::$body("dev"); })+
        }
        mod on_apache_kafka {
            $(#[test] fn $body() { super::$body("kafka"); })+
        }
    };
}

fn exactly_once_streams_hold(target: &str) {
    Proof::of("exactly-once", target, TRANSACTIONS).ends(&streams("exactly_once_v2"), HOLDS);
}

fn a_java_consumer_and_producer_hold(target: &str) {
    Proof::of("exactly-once", target, TRANSACTIONS).ends(&java_copy(), HOLDS);
}

/// The same application keeps one promise and not the other.
fn at_least_once_streams_hold_at_least_once() {
    Proof::of("at-least-once", "dev", COMMITS).ends(&streams("at_least_once"), HOLDS);
}

fn at_least_once_streams_are_not_exactly_once() {
    let said =
        Proof::of("exactly-once", "dev", &["kill-outputs-ahead"]).ends(&streams("at_least_once"), VIOLATED);
    assert!(said.contains("pipeline-duplicate"), "{said}");
}

fn python_holds_at_least_once() {
    Proof::of("at-least-once", "dev", COMMITS).ends(&python("at-least-once"), HOLDS);
}

fn python_with_auto_commit_loses() {
    let said =
        Proof::of("at-least-once", "dev", &["kill-commits-ahead"]).ends(&python("auto-commit"), VIOLATED);
    assert!(said.contains("pipeline-loss"), "{said}");
}

/// Lines of a file: keys, headers and partitions do not come out, and what is left is found in the value.
fn connectors_for_files_hold_at_least_once() {
    let mut proof = Proof::of("at-least-once", "dev", OUTAGES);
    proof.more = vec!["--value", "{\"id\":\"{id}\"}", "--lineage", "json:/id"];
    proof.ends(&connect(), HOLDS);
}

on_both!(exactly_once_streams_hold, a_java_consumer_and_producer_hold);

mod alone {
    #[test]
    fn at_least_once_streams_hold_at_least_once() {
        super::at_least_once_streams_hold_at_least_once();
    }

    #[test]
    fn at_least_once_streams_are_not_exactly_once() {
        super::at_least_once_streams_are_not_exactly_once();
    }

    #[test]
    fn python_holds_at_least_once() {
        super::python_holds_at_least_once();
    }

    #[test]
    fn python_with_auto_commit_loses() {
        super::python_with_auto_commit_loses();
    }

    #[test]
    fn connectors_for_files_hold_at_least_once() {
        super::connectors_for_files_hold_at_least_once();
    }
}
