//! The Java client: Kafka's own programs, and Kafka Streams.

use std::process::Command;

use super::{lint, names, report};
use crate::arm::Arm;
use crate::children::run;
use crate::{java, jvm, kcat};

fn performance(topic: &str, more: &[&str]) -> Command {
    let mut command = jvm::java(&[]);
    command.args([
        "org.apache.kafka.tools.ProducerPerformance",
        "--bootstrap-server",
        "{bootstrap}",
        "--topic",
        topic,
        "--num-records",
        "2000",
        "--record-size",
        "200",
        "--throughput",
        "-1",
    ]);
    command.args(more);
    command
}

fn writers(arm: &mut Arm) {
    java::topic(arm, "lint-java-w", 1);
    let props = |settings: &[&'static str]| [&["--command-property"], settings].concat();
    for (more, expected) in [
        (vec![], vec![]),
        (props(&["acks=1"]), vec!["acks-leader", "not-idempotent"]),
        (props(&["acks=0"]), vec!["acks-none"]),
        (props(&["enable.idempotence=false"]), vec!["not-idempotent"]),
        (vec!["--transactional-id", "lint-java-w"], vec![]),
    ] {
        let mut found = names(&lint(arm, &[], &performance("lint-java-w", &more)));
        // How many requests are in flight is up to the clock.
        found.retain(|name| name != "reorder-in-flight");
        assert_eq!(found, expected, "{more:?}");
    }
}

fn exactly_once_streams_have_no_finding(arm: &mut Arm) {
    java::topic(arm, "streams-in", 2);
    java::topic(arm, "streams-out", 2);
    let lines: String = (0..200).map(|line| format!("one two three \t{line}\n")).collect();
    run(&kcat::command(arm, &["-P", "-t", "streams-in"]), &lines).well();
    let state = tempfile::TempDir::new().expect("a temporary folder");
    let said = lint(
        arm,
        &["--restart", "--level", "note"],
        &java::streams::word_count("{bootstrap}", state.path()),
    );
    assert!(names(&said).is_empty(), "{}", said.story());
    let report = report(&said);
    assert_eq!(
        report.guarantee,
        "guarantees at most: exactly-once; nothing was seen that speaks against it",
        "{}",
        said.story()
    );
    for good in [
        "acks=all",
        "idempotent",
        "read_committed",
        "transactions version 2",
    ] {
        assert!(
            report.good.iter().any(|seen| seen == good),
            "{good}: {:?}",
            report.good
        );
    }
}

on_both!(writers);

mod streams_on_the_dev_broker {
    #[test]
    fn exactly_once_streams_have_no_finding() {
        super::exactly_once_streams_have_no_finding(&mut crate::arm::Arm::dev());
    }
}

mod streams_on_apache_kafka {
    /// Its own: the other test with Kafka Streams uses the same topics.
    #[test]
    fn exactly_once_streams_have_no_finding() {
        super::exactly_once_streams_have_no_finding(&mut crate::arm::Arm::own_kafka());
    }
}
