use highwater_broker::{Bug, JournalEntry, JournalEvent, read_journal};
use kafka_protocol::error::ResponseError;

use crate::client::*;
use crate::running::{Running, start_with_bug};

fn ranges(entries: &[JournalEntry], event: JournalEvent) -> Vec<(i64, i64)> {
    entries
        .iter()
        .filter(|entry| entry.event == event)
        .map(|entry| (entry.base_offset, entry.last_offset))
        .collect()
}

fn produce_numbered(broker: &Running, id: i64, sequences: std::ops::Range<i32>) -> Vec<i64> {
    let mut connection = broker.connect();
    sequences
        .map(|sequence| {
            let value = sequence.to_string();
            let answer = produce(&mut connection, "t", 0, sequenced(id, sequence, &value));
            assert_eq!(answer.error_code, 0, "sequence {sequence}");
            answer.base_offset
        })
        .collect()
}

fn start_with_topic(dir: &std::path::Path, bug: Bug) -> (Running, i64) {
    let broker = start_with_bug(dir, bug);
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    let id = init_producer(&mut connection);
    (broker, id)
}

#[test]
fn ack_before_append_loses_what_was_acknowledged_and_owns_up() {
    let dir = tempfile::tempdir().expect("dir");
    let bug = Bug::AckBeforeAppend;
    let (broker, id) = start_with_topic(dir.path(), bug);
    produce_numbered(&broker, id, 0..3);
    // Until the journal says so, nothing of it is written.
    while ranges(
        &read_journal(dir.path()).expect("journal"),
        JournalEvent::Appended,
    )
    .len()
        < 3
    {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(produce_numbered(&broker, id, 3..6), [3, 4, 5]);
    let seen = read_values(&mut broker.connect(), "t", 0);
    assert_eq!(
        seen,
        ["0", "1", "2", "3", "4", "5"],
        "visible before it is written"
    );
    drop(broker);
    let broker = start_with_bug(dir.path(), bug);
    let entries = read_journal(dir.path()).expect("journal");
    let acknowledged = ranges(&entries, JournalEvent::Acknowledged);
    let appended = ranges(&entries, JournalEvent::Appended);
    let lost = ranges(&entries, JournalEvent::Lost);
    assert_eq!(acknowledged.len(), 6);
    assert_eq!(
        [appended, lost.clone()].concat(),
        acknowledged,
        "each appended or lost"
    );
    let kept = 6 - lost.len();
    assert_eq!(read_values(&mut broker.connect(), "t", 0).len(), kept);
    // The producer goes on behind the hole, and brings one lost batch back.
    assert!(!lost.is_empty(), "the stop came within 100 ms of the last batch");
    let again = i32::try_from(kept).expect("small");
    assert_eq!(produce_numbered(&broker, id, 5..6), [i64::from(again)]);
    let entries = read_journal(dir.path()).expect("journal");
    let restored: Vec<_> = entries
        .iter()
        .filter(|entry| entry.event == JournalEvent::Restored)
        .collect();
    assert_eq!(restored.len(), 1);
    assert_eq!(
        (restored[0].base_sequence, restored[0].copy_base_offset),
        (5, Some(i64::from(again)))
    );
}

#[test]
fn forget_last_batch_cuts_one_batch_at_each_start() {
    let dir = tempfile::tempdir().expect("dir");
    let bug = Bug::ForgetLastBatchOnRestart;
    let (broker, id) = start_with_topic(dir.path(), bug);
    produce_numbered(&broker, id, 0..5);
    drop(broker);
    let broker = start_with_bug(dir.path(), bug);
    assert_eq!(read_values(&mut broker.connect(), "t", 0), ["0", "1", "2", "3"]);
    let entries = read_journal(dir.path()).expect("journal");
    assert_eq!(ranges(&entries, JournalEvent::Lost), [(4, 4)]);
    let mut connection = broker.connect();
    let retry = produce(&mut connection, "t", 0, sequenced(id, 3, "3"));
    assert_eq!(
        (retry.error_code, retry.base_offset),
        (0, 3),
        "older retries are still known"
    );
    assert_eq!(
        produce_numbered(&broker, id, 5..7),
        [4, 5],
        "the producer goes on behind the hole"
    );
    let gap = produce(&mut connection, "t", 0, sequenced(id, 9, "9"));
    let expected = Some(ResponseError::OutOfOrderSequenceNumber);
    assert_eq!(
        ResponseError::try_from_code(gap.error_code),
        expected,
        "one hole only"
    );
}

#[test]
fn append_retry_twice_answers_with_an_error_and_appends_the_retry() {
    let dir = tempfile::tempdir().expect("dir");
    let bug = Bug::AppendRetryTwice;
    let (broker, id) = start_with_topic(dir.path(), bug);
    let mut connection = broker.connect();
    let mut provoked = Vec::new();
    for sequence in 0..130 {
        let records = sequenced(id, sequence, &sequence.to_string());
        let answer = produce(&mut connection, "t", 0, records.clone());
        if answer.error_code == 0 {
            continue;
        }
        let expected = Some(ResponseError::NotEnoughReplicasAfterAppend);
        assert_eq!(ResponseError::try_from_code(answer.error_code), expected);
        provoked.push(sequence);
        assert_eq!(
            produce(&mut connection, "t", 0, records).error_code,
            0,
            "the retry"
        );
    }
    assert_eq!(
        provoked,
        [19, 118],
        "the 20th batch, and the 120th with the second copy of the first"
    );
    let entries = read_journal(dir.path()).expect("journal");
    assert_eq!(ranges(&entries, JournalEvent::Duplicated), [(19, 19), (119, 119)]);
    let copies: Vec<_> = entries.iter().map(|entry| entry.copy_base_offset).collect();
    assert_eq!(copies, [Some(20), Some(120)]);
    let values = read_values(&mut connection, "t", 0);
    assert_eq!(values.len(), 132);
    assert_eq!((&*values[19], &*values[20]), ("19", "19"));
    assert_eq!((&*values[119], &*values[120]), ("118", "118"));
    drop(broker);
    // The state rebuilt from a log with copies goes on where the producer is.
    let broker = start_with_bug(dir.path(), bug);
    assert_eq!(produce_numbered(&broker, id, 130..131), [132]);
}

#[test]
fn reassign_offsets_lets_the_last_two_batches_change_places_once() {
    let dir = tempfile::tempdir().expect("dir");
    let bug = Bug::ReassignOffsetsOnRestart;
    let (broker, id) = start_with_topic(dir.path(), bug);
    produce_numbered(&broker, id, 0..4);
    drop(broker);
    let broker = start_with_bug(dir.path(), bug);
    assert_eq!(read_values(&mut broker.connect(), "t", 0), ["0", "1", "3", "2"]);
    let entries = read_journal(dir.path()).expect("journal");
    let moved: Vec<_> = entries
        .iter()
        .filter(|entry| entry.event == JournalEvent::Misplaced)
        .map(|entry| (entry.base_offset, entry.copy_base_offset))
        .collect();
    assert_eq!(moved, [(3, Some(2)), (2, Some(3))]);
    drop(broker);
    let broker = start_with_bug(dir.path(), bug);
    assert_eq!(
        read_values(&mut broker.connect(), "t", 0),
        ["0", "1", "3", "2"],
        "not moved back"
    );
    assert_eq!(produce_numbered(&broker, id, 4..5), [4], "the producer goes on");
}

#[test]
fn spurious_offset_zero_is_answered_for_a_batch_that_is_elsewhere() {
    let dir = tempfile::tempdir().expect("dir");
    let (broker, id) = start_with_topic(dir.path(), Bug::SpuriousOffsetZero);
    let answered = produce_numbered(&broker, id, 0..25);
    let right: Vec<i64> = (0..25)
        .map(|offset| if offset == 19 { 0 } else { offset })
        .collect();
    assert_eq!(answered, right);
    let entries = read_journal(dir.path()).expect("journal");
    assert_eq!(ranges(&entries, JournalEvent::Misplaced), [(0, 0)]);
    assert_eq!(entries[0].copy_base_offset, Some(19));
    assert_eq!(read_values(&mut broker.connect(), "t", 0).len(), 25);
}

#[test]
fn a_reader_far_behind_is_not_shown_a_batch_that_one_at_the_end_has_seen() {
    let dir = tempfile::tempdir().expect("dir");
    let (broker, id) = start_with_topic(dir.path(), Bug::HideFromLaggingReaders);
    let mut connection = broker.connect();
    produce_numbered(&broker, id, 0..1);
    let near = fetch(&mut connection, "t", 0, 0);
    assert_eq!(batches(&near)[0].base_offset(), 0, "seen at the end of the log");
    produce_numbered(&broker, id, 1..1_001);
    let far = fetch(&mut connection, "t", 0, 0);
    assert_eq!(batches(&far)[0].base_offset(), 1, "hidden from who comes late");
    let entries = read_journal(dir.path()).expect("journal");
    assert_eq!(ranges(&entries, JournalEvent::Hidden), [(0, 0)]);
}
