//! Right clients on a right broker: no alarm.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::rig::{PATIENCE, Rig, send, until};

const POLL: Duration = Duration::from_millis(50);

/// Reads up to `records` records, or until nothing comes for a while.
fn poll(consumer: &BaseConsumer, records: usize) -> Vec<(i32, i64, String)> {
    let mut read = Vec::new();
    while read.len() < records {
        match consumer.poll(POLL) {
            Some(Ok(message)) => read.push((
                message.partition(),
                message.offset(),
                String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned(),
            )),
            Some(Err(KafkaError::PartitionEOF(_))) => {}
            Some(Err(error)) => panic!("{error}"),
            None if read.is_empty() => {}
            None => break,
        }
    }
    read
}

/// Positions behind what was read.
fn behind(topic: &str, read: &[(i32, i64, String)]) -> TopicPartitionList {
    let mut last = BTreeMap::new();
    for (partition, offset, _) in read {
        last.insert(*partition, offset + 1);
    }
    let mut list = TopicPartitionList::new();
    for (partition, offset) in last {
        list.add_partition_offset(topic, partition, Offset::Offset(offset))
            .unwrap();
    }
    list
}

/// Copies a batch in a transaction; commits or aborts, and rewinds after an abort.
fn copy(consumer: &BaseConsumer, producer: &BaseProducer, commit: bool) -> usize {
    let read = poll(consumer, 20);
    producer.begin_transaction().unwrap();
    for (partition, _, value) in &read {
        let record: BaseRecord<'_, str, str> = BaseRecord::to("out").partition(*partition).payload(value);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    producer
        .send_offsets_to_transaction(
            &behind("in", &read),
            &consumer.group_metadata().unwrap(),
            PATIENCE,
        )
        .unwrap();
    if commit {
        producer.commit_transaction(PATIENCE).unwrap();
        return read.len();
    }
    producer.abort_transaction(PATIENCE).unwrap();
    let first = read.iter().fold(
        BTreeMap::new(),
        |mut first: BTreeMap<i32, i64>, (partition, offset, _)| {
            first.entry(*partition).or_insert(*offset);
            first
        },
    );
    for (partition, offset) in first {
        consumer
            .seek("in", partition, Offset::Offset(offset), PATIENCE)
            .unwrap();
    }
    0
}

#[test]
fn an_exactly_once_copy() {
    let rig = Rig::start(&[], Vec::new(), |_| {});
    rig.topic("in", 2, &[]);
    rig.topic("out", 2, &[]);
    let feed = rig.producer("feed", &[("enable.idempotence", "true")]);
    for partition in 0..2 {
        send(
            &feed,
            "in",
            partition,
            (0..50).map(|number| format!("{partition}-{number}")),
        );
    }
    let consumer = rig.consumer("copy", "g", &["in"], &[("isolation.level", "read_committed")]);
    let producer = rig.producer("copy", &[("transactional.id", "copy-1")]);
    let mut copied = 0;
    let mut round = 0;
    while copied < 100 {
        round += 1;
        copied += copy(&consumer, &producer, round % 3 != 0);
    }
    let reader = rig.consumer(
        "sink",
        "sinks",
        &["out"],
        &[("isolation.level", "read_committed")],
    );
    let mut read = 0;
    until("the sink got everything", || {
        read += poll(&reader, 100 - read).len();
        read == 100
    });
    drop((consumer, producer, reader, feed));
    let checked = rig.check(&["in", "out"]);
    assert_eq!(checked.found(), BTreeMap::new(), "{:#?}", checked.findings);
}

#[test]
fn plain_consumers_that_come_and_go() {
    let rig = Rig::start(&[], Vec::new(), |_| {});
    rig.topic("in", 4, &[]);
    let feed = rig.producer("feed", &[]);
    for partition in 0..4 {
        send(
            &feed,
            "in",
            partition,
            (0..50).map(|number| format!("{partition}-{number}")),
        );
    }
    let names = ["a", "a", "b"];
    let mut members: Vec<BaseConsumer> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        members.push(rig.consumer(name, "g", &["in"], &[]));
        until("every member has partitions", || {
            for member in &members {
                if let Some(Ok(message)) = member.poll(POLL) {
                    seen.insert((message.partition(), message.offset()));
                    member.commit_message(&message, CommitMode::Sync).ok();
                }
            }
            members
                .iter()
                .all(|member| member.assignment().is_ok_and(|assigned| assigned.count() > 0))
        });
    }
    // One goes without a word about what it read last.
    drop(members.remove(0));
    until("everything was read", || {
        for member in &members {
            if let Some(Ok(message)) = member.poll(POLL) {
                seen.insert((message.partition(), message.offset()));
                member.commit_message(&message, CommitMode::Async).ok();
            }
        }
        seen.len() == 200
    });
    drop((members, feed));
    let checked = rig.check(&["in"]);
    assert_eq!(checked.found(), BTreeMap::new(), "{:#?}", checked.findings);
}
