//! `highwater history`: files that the test writes, read by the real program.

#[path = "../../highwater-report/tests/histories/mod.rs"]
mod histories;
mod support;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use highwater_model::history::{Encoder, HistoryEvent};
use support::{command, program};
use tempfile::TempDir;

fn file(directory: &Path, events: &[HistoryEvent]) -> PathBuf {
    let mut encoder = Encoder::new();
    let mut bytes = Encoder::header().to_vec();
    for event in events {
        encoder.encode(event, &mut bytes);
    }
    let path = directory.join("run.hwh");
    fs::write(&path, bytes).expect("written");
    path
}

fn sample() -> (TempDir, String) {
    let directory = TempDir::new().expect("a temporary directory");
    let path = file(directory.path(), &histories::sample());
    let path = path.to_str().expect("UTF-8").to_owned();
    (directory, path)
}

#[test]
fn a_history_is_shown_in_every_form() {
    let (_directory, path) = sample();
    for (name, arguments, wanted) in [
        (
            "table",
            vec![],
            vec!["lost-ack fired", "NOT_LEADER_OR_FOLLOWER", "(4711) killed"],
        ),
        (
            "producer",
            vec!["--producer", "etl-1"],
            vec!["InitProducerId", "commit etl-1"],
        ),
        ("api", vec!["--api", "endtxn"], vec!["EndTxn v5"]),
        (
            "sequence",
            vec!["--format", "sequence"],
            vec!["node 1", "├─ Produce", "discarded by lost-ack ✗"],
        ),
        (
            "svg",
            vec!["--format", "svg", "--around", "lost-ack:1"],
            vec!["<svg ", "discarded by lost-ack", "</svg>"],
        ),
        (
            "json",
            vec!["--format", "json", "--around", "lost-ack:1", "--context", "0"],
            vec!["\"change\":\"fired\""],
        ),
    ] {
        let (code, stdout, stderr) = command(&[&["history", "show", &path][..], &arguments].concat());
        assert_eq!(code, 0, "{name}: {stderr}");
        for text in wanted {
            assert!(stdout.contains(text), "{name}: no {text:?} in {stdout}");
        }
        assert!(!stdout.contains('\u{1b}'), "{name}: colour in a pipe");
    }
}

#[test]
fn an_export_is_shown_as_the_history_is() {
    let (directory, path) = sample();
    let export = directory.path().join("run.jsonl");
    let export = export.to_str().expect("UTF-8");
    assert_eq!(command(&["history", "export", &path, "-o", export]).0, 0);
    let (code, lines, _) = command(&["history", "export", &path]);
    assert_eq!((code, lines), (0, fs::read_to_string(export).expect("written")));
    assert_eq!(
        command(&["history", "show", export]).1,
        command(&["history", "show", &path]).1
    );
    let (code, _, stderr) = command(&["history", "export", &path, "-o", export]);
    assert!(
        code == 2 && stderr.contains("nothing is overwritten"),
        "{code} {stderr}"
    );
}

#[test]
fn a_history_is_summed_up() {
    let (_directory, path) = sample();
    let (code, stdout, stderr) = command(&["history", "info", &path]);
    assert_eq!(code, 0, "{stderr}");
    for text in [
        "librdkafka 2.12.1",
        "Produce v13",
        "lost-ack",
        "complete",
        "a client can pass the proxy",
    ] {
        assert!(stdout.contains(text), "no {text:?} in {stdout}");
    }
}

#[test]
fn what_is_good_is_shown_and_then_what_is_wrong() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = file(directory.path(), &histories::sample());
    let whole = fs::read(&path).expect("read");
    let name = path.to_str().expect("UTF-8");
    let mut version = whole.clone();
    version[8] = 9;
    let mut damaged = whole.clone();
    let middle = whole.len() * 3 / 4;
    damaged[middle] ^= 0x10;
    for (case, bytes, shown, wanted) in [
        (
            "cut",
            &whole[..whole.len() - 3],
            true,
            "the history is cut off: good up to event 34 at 2.300 s",
        ),
        (
            "damaged",
            &damaged[..],
            true,
            "the history is damaged: good up to event",
        ),
        (
            "another version",
            &version[..],
            false,
            "format version 9; this highwater reads version 1",
        ),
        ("text", b"time,offset\n1,2\n", false, "it starts with the text"),
        ("nothing", b"", false, "it is empty"),
    ] {
        fs::write(&path, bytes).expect("written");
        for subcommand in ["show", "info", "export"] {
            let (code, stdout, stderr) = command(&["history", subcommand, name]);
            assert_eq!(code, 2, "{case} {subcommand}: {stderr}");
            assert!(stderr.contains(wanted), "{case} {subcommand}: {stderr}");
            assert_eq!(!stdout.is_empty(), shown, "{case} {subcommand}: {stdout}");
        }
    }
}

#[test]
fn what_is_not_there_is_named() {
    let (directory, path) = sample();
    for (case, arguments, wanted) in [
        (
            "no file",
            vec!["show", "/nowhere/run.hwh"],
            "can't read /nowhere/run.hwh",
        ),
        (
            "a directory",
            vec!["show", directory.path().to_str().expect("UTF-8")],
            "it is a directory",
        ),
        (
            "no event",
            vec!["show", &path, "--around", "99"],
            "there is no event `99`",
        ),
        (
            "no rule",
            vec!["show", &path, "--around", "lost-ak:1"],
            "its rules: lost-ack, no-leader",
        ),
        (
            "no words",
            vec!["show", &path, "--around", "fault:0"],
            "names no event",
        ),
        ("no api", vec!["show", &path, "--api", "Prodduce"], "no such API"),
    ] {
        let (code, _, stderr) = command(&[&["history"][..], &arguments].concat());
        assert_eq!(code, 2, "{case}: {stderr}");
        assert!(stderr.contains(wanted), "{case}: {stderr}");
    }
}

#[test]
fn who_reads_may_stop_early() {
    let directory = TempDir::new().expect("a temporary directory");
    let mut events = histories::sample();
    let one = events[11].clone();
    // More than a pipe holds.
    for sequence in events.len() as u64..20_000 {
        events.push(HistoryEvent {
            sequence,
            ..one.clone()
        });
    }
    let path = file(directory.path(), &events);
    let mut child = program()
        .args(["history", "export"])
        .arg(&path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut front = [0; 64];
    child
        .stdout
        .take()
        .expect("a pipe")
        .read_exact(&mut front)
        .expect("read");
    let output = child.wait_with_output().expect("ended");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.stderr.is_empty());
}
