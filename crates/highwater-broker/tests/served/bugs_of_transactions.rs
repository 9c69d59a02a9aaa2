//! Each bug switch around sequences and transactions, seen by a client.

use highwater_broker::{Bug, JournalEntry, JournalEvent, read_journal};
use highwater_wire::Connection;

use crate::client::*;
use crate::running::{Running, start_with_bug};
use crate::transactional::*;

fn with_bug(dir: &std::path::Path, bug: Bug) -> (Running, Connection) {
    let broker = start_with_bug(dir, bug);
    let mut connection = broker.connect();
    assert_eq!(create_topic(&mut connection, "t", 2), 0);
    (broker, connection)
}

fn told(dir: &std::path::Path, bug: Bug, event: JournalEvent) -> Vec<JournalEntry> {
    let entries = read_journal(dir).expect("journal");
    let of_bug = |entry: &JournalEntry| entry.bug == bug.name() && entry.event == event;
    entries.into_iter().filter(of_bug).collect()
}

#[test]
fn ignore_sequences_appends_copies_and_gaps() {
    let dir = tempfile::tempdir().expect("dir");
    let (_broker, mut connection) = with_bug(dir.path(), Bug::IgnoreSequences);
    let id = init_producer(&mut connection);
    for sequence in [0, 0, 5] {
        let answer = produce(
            &mut connection,
            "t",
            0,
            sequenced(id, sequence, &sequence.to_string()),
        );
        assert_eq!(answer.error_code, 0);
    }
    assert_eq!(read_values(&mut connection, "t", 0), ["0", "0", "5"]);
    let entries = told(dir.path(), Bug::IgnoreSequences, JournalEvent::Admitted);
    let offsets: Vec<i64> = entries.iter().map(|entry| entry.base_offset).collect();
    assert_eq!(offsets, [1, 2]);
}

#[test]
fn ignore_producer_epoch_lets_a_fenced_producer_write() {
    for protocol in [Protocol::Old, Protocol::Two] {
        let dir = tempfile::tempdir().expect("dir");
        let (_broker, mut connection) = with_bug(dir.path(), Bug::IgnoreProducerEpoch);
        let mut old = Producer::init(&mut connection, "id", protocol);
        old.write(&mut connection, "t", 0, "aborted");
        let mut new = Producer::init(&mut connection, "id", protocol);
        new.write(&mut connection, "t", 0, "right");
        assert_eq!(new.end(&mut connection, true), None);
        assert!(
            old.send(&mut connection, "t", 0, "of a zombie").is_ok(),
            "{protocol:?}"
        );
        let seen = committed_values(&mut connection, "t", 0);
        assert_eq!(seen, ["right", "of a zombie"], "{protocol:?}");
        let entries = told(dir.path(), Bug::IgnoreProducerEpoch, JournalEvent::Admitted);
        assert_eq!((entries.len(), entries[0].producer_epoch), (1, old.epoch));
    }
}

#[test]
fn last_stable_offset_off_by_one_shows_an_open_transaction() {
    let dir = tempfile::tempdir().expect("dir");
    let bug = Bug::LastStableOffsetOffByOne;
    let (_broker, mut connection) = with_bug(dir.path(), bug);
    let mut producer = Producer::init(&mut connection, "id", Protocol::Two);
    producer.write(&mut connection, "t", 0, "open");
    producer.write(&mut connection, "t", 0, "open too");
    for _ in 0..2 {
        assert_eq!(committed_values(&mut connection, "t", 0), ["open"]);
    }
    assert_eq!(told(dir.path(), bug, JournalEvent::Shown).len(), 1, "told once");
    assert_eq!(producer.end(&mut connection, false), None);
    assert_eq!(committed_values(&mut connection, "t", 0), [""; 0]);
}

#[test]
fn serve_aborted_batches_shows_aborted_transactions() {
    let dir = tempfile::tempdir().expect("dir");
    let bug = Bug::ServeAbortedBatches;
    let (_broker, mut connection) = with_bug(dir.path(), bug);
    let mut producer = Producer::init(&mut connection, "id", Protocol::Two);
    producer.write(&mut connection, "t", 0, "aborted");
    assert_eq!(producer.end(&mut connection, false), None);
    assert_eq!(committed_values(&mut connection, "t", 0), ["aborted"]);
    let entries = told(dir.path(), bug, JournalEvent::Shown);
    assert_eq!((entries[0].base_offset, entries[0].last_offset), (0, 1));
}

#[test]
fn end_transaction_of_another_ends_the_wrong_one() {
    let dir = tempfile::tempdir().expect("dir");
    let bug = Bug::EndTransactionOfAnother;
    let (_broker, mut connection) = with_bug(dir.path(), bug);
    let mut victim = Producer::init(&mut connection, "victim", Protocol::Two);
    victim.write(&mut connection, "t", 1, "half");
    let mut producer = Producer::init(&mut connection, "id", Protocol::Two);
    for round in 0..3 {
        producer.write(&mut connection, "t", 0, &round.to_string());
        assert_eq!(producer.end(&mut connection, true), None);
    }
    assert_eq!(
        committed_values(&mut connection, "t", 0),
        ["0", "1"],
        "the third is still open"
    );
    assert_eq!(
        committed_values(&mut connection, "t", 1),
        ["half"],
        "committed by somebody else"
    );
    let entries = told(dir.path(), bug, JournalEvent::EndedWrongly);
    assert_eq!((entries.len(), entries[0].producer_id), (1, victim.id));
}

#[test]
fn marker_in_one_partition_only_leaves_the_others_open() {
    let dir = tempfile::tempdir().expect("dir");
    let bug = Bug::MarkerInOnePartitionOnly;
    let (_broker, mut connection) = with_bug(dir.path(), bug);
    let mut producer = Producer::init(&mut connection, "id", Protocol::Two);
    for round in 0..3 {
        for partition in 0..2 {
            producer.write(&mut connection, "t", partition, &round.to_string());
        }
        assert_eq!(producer.end(&mut connection, true), None);
    }
    assert_eq!(committed_values(&mut connection, "t", 0), ["0", "1", "2"]);
    assert_eq!(committed_values(&mut connection, "t", 1), ["0", "1"], "stuck");
    let entries = told(dir.path(), bug, JournalEvent::LeftOpen);
    assert_eq!((entries.len(), entries[0].partition), (1, 1));
}
