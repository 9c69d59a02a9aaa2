//! Applications that the linter can say nothing about.

use std::path::Path;
use std::process::Command;

use super::lint;
use crate::arm::Arm;
use crate::children::run;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn an_application_that_never_connects_or_dies_is_a_clear_error() {
    let arm = Arm::dev();
    for (script, code, words) in [
        ("echo over and out", 5, "never connected to the proxy"),
        ("echo no such database >&2; exit 7", 4, "ended with exit code 7"),
    ] {
        let said = lint(&arm, &[], &shell(script));
        assert_eq!(said.status.code(), Some(code), "{}", said.story());
        assert!(said.errors.contains(words), "{}", said.story());
        let quoted = if code == 4 {
            "no such database"
        } else {
            "over and out"
        };
        assert!(said.errors.contains(quoted), "{}", said.story());
    }
    let said = lint(&arm, &[], &Command::new("./no-such-program"));
    assert_eq!(said.status.code(), Some(2), "{}", said.story());
}

#[test]
fn an_application_that_talks_past_the_proxy_is_noticed() {
    let arm = Arm::dev();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/lint/past.py");
    let mut application = Command::new("python3");
    application.arg(source).arg(arm.bootstrap());
    let said = lint(&arm, &["--for", "5s"], &application);
    assert_eq!(said.status.code(), Some(5), "{}", said.story());
    assert!(said.errors.contains("past the proxy"), "{}", said.story());
}

#[test]
fn files_that_are_no_history_are_refused() {
    let dir = tempfile::TempDir::new().expect("a temporary folder");
    let file = dir.path().join("x.history");
    std::fs::write(&file, "hello").expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    command.args(["lint", "--from"]).arg(&file);
    let said = run(&command, "");
    assert_eq!(said.status.code(), Some(2), "{}", said.story());
    assert!(said.errors.contains("not a history"), "{}", said.story());
}

#[test]
fn all_findings_are_listed() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    command.args(["lint", "--list"]);
    let said = run(&command, "").well();
    for name in ["acks-none", "commit-before-output", "unstable-offsets"] {
        assert!(said.contains(name), "{said}");
    }
}
