//! Transactions that were still open when the next one of their producer wrote.

use super::story::{Story, Told, send};
use crate::history::{
    Kind, LogRecord, LogStep, Operation, Outcome, Partition, Process, Producer, Value, What,
};

const ID: i64 = 7;

/// A transaction of the producer, begun at a step; its record stands in the log later.
fn transaction(story: Story, epoch: i16, outcome: Outcome, began: u64, record: Told) -> Story {
    story.what(What::Operation(Operation {
        began,
        process: Process(0),
        outcome,
        kind: Kind::Transaction,
        producer: Some(Producer { id: ID, epoch }),
        actions: vec![send(record)],
    }))
}

fn stored(story: Story, epoch: i16, (partition, value, offset): Told) -> Story {
    story.what(What::Log(LogStep::Record(LogRecord {
        partition: Partition(partition),
        offset,
        value: Value(value),
        key: None,
        producer: Some(Producer { id: ID, epoch }),
        sequence: -1,
        transactional: true,
        leader_epoch: 0,
        intact: true,
    })))
}

const ONE: Told = (0, 1, 0);

/// What the two transactions were told, and what the log holds.
#[derive(Clone, Copy)]
struct Case {
    outcomes: [Outcome; 2],
    /// Epoch of the second.
    epoch: i16,
    /// Whether it was begun before the end of the first was known.
    overlapping: bool,
    /// Whose marker stands between them.
    between: Option<i64>,
    /// How the last marker ends them.
    commit: Option<bool>,
    log_start: i64,
    compacted: bool,
    whole: bool,
}

const MERGED: Case = Case {
    outcomes: [Outcome::Ok; 2],
    epoch: 0,
    overlapping: false,
    between: None,
    commit: Some(true),
    log_start: 0,
    compacted: false,
    whole: true,
};

fn found(case: Case) -> Vec<String> {
    let two: Told = (0, 2, if case.between.is_some() { 2 } else { 1 });
    let end = two.2 + 2;
    let [first, second] = case.outcomes;
    let mut story = transaction(Story::default(), 0, first, 0, ONE);
    story = transaction(story, case.epoch, second, u64::from(!case.overlapping), two);
    if case.log_start == 0 {
        story = stored(story, 0, ONE);
    }
    if let Some(other) = case.between {
        story = story.marker(0, 1, other, true);
    }
    story = stored(story, case.epoch, two);
    if let Some(commit) = case.commit {
        story = story.marker(0, end - 1, ID, commit);
        if commit && case.log_start == 0 {
            story = story.committed(ONE);
        }
        if commit {
            story = story.committed(two);
        }
    }
    let open = case.commit.is_none();
    story
        .what(What::Log(LogStep::End {
            partition: Partition(0),
            log_start: case.log_start,
            high_watermark: end,
            last_stable_offset: if open { 0 } else { end },
            compacted: case.compacted,
            whole: case.whole,
        }))
        .found()
}

#[test]
fn a_transaction_is_over_before_the_next_one_writes() {
    const HUNG: &str = "hanging-transaction 0:1@0 0:2@1";
    let ends = |first, second| [first, second];
    let (ok, failed, unknown) = (Outcome::Ok, Outcome::Failed, Outcome::Unknown);
    let cases: [(&str, Case, &[&str]); 12] = [
        (
            "a marker between them",
            Case {
                between: Some(ID),
                ..MERGED
            },
            &[],
        ),
        ("no marker between them", MERGED, &[HUNG]),
        (
            "only another producer's",
            Case {
                between: Some(8),
                ..MERGED
            },
            &["hanging-transaction 0:1@0 0:2@2"],
        ),
        (
            "aborts that were acknowledged",
            Case {
                outcomes: ends(failed, failed),
                commit: Some(false),
                ..MERGED
            },
            &[HUNG],
        ),
        (
            "fenced by the next epoch",
            Case {
                outcomes: ends(failed, ok),
                epoch: 1,
                commit: Some(true),
                ..MERGED
            },
            &[HUNG, "client-misclassification 0:1@0"],
        ),
        (
            "of unknown end",
            Case {
                outcomes: ends(unknown, ok),
                ..MERGED
            },
            &[],
        ),
        (
            "the next one is of unknown end",
            Case {
                outcomes: ends(ok, unknown),
                ..MERGED
            },
            &[HUNG],
        ),
        (
            "begun before the end of the first was known: a part of it that was told late",
            Case {
                overlapping: true,
                ..MERGED
            },
            &[],
        ),
        (
            "deleted by age",
            Case {
                log_start: 1,
                ..MERGED
            },
            &[],
        ),
        (
            "compacted",
            Case {
                compacted: true,
                ..MERGED
            },
            &[],
        ),
        (
            "not read back to its end",
            Case {
                whole: false,
                ..MERGED
            },
            &[],
        ),
        (
            "open at the end: told once, by the last stable offset",
            Case {
                outcomes: ends(ok, ok),
                commit: None,
                ..MERGED
            },
            &["hanging-transaction 0:1@0"],
        ),
    ];
    for (name, case, expected) in cases {
        assert_eq!(found(case), expected, "{name}");
    }
}
