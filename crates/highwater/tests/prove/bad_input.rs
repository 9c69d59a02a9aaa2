//! Pipelines and arguments that can't be judged, each told apart in a sentence.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use tempfile::TempDir;

use crate::support::{command, example, program};
use crate::trial::{Ended, HOLDS, INCONCLUSIVE, Trial, USAGE};

#[track_caller]
fn told(defect: &str, code: i32, sentence: &str) -> Ended {
    let ended = Trial::of("exactly-once", &["--defect", defect])
        .faults(&["lost-produce-answers"])
        .budget("16s")
        .ends(code);
    assert!(ended.said.contains(sentence), "{sentence}\n{}", ended.said);
    ended
}

#[test]
fn one_that_exits_at_once() {
    let ended = told("exits-at-once", INCONCLUSIVE, "in a row without getting on");
    assert!(ended.said.contains("exit code 1"), "{}", ended.said);
    assert!(
        ended.said.contains("the last lines that it wrote"),
        "{}",
        ended.said
    );
}

#[test]
fn one_that_never_joins() {
    told(
        "never-joins",
        INCONCLUSIVE,
        "never joined a group nor read orders",
    );
}

#[test]
fn one_that_never_produces() {
    told("never-produces", INCONCLUSIVE, "wrote nothing to invoices");
}

#[test]
fn one_that_reads_another_topic() {
    let ended = told(
        "reads-another-topic",
        INCONCLUSIVE,
        "never joined a group nor read orders",
    );
    assert!(
        ended.said.contains("orders-other"),
        "its own words: {}",
        ended.said
    );
}

#[test]
fn one_that_talks_past_the_proxy() {
    let data = TempDir::new().expect("a folder");
    let mut broker = program()
        .args(["broker", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a broker");
    let mut first = String::new();
    let stdout = broker.stdout.as_mut().expect("piped");
    BufReader::new(stdout).read_line(&mut first).expect("a line");
    let address = first
        .trim()
        .strip_prefix("ready ")
        .expect("its address")
        .to_owned();
    let target = format!("bootstrap:{address}");
    let ended = Trial::of(
        "exactly-once",
        &["--defect", "bypasses-proxy", "--direct", &address],
    )
    .faults(&["lost-commit-answers"])
    .target(&target)
    .budget("40s")
    .run();
    let _ = broker.kill();
    let _ = broker.wait();
    assert_eq!(ended.code, INCONCLUSIVE, "{}", ended.said);
    assert!(ended.said.contains("past the proxy"), "{}", ended.said);
}

#[test]
fn one_that_ignores_sigterm_is_killed_and_named() {
    let ended = told("ignores-sigterm", HOLDS, "it was killed");
    assert!(ended.said.contains("after SIGTERM"), "{}", ended.said);
}

#[test]
fn one_that_prints_without_end_fills_no_disk() {
    let ended = Trial::of("exactly-once", &["--defect", "prints-gigabytes"])
        .faults(&["lost-produce-answers"])
        .budget("30s")
        .ends(HOLDS);
    let log = std::fs::metadata(ended.directory.path().join("out/pipeline-1.log")).expect("a log");
    assert!(log.len() < 256 << 20, "{} bytes", log.len());
    assert!(
        ended.said.contains("older lines were thrown away"),
        "{}",
        ended.said
    );
}

#[test]
fn arguments_are_refused_before_anything_starts() {
    let copy = example("copy").display().to_string();
    let refused = |arguments: &[&str], sentence: &str| {
        let all = [&["prove"], arguments, &["--", &copy]].concat();
        let (code, _, stderr) = command(&all);
        assert_eq!(code, USAGE, "{arguments:?}\n{stderr}");
        assert!(stderr.contains(sentence), "{sentence}\n{stderr}");
    };
    let topics = ["--input", "a", "--output", "b"];
    refused(
        &["--contract", "exactly-onse", "--input", "a", "--output", "b"],
        "did you mean `exactly-once`?",
    );
    refused(
        &["--contract", "at-least-once", "--input", "a", "--output", "a"],
        "is input and output",
    );
    refused(
        &[&["--contract", "no-acknowledged-loss"][..], &topics].concat(),
        "a promise of a cluster",
    );
    refused(
        &[
            &["--contract", "at-least-once", "--faults", "nowhere.toml"][..],
            &topics,
        ]
        .concat(),
        "nowhere.toml",
    );
    refused(
        &[
            &["--contract", "at-least-once", "--lineage", "heade:x"][..],
            &topics,
        ]
        .concat(),
        "lineage",
    );
    refused(
        &[
            &[
                "--contract",
                "at-least-once",
                "--target",
                "kafka",
                "--bug",
                "ignore-sequences",
            ][..],
            &topics,
        ]
        .concat(),
        "dev broker only",
    );
}

#[test]
fn a_program_that_is_not_there() {
    let (code, _, stderr) = command(&[
        "prove",
        "--quiet",
        "--contract",
        "at-least-once",
        "--input",
        "a",
        "--output",
        "b",
        "--out",
        tempfile::tempdir()
            .expect("a folder")
            .path()
            .join("x")
            .to_str()
            .expect("a path"),
        "--",
        "./no-such-program",
    ]);
    assert_eq!(code, USAGE, "{stderr}");
    assert!(
        stderr.contains("can't start ./no-such-program: no such program"),
        "{stderr}"
    );
}
