//! Transactions: consume, transform, produce, with commits and aborts; isolation; fencing.

use std::time::Duration;

use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};

use super::{Notes, assigned, consumer, poll_until, produce, producer, read_all, send, text, topic, values};
use crate::arm::{Arm, PATIENCE, until};

const RECORDS: u32 = 300;
/// Records of one transaction.
const TOGETHER: usize = 20;

fn transactional(arm: &Arm, id: &str) -> ThreadedProducer<Notes> {
    let client = producer(arm, &[("transactional.id", id)]);
    client
        .init_transactions(PATIENCE)
        .expect("transactions are begun");
    client
}

/// Every third transaction is given up and done again.
fn consume_transform_produce_is_exact(arm: &mut Arm) {
    let (from, to) = ("txn-etl-in", "txn-etl-out");
    topic(arm, from, 1, &[]);
    topic(arm, to, 2, &[]);
    produce(&producer(arm, &[]), from, 0, 0..RECORDS);
    let reader = consumer(arm, "txn-etl", &[("isolation.level", "read_committed")]);
    reader.subscribe(&[from]).expect("subscribed");
    poll_until(&[&reader], "an assignment", |_| {
        // Nothing that is read here counts.
        assigned(&reader) == [0]
    });
    rewind(&reader, from, 0);
    let writer = transactional(arm, "txn-etl");
    let (mut done, mut round, mut given_up) = (0, 0, 0);
    while done < i64::from(RECORDS) {
        writer.begin_transaction().expect("begun");
        let taken = transform(&reader, &writer, to);
        round += 1;
        if round % 3 == 0 {
            // What has not been sent yet would only be thrown away.
            writer.flush(PATIENCE).expect("everything is answered");
            writer.abort_transaction(PATIENCE).expect("aborted");
            given_up += taken;
            rewind(&reader, from, done);
            continue;
        }
        done += i64::from(taken);
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset(from, 0, Offset::Offset(done))
            .expect("an offset");
        let group = reader.group_metadata().expect("a group");
        writer
            .send_offsets_to_transaction(&offsets, &group, PATIENCE)
            .expect("offsets are sent");
        writer.commit_transaction(PATIENCE).expect("committed");
    }
    let mut expected: Vec<String> = (0..RECORDS).map(|number| format!("VALUE-{number}")).collect();
    let mut committed = values(&read_all(arm, to, "read_committed"));
    expected.sort();
    committed.sort();
    assert_eq!(committed, expected, "each record once");
    let everything = values(&read_all(arm, to, "read_uncommitted"));
    assert!(given_up > 0);
    assert_eq!(everything.len(), RECORDS as usize + given_up as usize);
    assert_eq!(reader_offset(&reader, from), Offset::Offset(RECORDS.into()));
}

/// Takes up to [`TOGETHER`] records and writes what becomes of them.
fn transform(reader: &BaseConsumer<Notes>, writer: &ThreadedProducer<Notes>, to: &str) -> u32 {
    let mut taken = Vec::new();
    until("records to transform", || {
        match reader.poll(Duration::from_millis(50)) {
            Some(Ok(message)) => taken.push((message.offset(), text(&message))),
            Some(Err(error)) => panic!("{error}"),
            None => return !taken.is_empty(),
        }
        taken.len() == TOGETHER
    });
    for (offset, value) in &taken {
        let partition = i32::from(offset % 2 == 1);
        let value = value.to_uppercase();
        send(
            writer,
            BaseRecord::<str, _>::to(to).partition(partition).payload(&value),
        );
    }
    u32::try_from(taken.len()).expect("few")
}

fn rewind(reader: &BaseConsumer<Notes>, topic: &str, offset: i64) {
    // Refused as long as the partition is not being read.
    until("back to where it was", || {
        reader.seek(topic, 0, Offset::Offset(offset), PATIENCE).is_ok()
    });
}

fn reader_offset(reader: &BaseConsumer<Notes>, topic: &str) -> Offset {
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, 0);
    let committed = reader.committed_offsets(asked, PATIENCE).expect("an answer");
    committed
        .find_partition(topic, 0)
        .expect("the partition")
        .offset()
}

/// While a transaction is open, nothing behind its first record is shown to those who want only what is committed.
fn an_open_transaction_holds_readers_back(arm: &mut Arm) {
    let name = "txn-open";
    topic(arm, name, 1, &[]);
    let (plain, open) = (producer(arm, &[]), transactional(arm, "txn-open"));
    let numbers = |read: Vec<String>| read.len();
    let seen = |isolation| numbers(values(&read_all(arm, name, isolation)));
    produce(&plain, name, 0, 0..3);
    open.begin_transaction().expect("begun");
    produce(&open, name, 0, 3..5);
    produce(&plain, name, 0, 5..6);
    assert_eq!((seen("read_committed"), seen("read_uncommitted")), (3, 6));
    open.abort_transaction(PATIENCE).expect("aborted");
    assert_eq!((seen("read_committed"), seen("read_uncommitted")), (4, 6));
    open.begin_transaction().expect("begun");
    produce(&open, name, 0, 6..8);
    assert_eq!((seen("read_committed"), seen("read_uncommitted")), (4, 8));
    open.commit_transaction(PATIENCE).expect("committed");
    assert_eq!((seen("read_committed"), seen("read_uncommitted")), (6, 8));
}

/// The second producer with the same id ends the first: its open transaction is aborted, and it can't commit.
fn a_second_producer_fences_the_first(arm: &mut Arm) {
    let name = "txn-fenced";
    topic(arm, name, 1, &[]);
    let first = transactional(arm, name);
    first.begin_transaction().expect("begun");
    produce(&first, name, 0, 0..2);
    let second = transactional(arm, name);
    second.begin_transaction().expect("begun");
    produce(&second, name, 0, 2..4);
    second.commit_transaction(PATIENCE).expect("committed");
    let refused = first
        .commit_transaction(PATIENCE)
        .expect_err("a fenced producer commits nothing");
    assert_eq!(
        refused.rdkafka_error_code(),
        Some(RDKafkaErrorCode::Fenced),
        "{refused}"
    );
    assert_eq!(
        values(&read_all(arm, name, "read_committed")),
        ["value-2", "value-3"]
    );
}

on_both!(
    consume_transform_produce_is_exact,
    an_open_transaction_holds_readers_back,
    a_second_producer_fences_the_first,
);
