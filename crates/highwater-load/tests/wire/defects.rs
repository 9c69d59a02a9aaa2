//! The planted defects of the dev broker: each is found, by name, from a wire history and the log read back.

use std::collections::BTreeMap;

use highwater_broker::Bug;

use crate::rig::{Checked, Rig, send};

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
    for number in 0..30 {
        send(&producer, "t", 0, numbers(number * 2, number * 2 + 2));
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
