//! Stored runs: complete, interrupted at any moment, damaged.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

mod samples;
mod streams;

use std::fs;
use std::path::Path;

use highwater_model::{Event, Verdict};
use highwater_report::{EVENTS_FILE, Format, ReportError, Style, read_run, render, write_all};
use samples::{S, outcomes};

fn lines(events: &[Event]) -> String {
    events
        .iter()
        .map(|event| serde_json::to_string(event).unwrap() + "\n")
        .collect()
}

fn store(dir: &Path, text: &str) {
    fs::write(dir.join(EVENTS_FILE), text).unwrap();
}

#[test]
fn a_complete_stream_gives_its_report() {
    let dir = tempfile::tempdir().unwrap();
    for (name, report) in outcomes::all() {
        store(dir.path(), &lines(&streams::of(&report, u64::MAX).events));
        assert_eq!(read_run(dir.path()).unwrap(), report, "{name}");
    }
}

#[test]
fn an_interrupted_run_says_how_far_it_came() {
    let dir = tempfile::tempdir().unwrap();
    for (name, until_ns) in [
        ("in-the-fault", 15_900_000_000),
        ("in-recovery", 17 * S),
        ("before-load", 200_000_000),
    ] {
        store(
            dir.path(),
            &lines(&streams::of(&outcomes::holds(), until_ns).events),
        );
        let report = read_run(dir.path()).unwrap();
        assert!(!report.complete, "{name}");
        assert_eq!(report.verdict, Verdict::Inconclusive, "{name}");
        let account = &report.scenarios[0].records;
        assert_eq!(
            account.attempted,
            account.acknowledged + account.failed + account.unknown,
            "{name}"
        );
        assert!(!account.read_back, "{name}");
        let text = render(Format::Terminal, &report, &Style::default()).unwrap();
        assert!(
            text.starts_with("INCONCLUSIVE  incomplete: the run ended"),
            "{text}"
        );
        insta::assert_snapshot!(format!("interrupted-{name}"), text);
        // A table of figures has no place for it: the verdict of each row says that nothing was judged.
        for format in Format::ALL.into_iter().filter(|format| *format != Format::Csv) {
            let text = render(format, &report, &Style::default()).unwrap();
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                text.contains("after the start"),
                "{name} as {format} doesn't say how far it came"
            );
        }
    }
}

#[test]
fn a_finished_scenario_keeps_its_verdict_in_an_interrupted_run() {
    let dir = tempfile::tempdir().unwrap();
    let mut stream = streams::of(&outcomes::violated(), u64::MAX);
    stream.events.pop();
    store(dir.path(), &lines(&stream.events));
    let report = read_run(dir.path()).unwrap();
    assert_eq!((report.verdict, report.complete), (Verdict::Violated, false));
    assert_eq!(
        report.stopped_at.as_deref(),
        Some("after broker-restart had finished, 33.1 s after the start")
    );
}

#[test]
fn a_stream_torn_at_any_byte_of_its_last_line_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let events = streams::of(&outcomes::holds(), 2 * S).events;
    let whole = lines(&events);
    let last = lines(&events[events.len() - 1..]).len();
    for torn_at in whole.len() - last + 1..whole.len() - 1 {
        store(dir.path(), &whole[..torn_at]);
        let report = read_run(dir.path()).unwrap();
        let stopped_at = report.stopped_at.unwrap();
        let line = format!("line {} of events.jsonl is torn", events.len());
        assert!(stopped_at.contains(&line), "torn at {torn_at}: {stopped_at}");
    }
}

#[test]
fn damage_is_named_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let events = streams::of(&outcomes::holds(), S).events;
    let mut gap = events.clone();
    gap.remove(3);
    let mut backwards = events.clone();
    backwards[4].at_ns = 1;
    let whole = lines(&events);
    let garbage = whole.replacen("\n", "\n{\"event\":\"nonsense\"}\n", 2);
    let after_the_end = {
        let mut stream = streams::of(&outcomes::holds(), u64::MAX);
        let last = stream.events[1].clone();
        let at_ns = stream.events[stream.events.len() - 1].at_ns;
        stream.push(at_ns, last.body);
        lines(&stream.events)
    };
    for (name, text, expected) in [
        ("gap", lines(&gap), "events.jsonl:4: event 4 where 3 was expected"),
        (
            "backwards",
            lines(&backwards),
            "events.jsonl:5: an event at 0.000 s after one at",
        ),
        (
            "no start",
            lines(&[Event {
                sequence: 0,
                ..events[1].clone()
            }]),
            "events.jsonl:1: `run-started` must be",
        ),
        ("garbage", garbage, "events.jsonl:2: not an event"),
        ("after the end", after_the_end, "an event after `run-finished`"),
        ("empty", String::new(), "holds no complete event"),
        (
            "torn first line",
            whole[..20].to_owned(),
            "holds no complete event",
        ),
    ] {
        store(dir.path(), &text);
        let error = read_run(dir.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
}

#[test]
fn a_directory_without_a_run_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = read_run(dir.path()).unwrap_err();
    assert!(matches!(error, ReportError::NotARun { .. }));
    assert!(error.to_string().contains(&dir.path().display().to_string()));
}

#[test]
fn files_are_written_whole_and_nothing_else_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let report = outcomes::violated();
    let paths = write_all(dir.path(), &report, &[]).unwrap();
    let again = write_all(dir.path(), &report, &[]).unwrap();
    assert_eq!(paths, again);
    let mut names: Vec<String> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "figures.csv",
            "junit.xml",
            "report.html",
            "report.json",
            "report.md",
            "resources.csv",
            "timeline.csv"
        ]
    );
    let missing = dir.path().join("nowhere");
    let error = write_all(&missing, &report, &[]).unwrap_err();
    assert!(error.to_string().contains("report.html"), "{error}");
}
