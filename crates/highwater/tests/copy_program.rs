//! The copy application on its own: what it says to who starts it, and that it ends when it is asked to.

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{example, terminated};

const DEFECTS: [&str; 21] = [
    "commit-before-processing",
    "auto-commit-with-workers",
    "no-idempotence",
    "read-uncommitted",
    "random-transactional-id",
    "offsets-without-group-metadata",
    "offsets-outside-transaction",
    "no-rewind-after-abort",
    "abort-after-commit-timeout",
    "not-idempotent-sink",
    "drop-some",
    "moves-keys",
    "reorders",
    "invents",
    "exits-at-once",
    "never-joins",
    "never-produces",
    "reads-another-topic",
    "bypasses-proxy",
    "ignores-sigterm",
    "prints-gigabytes",
];

fn copy(arguments: &[&str]) -> Command {
    let mut command = Command::new(example("copy"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["BOOTSTRAP_SERVERS", "HIGHWATER_BOOTSTRAP", "HIGHWATER_INSTANCE"] {
        command.env_remove(name);
    }
    command
}

/// Exit code and standard error.
fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let output = copy(arguments).output().expect("it runs");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn help_names_every_defect_and_what_shows_it() {
    let help = copy(&["--help"]).output().expect("it runs").stdout;
    let help = String::from_utf8_lossy(&help);
    let named: Vec<&str> = help
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix("-once)")?.split_once(" ("))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(named, DEFECTS);
    // Those that need a fault.
    assert_eq!(help.matches("shows with: ").count(), 10, "{help}");
}

#[test]
fn what_is_missing_is_said() {
    let topics = ["--input", "a", "--output", "b"];
    let with = |more: &[&'static str]| said(&[&topics, more].concat());
    for (got, expected) in [
        (
            with(&[]),
            "no brokers: give --bootstrap HOST:PORT, or set BOOTSTRAP_SERVERS",
        ),
        (with(&["--defect", "drop-sum"]), "'drop-some'"),
        (
            with(&["--bootstrap", "x", "--defect", "bypasses-proxy"]),
            "--direct <HOST:PORT>",
        ),
        (with(&["--set", "x"]), "expected NAME=VALUE"),
        (said(&["--input", "a"]), "--output <TOPIC>"),
    ] {
        assert_eq!(got.0, Some(2), "{}", got.1);
        assert!(got.1.contains(expected), "{expected}: {}", got.1);
    }
}

#[test]
fn it_ends_when_asked_to_though_no_broker_answers() {
    // Nobody listens at the port of a listener that is gone.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    for guarantee in ["exactly-once", "at-least-once", "at-most-once"] {
        let address = free.to_string();
        let mut child = copy(&[
            "--input",
            "a",
            "--output",
            "b",
            "--bootstrap",
            &address,
            "--guarantee",
            guarantee,
        ])
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
        // It says what it does when it listens to signals.
        let mut errors = std::io::BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        std::io::BufRead::read_line(&mut errors, &mut line).expect("a line");
        assert!(line.contains("reads a, writes b"), "{line}");
        let status = terminated(&mut child, Duration::from_secs(20));
        assert!(status.success(), "{guarantee}: {status}");
    }
    let start = Instant::now();
    assert_eq!(
        said(&[
            "--input",
            "a",
            "--output",
            "b",
            "--bootstrap",
            "x",
            "--defect",
            "exits-at-once"
        ])
        .0,
        Some(1)
    );
    assert!(start.elapsed() < Duration::from_secs(10));
}
