//! `highwater lint`: real applications with a bad setting, in which it is found, and with the good one, in which it
//! is not.

mod java;
mod python;
mod refused;

use std::process::Command;

use highwater_model::LintReport;

use crate::arm::Arm;
use crate::children::{Said, run};

/// Runs an application under the linter against a broker.
#[track_caller]
fn lint(arm: &Arm, more: &[&str], application: &Command) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    command
        .args(["lint", "--format", "json", "--idle", "3s", "--target"])
        .arg(format!("bootstrap:{}", arm.bootstrap()))
        .args(if more.contains(&"--for") {
            &[]
        } else {
            ["--for", "45s"].as_slice()
        })
        .args(more)
        .arg("--")
        .arg(application.get_program())
        .args(application.get_args());
    run(&command, "")
}

/// The report, which must be there.
#[track_caller]
fn report(said: &Said) -> LintReport {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.story()))
}

/// Names of the findings; the exit code must agree with them.
#[track_caller]
fn names(said: &Said) -> Vec<String> {
    let report = report(said);
    let broken = report.has_at_least(highwater_model::LintLevel::Warning);
    assert_eq!(said.status.code(), Some(i32::from(broken)), "{}", said.story());
    report.findings.into_iter().map(|finding| finding.name).collect()
}
