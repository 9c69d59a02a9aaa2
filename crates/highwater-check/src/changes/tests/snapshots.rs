//! Snapshots beside changes: begun again, taken while rows change, taken a second time for want of offsets.

use highwater_model::RecordId;

use super::story::{STEP_MS, Story, TABLE, event_of, read, row};
use crate::changes::{Field, Interruption, Operation, Row, RowChange, Window};

fn change(key: i64, transaction: u64, wal: u64, before: Option<Row>, after: Option<Row>) -> RowChange {
    RowChange {
        table: TABLE.to_owned(),
        key: Field::Integer(key),
        operation: match (&before, &after) {
            (None, _) => Operation::Create,
            (_, None) => Operation::Delete,
            _ => Operation::Update,
        },
        before,
        after,
        transaction,
        wal_position: wal,
        record: RecordId::UNSTAMPED,
    }
}

fn empty(changes: Vec<RowChange>) -> Story {
    Story {
        changes,
        partitions: (0..3).map(|partition| (partition, Vec::new())).collect(),
        rolled_back: Vec::new(),
        window: Window::default(),
        contract: "at-least-once, ordered-per-key",
        whole: true,
        made_at: 0,
    }
}

/// A row inserted (10), changed (20), changed (30), with a snapshot at 25.
fn changing() -> Story {
    empty(vec![
        change(3, 1, 10, None, Some(row(3, 1))),
        change(3, 2, 20, Some(row(3, 1)), Some(row(3, 2))),
        change(3, 3, 30, Some(row(3, 2)), Some(row(3, 3))),
    ])
}

#[test]
fn a_row_that_changes_while_the_snapshot_is_taken() {
    type Case = (
        &'static str,
        i64,
        u64,
        &'static [usize],
        &'static [(&'static str, u64)],
    );
    let cases: [Case; 5] = [
        ("its state in the middle, and the rest streamed", 2, 25, &[2], &[]),
        ("an older state, and the rest streamed", 1, 15, &[1, 2], &[]),
        (
            "a stale state for its position",
            1,
            25,
            &[2],
            &[("pipeline-loss", 1)],
        ),
        ("the newest state, and nothing more", 3, 35, &[], &[]),
        ("the rest is missing", 2, 25, &[], &[("pipeline-loss", 1)]),
    ];
    for (name, revision, wal, streamed, expected) in cases {
        let mut story = changing();
        story.push(3, 1_000, read(3, &row(3, revision), wal));
        for index in streamed {
            let event = event_of(&story.changes[*index]);
            story.push(3, 2_000, event);
        }
        let expected: Vec<(String, u64)> = expected
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect();
        assert_eq!(story.violations(), expected, "{name}");
    }
}

#[test]
fn a_row_that_is_gone_before_the_snapshot_needs_no_event() {
    let gone = change(5, 4, 22, Some(row(5, 1)), None);
    let mut story = changing();
    story.changes.push(change(5, 1, 11, None, Some(row(5, 1))));
    story.changes.push(gone);
    story.push(3, 1_000, read(3, &row(3, 2), 25));
    let event = event_of(&story.changes[2]);
    story.push(3, 2_000, event);
    assert_eq!(story.violations(), Vec::new());
    // The same delete behind the snapshot must be told.
    story.changes.last_mut().unwrap().wal_position = 28;
    assert_eq!(story.violations(), vec![("pipeline-loss".to_owned(), 2)]);
}

#[test]
fn a_snapshot_that_is_begun_again_is_no_second_one() {
    let mut story = changing();
    story.changes.push(change(6, 1, 12, None, Some(row(6, 9))));
    story.push(3, 1_000, read(3, &row(3, 2), 25));
    story.push(6, 1_000 + STEP_MS, read(6, &row(6, 9), 25));
    story.push(3, 9_000, read(3, &row(3, 3), 35));
    story.push(6, 9_000 + STEP_MS, read(6, &row(6, 9), 35));
    story.window.interruptions.push(Interruption {
        from_ms: 8_000,
        until_ms: 10_000,
    });
    assert_eq!(story.violations(), Vec::new());
    story.window.interruptions.clear();
    assert_eq!(
        story.violations(),
        vec![("redelivery-outside-window".to_owned(), 1)]
    );
}

#[test]
fn offsets_that_were_wiped() {
    // Streaming had begun; what changed while the connector was down is only in the second snapshot.
    let mut story = changing();
    story.push(3, 1_000, read(3, &row(3, 1), 15));
    let event = event_of(&story.changes[1]);
    story.push(3, 2_000, event);
    story.push(3, 9_000, read(3, &row(3, 3), 40));
    story.window.interruptions.push(Interruption {
        from_ms: 3_000,
        until_ms: 20_000,
    });
    assert_eq!(
        story.violations(),
        vec![
            ("pipeline-loss".to_owned(), 1),
            ("redelivery-outside-window".to_owned(), 1)
        ]
    );
}

#[test]
fn a_row_as_it_never_was() {
    let mut story = changing();
    story.push(3, 1_000, read(3, &row(3, 77), 35));
    assert_eq!(story.violations(), vec![("corrupt-payload".to_owned(), 1)]);
}
