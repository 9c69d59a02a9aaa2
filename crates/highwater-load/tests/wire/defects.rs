//! The planted defects of the dev broker: each is found, by name, from a wire history and the log read back.

use std::collections::BTreeMap;
use std::time::Duration;

use highwater_broker::Bug;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::producer::Producer as _;

use crate::rig::{Checked, PATIENCE, Rig, send, until};

const POLL: Duration = Duration::from_millis(50);

fn numbers(from: u32, to: u32) -> impl Iterator<Item = String> {
    (from..to).map(|number| format!("value {number}"))
}

/// What was found, for people who look at a failure.
fn told(checked: &Checked) -> String {
    let mut text = format!("{} steps\n", checked.steps.len());
    for finding in checked.findings.iter().take(5) {
        for record in &finding.records {
            text += checked.names.of_partition(record.partition);
            text.push(' ');
        }
        text += &format!("{finding:?}\n");
    }
    text
}

#[track_caller]
fn expect(checked: &Checked, expected: &str) {
    let found: Vec<_> = checked.found().into_keys().collect();
    assert_eq!(found.join(" "), expected, "{}", told(checked));
}

/// Writes, restarts the broker, writes more, and reads back.
fn writes(bug: Option<Bug>, restart: bool, idempotent: bool) -> Checked {
    let mut rig = Rig::start(bug.as_slice(), Vec::new(), |_| {});
    rig.topic("t", 1, &[]);
    let idempotence = if idempotent { "true" } else { "false" };
    let producer = rig.producer("p", &[("enable.idempotence", idempotence)]);
    // One batch at a time: a batch that is refused while a later one is taken is not sent again by every client.
    for number in 0..40 {
        send(&producer, "t", 0, numbers(number, number + 1));
    }
    if restart {
        rig.restart();
        send(&producer, "t", 0, numbers(60, 70));
    }
    drop(producer);
    rig.check(&["t"])
}

#[test]
fn none_is_none() {
    for idempotent in [false, true] {
        assert_eq!(writes(None, true, idempotent).found(), BTreeMap::new());
    }
}

#[test]
fn of_the_log() {
    let cases = [
        (Bug::AckBeforeAppend, true, false, "lost-write reused-offset"),
        (
            Bug::ForgetLastBatchOnRestart,
            true,
            false,
            "lost-write reused-offset",
        ),
        (Bug::AppendRetryTwice, false, true, "duplicate"),
        (
            Bug::SpuriousOffsetZero,
            false,
            false,
            "inconsistent-offsets reused-offset",
        ),
    ];
    for (bug, restart, idempotent, expected) in cases {
        let mut checked = writes(Some(bug), restart, idempotent);
        // Acknowledgements come a tenth of a second too early; a busy machine may not stop the broker in that time.
        for _ in 0..5 {
            if bug == Bug::AckBeforeAppend && checked.findings.is_empty() {
                checked = writes(Some(bug), restart, idempotent);
            }
        }
        expect(&checked, expected);
    }
}

/// Transactions, the first three over two partitions, every third one aborted; then a reader of committed records.
fn transactions(bug: Option<Bug>) -> Checked {
    let rig = Rig::start(bug.as_slice(), Vec::new(), |_| {});
    rig.topic("t", 2, &[]);
    let producer = rig.producer("p", &[("transactional.id", "tx")]);
    for number in 0..12 {
        producer.begin_transaction().unwrap();
        // What stays open must not be ended by a later marker of the same producer.
        for partition in 0..if number < 3 { 2 } else { 1 } {
            send(&producer, "t", partition, [format!("{partition} in {number}")]);
        }
        if number % 3 == 1 {
            producer.abort_transaction(PATIENCE).unwrap();
        } else {
            producer.commit_transaction(PATIENCE).unwrap();
        }
    }
    let reader = rig.consumer("c", "g", &["t"], &[("isolation.level", "read_committed")]);
    let mut read = 0;
    until("some was read", || {
        read += usize::from(matches!(reader.poll(POLL), Some(Ok(_))));
        read >= 4
    });
    drop((producer, reader));
    rig.check(&["t"])
}

/// Reads and commits, restarts the broker, and reads on as another member.
fn commits(bug: Option<Bug>) -> Checked {
    let mut rig = Rig::start(bug.as_slice(), Vec::new(), |_| {});
    rig.topic("t", 1, &[]);
    let producer = rig.producer("p", &[]);
    send(&producer, "t", 0, numbers(0, 30));
    for round in 0..2_usize {
        let reader = rig.consumer("c", "g", &["t"], &[]);
        let mut read = 0;
        until("some was read", || {
            if let Some(Ok(message)) = reader.poll(POLL) {
                reader.commit_message(&message, CommitMode::Sync).unwrap();
                read += 1;
            }
            read == 10
        });
        drop(reader);
        if round == 0 {
            rig.restart();
        }
    }
    drop(producer);
    rig.check(&["t"])
}

#[test]
fn of_transactions_and_groups() {
    type Run = fn(Option<Bug>) -> Checked;
    let runs: [Run; 2] = [transactions, commits];
    for run in runs {
        let checked = run(None);
        expect(&checked, "");
    }
    let cases: [(Bug, Run, &str); 4] = [
        (Bug::ServeAbortedBatches, transactions, "aborted-read"),
        (
            Bug::MarkerInOnePartitionOnly,
            transactions,
            "hanging-transaction torn-transaction",
        ),
        (
            Bug::ForgetCommittedOffset,
            commits,
            "commit-regression redelivery-outside-window",
        ),
        (
            Bug::RegressCommittedOffset,
            commits,
            "commit-regression redelivery-outside-window",
        ),
    ];
    for (bug, run, expected) in cases {
        let checked = run(Some(bug));
        expect(&checked, expected);
    }
}
