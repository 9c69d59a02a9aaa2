//! A small application of Kafka Streams with `processing.guarantee=exactly_once_v2`, killed in the middle.
//!
//! It counts words with a state store, a changelog and a repartition topic; its output is a log of counts, in which
//! every count of every word stands exactly once if and only if nothing was lost and nothing counted twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::java;
use crate::arm::{Arm, until};
use crate::children::{Running, run, tool};
use crate::kcat;

const WORDS: u32 = 7;
const EACH: u32 = 300;

fn application(arm: &Arm, state: &Path) -> Command {
    word_count(arm.bootstrap(), state)
}

/// The application, with its state in this folder.
#[track_caller]
pub(crate) fn word_count(bootstrap: &str, state: &Path) -> Command {
    let modules = Command::new("java").arg("--list-modules").output();
    let modules = modules
        .expect("java is on the path: install openjdk-17-jdk-headless, or run ./test")
        .stdout;
    assert!(
        String::from_utf8_lossy(&modules).contains("jdk.compiler"),
        "this Java can't compile: install openjdk-17-jdk-headless, or run ./test, which installs it"
    );
    let jar = tool(&format!(
        "kafka-streams-{0}/kafka-streams-{0}.jar",
        highwater_target::KAFKA_VERSION
    ));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/java/WordCount.java");
    let mut command = java(&[jar]);
    command.arg(source).arg(bootstrap).arg(state);
    command
}

/// `word value` lines of the topic, as those see it who want only what is committed.
fn counts(arm: &Arm) -> BTreeMap<String, Vec<u32>> {
    let mut counts: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for line in kcat::read(arm, "streams-out").lines() {
        let (word, count) = line.split_once(' ').expect("a word and a count");
        counts
            .entry(word.to_owned())
            .or_default()
            .push(count.parse().expect("a count"));
    }
    counts
}

fn word_counts_are_exact_though_it_is_killed(arm: &mut Arm) {
    super::topic(arm, "streams-in", 2);
    super::topic(arm, "streams-out", 2);
    let input = |range: std::ops::Range<u32>| {
        let lines: String = range
            .map(|line| {
                (0..WORDS).map(|word| format!("word{word} ")).collect::<String>() + &format!("\t{line}\n")
            })
            .collect();
        run(&kcat::command(arm, &["-P", "-t", "streams-in"]), &lines).well();
    };
    let state = tempfile::TempDir::new().expect("a temporary folder");
    input(0..EACH / 2);
    let mut first = Running::start(&application(arm, state.path()), "");
    first.until("it runs", |out| out.contains("RUNNING"));
    until("something is counted", || {
        assert!(first.is_running(), "{}", first.so_far());
        !counts(arm).is_empty()
    });
    input(EACH / 2..EACH);
    first.kill();
    let mut second = Running::start(&application(arm, state.path()), "");
    second.until("it runs again", |out| out.contains("RUNNING"));
    let total = |counts: &BTreeMap<String, Vec<u32>>| counts.values().map(Vec::len).sum::<usize>();
    let mut found = BTreeMap::new();
    until("everything is counted", || {
        assert!(second.is_running(), "{}", second.so_far());
        found = counts(arm);
        total(&found) >= (WORDS * EACH) as usize
    });
    let exact: Vec<u32> = (1..=EACH).collect();
    for word in 0..WORDS {
        assert_eq!(
            found.get(&format!("word{word}")),
            Some(&exact),
            "word{word}: each count once, in order"
        );
    }
    second.ask_to_end();
    second.end();
    assert_eq!(
        total(&counts(arm)),
        (WORDS * EACH) as usize,
        "nothing more was said at its end"
    );
}

on_both!(word_counts_are_exact_though_it_is_killed);
