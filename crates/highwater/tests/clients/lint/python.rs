//! kafka-python.

use std::path::Path;
use std::process::Command;

use super::{lint, names, report};
use crate::arm::Arm;
use crate::children::tool;

fn pipeline(arguments: &str) -> Command {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/lint/pipeline.py");
    let mut command = Command::new(tool("kafka-python-3.0.12/bin/python"));
    command.arg(source).args(arguments.split_whitespace());
    command
}

#[track_caller]
fn found(arm: &Arm, arguments: &str) -> Vec<String> {
    names(&lint(arm, &[], &pipeline(arguments)))
}

fn writers(arm: &mut Arm) {
    for (arguments, expected) in [
        ("write topic=lint-py-w", vec![]),
        ("write topic=lint-py-w acks=0 idempotent=no", vec!["acks-none"]),
        (
            "write topic=lint-py-w acks=1 idempotent=no",
            vec!["acks-leader", "not-idempotent"],
        ),
        ("write topic=lint-py-w idempotent=no", vec!["not-idempotent"]),
    ] {
        assert_eq!(found(arm, arguments), expected, "{arguments}");
    }
}

fn the_words_are_those_of_the_library(arm: &mut Arm) {
    let said = lint(
        arm,
        &[],
        &pipeline("write topic=lint-py-words acks=1 idempotent=no"),
    );
    let report = report(&said);
    assert_eq!(
        report.clients[0].library.as_deref(),
        Some("kafka-python"),
        "{:?}",
        report.clients
    );
    assert_eq!(report.findings[0].setting, "acks='all'");
}

fn commits_and_outputs(arm: &mut Arm) {
    found(arm, "write topic=lint-py-c");
    let first = found(arm, "copy topic=lint-py-c group=lint-py-first commit=first");
    assert_eq!(first, ["commit-before-output"]);
    let said = lint(
        arm,
        &[],
        &pipeline("copy topic=lint-py-c group=lint-py-last commit=last"),
    );
    assert!(names(&said).is_empty(), "{}", said.story());
    let good = report(&said).good;
    assert!(
        good.iter().any(|good| good.starts_with("commits after")),
        "{good:?}"
    );
}

fn readers_of_transactions(arm: &mut Arm) {
    found(arm, "transact topic=lint-py-t");
    for (isolation, expected) in [("read_committed", false), ("read_uncommitted", true)] {
        let arguments =
            format!("read topic=lint-py-t count=3 group=lint-py-{isolation} isolation={isolation}");
        let names = found(arm, &arguments);
        assert_eq!(
            names.contains(&"read-uncommitted".to_owned()),
            expected,
            "{names:?}"
        );
    }
}

fn transactional_ids_over_a_restart(arm: &mut Arm) {
    for (id, expected) in [("lint-py-fixed", false), ("random", true)] {
        let said = lint(
            arm,
            &["--restart"],
            &pipeline(&format!("transact topic=lint-py-id id={id}")),
        );
        let names = names(&said);
        assert_eq!(
            names.contains(&"changing-transactional-id".to_owned()),
            expected,
            "{names:?}"
        );
    }
}

fn commits_by_the_clock_and_by_nobody(arm: &mut Arm) {
    let auto = found(arm, "auto topic=lint-py-auto");
    assert!(auto.contains(&"auto-commit".to_owned()), "{auto:?}");
    let assigned = found(arm, "assign topic=lint-py-auto");
    assert!(
        assigned.contains(&"commit-without-member".to_owned()),
        "{assigned:?}"
    );
}

on_both!(
    writers,
    the_words_are_those_of_the_library,
    commits_and_outputs,
    readers_of_transactions,
    transactional_ids_over_a_restart,
    commits_by_the_clock_and_by_nobody,
);
