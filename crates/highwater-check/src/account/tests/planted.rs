//! One defect at a time in a clean history, first, middle and last: exactly its name and its records.

use std::collections::BTreeSet;

use highwater_model::{Outcome, RecordId};

use super::history::{History, Named, acknowledged, id, without_answer};
use crate::Observed;

const PARTITION: i32 = 1;
const RECORDS: i64 = 60;

/// A way to damage a history at an offset of [`PARTITION`]; returns what must be found.
type Plant = fn(&mut History, i64) -> Vec<(&'static str, RecordId)>;

fn swap(history: &mut History, a: i64, b: i64) {
    let (at_a, at_b) = (history.take(PARTITION, a), history.take(PARTITION, b));
    history.put(PARTITION, a, at_b);
    history.put(PARTITION, b, at_a);
}

fn append_copy(history: &mut History, offset: i64) -> RecordId {
    let record = history.record_at(PARTITION, offset);
    history.put(PARTITION, history.end_of(PARTITION), Observed::Record(record));
    record
}

fn set_outcome(history: &mut History, record: RecordId, outcome: Outcome, handed_over: bool) {
    history
        .attempts
        .insert(record, without_answer(outcome, PARTITION, handed_over));
}

const PLANTS: &[(&str, Plant)] = &[
    ("acknowledged record dropped", |history, offset| {
        let record = history.record_at(PARTITION, offset);
        history.take(PARTITION, offset);
        vec![("lost-write", record)]
    }),
    ("tail cut off from here", |history, offset| {
        let tail = history.logs.get_mut(&PARTITION).unwrap().split_off(&offset);
        tail.into_values()
            .map(|observed| match observed {
                Observed::Record(record) => ("lost-write", record),
                other => panic!("{other:?}"),
            })
            .collect()
    }),
    (
        "offset given to another record after a restart",
        |history, offset| {
            let record = history.record_at(PARTITION, offset);
            let later = id(0, 1_000_000);
            history.attempts.insert(later, acknowledged(PARTITION, offset));
            history.put(PARTITION, offset, Observed::Record(later));
            let mut expected = vec![("lost-write", record)];
            // The other one is far ahead in the sequence of its producer: what follows of it stands behind.
            expected.extend(
                (offset + 1..RECORDS)
                    .filter(|offset| offset % 2 == 0)
                    .map(|offset| ("nonmonotonic-send", history.record_at(PARTITION, offset))),
            );
            expected
        },
    ),
    ("record written twice", |history, offset| {
        vec![("duplicate", append_copy(history, offset))]
    }),
    ("record written three times", |history, offset| {
        append_copy(history, offset);
        vec![("duplicate", append_copy(history, offset))]
    }),
    ("record also in another partition", |history, offset| {
        let record = history.record_at(PARTITION, offset);
        history.put(2, history.end_of(2), Observed::Record(record));
        vec![("duplicate", record)]
    }),
    ("loss hidden by an equal duplicate", |history, offset| {
        let copied = append_copy(history, (offset + 7) % RECORDS);
        let record = history.record_at(PARTITION, offset);
        history.take(PARTITION, offset);
        vec![("lost-write", record), ("duplicate", copied)]
    }),
    ("unknown record written twice", |history, offset| {
        let record = append_copy(history, offset);
        set_outcome(history, record, Outcome::Unknown, true);
        vec![("duplicate", record)]
    }),
    (
        "two records of a producer exchanged, acknowledged where they are",
        |history, offset| {
            let (a, b) = (offset.min(RECORDS - 3), offset.min(RECORDS - 3) + 2);
            let (early, late) = (history.record_at(PARTITION, a), history.record_at(PARTITION, b));
            swap(history, a, b);
            history.attempts.insert(early, acknowledged(PARTITION, b));
            history.attempts.insert(late, acknowledged(PARTITION, a));
            vec![("nonmonotonic-send", early)]
        },
    ),
    (
        "neighbours of different producers exchanged after the acknowledgement",
        |history, offset| {
            let a = offset.min(RECORDS - 2);
            let pair = [
                history.record_at(PARTITION, a),
                history.record_at(PARTITION, a + 1),
            ];
            swap(history, a, a + 1);
            pair.map(|record| ("inconsistent-offsets", record)).to_vec()
        },
    ),
    (
        "acknowledged at one offset, found at another",
        |history, offset| {
            let record = history.record_at(PARTITION, offset);
            history
                .attempts
                .insert(record, acknowledged(PARTITION, offset + 1_000));
            vec![("inconsistent-offsets", record)]
        },
    ),
    ("acknowledged in another partition", |history, offset| {
        let record = history.record_at(PARTITION, offset);
        history.attempts.insert(record, acknowledged(0, offset));
        vec![("inconsistent-offsets", record)]
    }),
    ("bit flipped in the payload", |history, offset| {
        let record = history.record_at(PARTITION, offset);
        history.put(PARTITION, offset, Observed::Corrupt(Some(record)));
        vec![("corrupt-payload", record)]
    }),
    ("bit flipped in the stamp", |history, offset| {
        let record = history.record_at(PARTITION, offset);
        history.put(PARTITION, offset, Observed::Corrupt(None));
        vec![("corrupt-payload", record)]
    }),
    (
        "bit flipped in the stamp of an unknown record",
        |history, offset| {
            let record = history.record_at(PARTITION, offset);
            set_outcome(history, record, Outcome::Unknown, true);
            history.put(PARTITION, offset, Observed::Corrupt(None));
            vec![("corrupt-payload", RecordId::UNSTAMPED)]
        },
    ),
    ("record of somebody else", |history, offset| {
        let end = history.end_of(PARTITION);
        history.put(PARTITION, end + offset, Observed::Foreign);
        vec![("phantom", RecordId::UNSTAMPED)]
    }),
    ("record that the run does not have", |history, offset| {
        let record = id(7, offset as u64);
        history.put(PARTITION, history.end_of(PARTITION), Observed::Record(record));
        vec![("phantom", record)]
    }),
    ("record that was never handed over", |history, offset| {
        let record = history.record_at(PARTITION, offset);
        set_outcome(history, record, Outcome::Failed, false);
        vec![("phantom", record)]
    }),
    ("failed record in the log", |history, offset| {
        let record = history.record_at(PARTITION, offset);
        set_outcome(history, record, Outcome::Failed, true);
        vec![("client-misclassification", record)]
    }),
];

#[test]
fn every_planted_defect_is_caught_with_its_name_and_its_records() {
    for (name, plant) in PLANTS {
        for offset in [0, RECORDS / 2, RECORDS - 1] {
            let mut history = History::clean(3, RECORDS);
            let expected: BTreeSet<Named> = plant(&mut history, offset)
                .into_iter()
                .map(|(anomaly, record)| (anomaly.to_owned(), record))
                .collect();
            assert!(!expected.is_empty(), "{name} at {offset} plants nothing");
            history.read_to_the_end();
            let (findings, found) = history.anomalies("exactly-once, ordered-per-partition");
            assert_eq!(found, expected, "{name} at {offset}");
            assert!(findings.counts.read_back, "{name} at {offset}");
            let only_client = found
                .iter()
                .all(|(anomaly, _)| anomaly == "client-misclassification");
            assert_eq!(
                findings.violations().count() == 0,
                only_client,
                "{name} at {offset}"
            );
        }
    }
}

#[test]
fn the_same_defects_are_found_when_partitions_are_relabelled_and_gaps_added() {
    for (name, plant) in PLANTS {
        let mut history = History::clean(3, RECORDS);
        let expected = plant(&mut history, RECORDS / 2).len();
        let mut moved = History::default();
        let new_place = |partition: i32, offset: i64| (40 - partition, offset * 3 + 5);
        for (record, attempt) in &history.attempts {
            let mut attempt = *attempt;
            if let Some(offset) = attempt.offset {
                let (partition, offset) = new_place(attempt.partition, offset);
                attempt.partition = partition;
                attempt.offset = Some(offset);
            }
            moved.attempts.insert(*record, attempt);
        }
        for (partition, log) in &history.logs {
            for (offset, observed) in log {
                let (partition, offset) = new_place(*partition, *offset);
                moved.put(partition, offset, *observed);
            }
        }
        moved.read_to_the_end();
        let (_, found) = moved.anomalies("exactly-once, ordered-per-partition");
        assert_eq!(found.len(), expected, "{name}");
    }
}

#[test]
fn the_contract_decides_what_a_duplicate_is() {
    let mut history = History::clean(3, RECORDS);
    append_copy(&mut history, 5);
    history.read_to_the_end();
    for (contract, violation) in [
        ("at-least-once", false),
        ("exactly-once", true),
        ("at-most-once", true),
    ] {
        let (findings, _) = history.anomalies(contract);
        assert_eq!(findings.anomalies.len(), 1, "{contract}");
        assert_eq!(findings.anomalies[0].violation, violation, "{contract}");
        assert_eq!(findings.counts.duplicated, 1, "{contract}");
    }
}

#[test]
fn the_story_of_a_lost_record_says_what_the_log_holds() {
    let story = |change: &dyn Fn(&mut History)| {
        let mut history = History::clean(3, RECORDS);
        change(&mut history);
        if history.ends.is_empty() {
            history.read_to_the_end();
        }
        let (_, listed) = history.account("at-least-once");
        listed
            .into_iter()
            .find(|(name, _)| name == "lost-write")
            .map(|(_, example)| example.detail)
            .unwrap()
    };
    let tail = story(&|history| {
        history.take(PARTITION, RECORDS - 1);
    });
    assert_eq!(tail, "acknowledged at 15.001 s as offset 59; the log ends at 59");
    let gap = story(&|history| {
        history.take(PARTITION, 10);
    });
    assert_eq!(
        gap,
        "acknowledged at 15.001 s as offset 10; that offset holds no record, the log ends at 60"
    );
    let reused = story(&|history| {
        let record = history.record_at(PARTITION, 10);
        history.put(PARTITION, 10, Observed::Record(id(3, 0)));
        history.attempts.insert(id(3, 0), acknowledged(PARTITION, 10));
        history.attempts.insert(record, acknowledged(PARTITION, 10));
    });
    assert_eq!(
        reused,
        "acknowledged at 15.001 s as offset 10; that offset was reused and now holds another record, \
         the log ends at 60"
    );
    let deleted = story(&|history| {
        history.take(PARTITION, 0);
        history.read_to_the_end();
        history.ends[1].log_start = 1;
    });
    assert_eq!(
        deleted,
        "acknowledged at 15.001 s as offset 0; the log now starts at 1"
    );
}
