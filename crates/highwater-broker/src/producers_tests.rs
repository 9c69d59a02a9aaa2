use highwater_wire::BatchBuilder;
use highwater_wire::batch::check;
use proptest::prelude::*;

use super::*;

fn header(id: i64, epoch: i16, sequence: i32, records: usize) -> BatchHeader {
    let builder = BatchBuilder::new().producer(id, epoch, sequence);
    let batch = (0..records)
        .fold(builder, |builder, _| builder.record(None, None))
        .build();
    check(&batch).expect("intact")
}

/// Judges and, if told to append, records; the offsets are counted as a log would.
fn offer(producers: &mut Producers, end: &mut i64, header: &BatchHeader) -> Decision {
    let decision = producers.judge(header);
    if decision == Decision::Append {
        producers.record(header, *end);
        *end += header.offset_count();
    }
    decision
}

#[test]
fn sequences_are_judged_as_in_kafka() {
    let duplicate = |base_offset, last_offset| {
        Decision::Duplicate(Appended {
            base_offset,
            last_offset,
            max_timestamp: 0,
        })
    };
    let steps = [
        (
            "an unknown producer may start anywhere",
            header(1, 0, 7, 2),
            Decision::Append,
        ),
        ("the next one", header(1, 0, 9, 1), Decision::Append),
        ("a retry", header(1, 0, 7, 2), duplicate(0, 1)),
        ("a retry of the last", header(1, 0, 9, 1), duplicate(2, 2)),
        (
            "a gap",
            header(1, 0, 11, 1),
            Decision::OutOfOrder { expected: 10 },
        ),
        (
            "the past, but no retry",
            header(1, 0, 8, 1),
            Decision::OutOfOrder { expected: 10 },
        ),
        ("another producer", header(2, 0, 0, 1), Decision::Append),
        (
            "a new epoch in mid-sequence",
            header(1, 1, 10, 1),
            Decision::OutOfOrder { expected: 0 },
        ),
        ("a new epoch", header(1, 1, 0, 1), Decision::Append),
        (
            "the old epoch",
            header(1, 0, 10, 1),
            Decision::FencedEpoch { current: 1 },
        ),
        ("the new epoch goes on", header(1, 1, 1, 1), Decision::Append),
        ("no producer id", header(-1, -1, -1, 1), Decision::Append),
    ];
    let (mut producers, mut end) = (Producers::default(), 0);
    for (name, batch, expected) in steps {
        assert_eq!(offer(&mut producers, &mut end, &batch), expected, "{name}");
    }
}

#[test]
fn five_batches_are_remembered_and_no_more() {
    let (mut producers, mut end) = (Producers::default(), 0);
    for sequence in 0..6 {
        offer(&mut producers, &mut end, &header(1, 0, sequence, 1));
    }
    assert!(matches!(
        producers.judge(&header(1, 0, 1, 1)),
        Decision::Duplicate(_)
    ));
    assert_eq!(
        producers.judge(&header(1, 0, 0, 1)),
        Decision::OutOfOrder { expected: 6 }
    );
}

#[test]
fn sequences_wrap_around() {
    let (mut producers, mut end) = (Producers::default(), 0);
    assert_eq!(
        offer(&mut producers, &mut end, &header(1, 0, i32::MAX - 1, 3)),
        Decision::Append
    );
    assert_eq!(
        offer(&mut producers, &mut end, &header(1, 0, 2, 1)),
        Decision::OutOfOrder { expected: 1 }
    );
    assert_eq!(
        offer(&mut producers, &mut end, &header(1, 0, 1, 1)),
        Decision::Append
    );
}

#[test]
fn a_forgiven_gap_is_one_gap_and_retries_are_still_known() {
    let (mut producers, mut end) = (Producers::default(), 0);
    offer(&mut producers, &mut end, &header(1, 0, 0, 5));
    producers.forgive_gaps();
    assert!(matches!(
        producers.judge(&header(1, 0, 0, 5)),
        Decision::Duplicate(_)
    ));
    assert_eq!(
        offer(&mut producers, &mut end, &header(1, 0, 9, 1)),
        Decision::Append
    );
    assert_eq!(
        producers.judge(&header(1, 0, 12, 1)),
        Decision::OutOfOrder { expected: 10 }
    );
}

#[test]
fn memory_is_bounded() {
    let (mut producers, mut end) = (Producers::default(), 0);
    let more = i64::try_from(MAX_PRODUCERS).expect("small") + 3;
    for id in 0..more {
        offer(&mut producers, &mut end, &header(id, 0, 0, 1));
    }
    assert_eq!(producers.by_id.len(), MAX_PRODUCERS);
    assert!(!producers.by_id.contains_key(&0), "the most silent one went");
}

proptest! {
    /// A client that sends up to five batches ahead and retries any of them, in any order: each batch
    /// is in the log once, in order, and every answer names its first offset. The state rebuilt from
    /// the log judges the same.
    #[test]
    fn each_batch_lands_once(
        sizes in proptest::collection::vec(1usize..4, 1..30),
        retries in proptest::collection::vec(0usize..5, 0..60),
    ) {
        let (mut producers, mut end) = (Producers::default(), 0);
        let mut log: Vec<(BatchHeader, i64)> = Vec::new();
        let mut retries = retries.into_iter();
        let mut sequence = 0;
        for size in sizes {
            let batch = header(1, 0, sequence, size);
            let base = end;
            prop_assert_eq!(offer(&mut producers, &mut end, &batch), Decision::Append);
            log.push((batch, base));
            sequence += i32::try_from(size).expect("small");
            for back in retries.by_ref().take(2) {
                let Some((old, base)) = log.len().checked_sub(1 + back).map(|index| log[index]) else {
                    continue;
                };
                let decision = offer(&mut producers, &mut end, &old);
                let last_offset = base + old.offset_count() - 1;
                prop_assert_eq!(decision, Decision::Duplicate(Appended { base_offset: base, last_offset, max_timestamp: 0 }));
            }
        }
        let mut rebuilt = Producers::default();
        for (batch, base) in &log {
            rebuilt.record(batch, *base);
        }
        for (batch, _) in log.iter().rev().take(WINDOW) {
            prop_assert_eq!(rebuilt.judge(batch), producers.judge(batch));
        }
        let next = header(1, 0, sequence, 1);
        prop_assert_eq!(rebuilt.judge(&next), Decision::Append);
    }
}
