use super::*;

const SECOND: u64 = 1_000_000_000;

#[test]
fn a_record_walks_through_its_life() {
    let ledger = Ledger::new(3);
    assert!(ledger.is_empty());
    let sequence = ledger.push_due(5 * SECOND).unwrap();
    assert_eq!(ledger.outcome(sequence), Some(Outcome::Pending));
    ledger.hand_over(sequence, 5 * SECOND + 1_500);
    let response = ledger.acknowledge(sequence, 5 * SECOND + 2_345_678, 2, 1 << 33);
    assert_eq!(response, Some(2_345_678), "the response time is exact");
    assert_eq!(
        ledger.mark_received(sequence, 5 * SECOND + 3_000_000),
        Received::First { before_intent: false }
    );
    let expected = Row {
        sequence: 0,
        intended_ns: 5 * SECOND,
        handed_ns: Some(5 * SECOND + 1_000),
        acknowledged_ns: Some(5 * SECOND + 2_345_000),
        received_ns: Some(5 * SECOND + 3_000_000),
        outcome: Outcome::Acknowledged,
        partition: Some(2),
        offset: Some(1 << 33),
        times_found: 0,
    };
    assert_eq!(ledger.rows().collect::<Vec<_>>(), [expected]);
}

#[test]
fn an_outcome_is_told_once() {
    let ledger = Ledger::new(0);
    let outcomes = [Outcome::Acknowledged, Outcome::Failed, Outcome::Unknown];
    for first in outcomes {
        let sequence = ledger.push_due(0).unwrap();
        assert!(ledger.settle(sequence, first));
        for later in outcomes {
            assert!(!ledger.settle(sequence, later));
        }
        assert_eq!(ledger.acknowledge(sequence, 9, 0, 0), None);
        assert_eq!(ledger.outcome(sequence), Some(first));
    }
}

#[test]
fn times_saturate_and_absence_is_not_zero() {
    let ledger = Ledger::new(0);
    let sequence = ledger.push_due(10 * SECOND).unwrap();
    let row = ledger.get(sequence).unwrap();
    assert_eq!(
        (
            row.handed_ns,
            row.acknowledged_ns,
            row.received_ns,
            row.partition,
            row.offset
        ),
        (None, None, None, None, None)
    );
    ledger.hand_over(sequence, 9 * SECOND);
    assert_eq!(ledger.get(sequence).unwrap().handed_ns, Some(10 * SECOND));
    ledger.take_back(sequence);
    assert!(!ledger.is_handed_over(sequence));
    ledger.acknowledge(sequence, u64::MAX, 70_000, -1);
    let row = ledger.get(sequence).unwrap();
    assert_eq!(
        row.acknowledged_ns,
        Some(10 * SECOND + u64::from(u32::MAX - 1) * 1_000)
    );
    assert_eq!((row.partition, row.offset), (None, None));
}

#[test]
fn finding_tells_where_the_record_was_first() {
    let ledger = Ledger::new(0);
    let acknowledged = ledger.push_due(0).unwrap();
    ledger.acknowledge(acknowledged, 1, 1, 40);
    let unknown = ledger.push_due(0).unwrap();
    ledger.settle(unknown, Outcome::Unknown);
    let cases = [
        ("acknowledged, first find", acknowledged, 40, 0, None),
        ("acknowledged, second find", acknowledged, 44, 1, None),
        ("unknown, first find", unknown, 41, 0, None),
        ("unknown, second find", unknown, 45, 1, Some((1, 41))),
        ("unknown, third find", unknown, 46, 2, Some((1, 41))),
    ];
    for (name, sequence, offset, times_before, first) in cases {
        let found = ledger.mark_found(sequence, 1, offset);
        assert_eq!(found, Some(Found { times_before, first }), "{name}");
    }
    assert_eq!(ledger.get(unknown).unwrap().times_found, 3);
    assert_eq!(ledger.get(unknown).unwrap().offset, Some(41));
    assert_eq!(
        ledger.get(acknowledged).unwrap().offset,
        Some(40),
        "what was promised stays"
    );
    for _ in 0..300 {
        ledger.mark_found(unknown, 1, 50);
    }
    assert_eq!(ledger.get(unknown).unwrap().times_found, u8::MAX);
}

#[test]
fn records_that_were_never_due_are_nobodys() {
    let ledger = Ledger::new(0);
    ledger.push_due(0).unwrap();
    for sequence in [1, CHUNK_ROWS as u64, MAX_RECORDS, u64::MAX] {
        assert_eq!(ledger.mark_found(sequence, 0, 0), None);
        assert_eq!(ledger.mark_received(sequence, 0), Received::Unheard);
        assert!(!ledger.settle(sequence, Outcome::Failed));
        assert_eq!(ledger.get(sequence), None);
    }
}

#[test]
fn a_second_delivery_is_told_from_the_first() {
    let ledger = Ledger::new(0);
    let sequence = ledger.push_due(SECOND).unwrap();
    let early = ledger.mark_received(sequence, SECOND - 1);
    assert_eq!(early, Received::First { before_intent: true });
    assert_eq!(ledger.mark_received(sequence, 2 * SECOND), Received::Again);
    assert_eq!(ledger.get(sequence).unwrap().received_ns, Some(SECOND));
}

#[test]
fn rows_go_on_across_chunks_and_the_first_pending_one_is_found() {
    let ledger = Ledger::new(0);
    let count = CHUNK_ROWS as u64 + 10;
    for due in 0..count {
        assert_eq!(ledger.push_due(due), Some(due));
    }
    assert!(ledger.rows().map(|row| row.intended_ns).eq(0..count));
    for sequence in (0..count).filter(|sequence| *sequence != CHUNK_ROWS as u64 + 3) {
        ledger.settle(sequence, Outcome::Failed);
    }
    assert_eq!(ledger.first_pending(0), CHUNK_ROWS as u64 + 3);
    ledger.settle(CHUNK_ROWS as u64 + 3, Outcome::Failed);
    assert_eq!(ledger.first_pending(0), count);
}
