//! Groups of two members: partitions are shared, a member comes and goes, and every record is read.

use std::collections::BTreeSet;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};

use super::{Notes, assigned, consumer, locked, poll_until, produce, producer, topic};
use crate::arm::Arm;

const PARTITIONS: i32 = 4;

fn two_members_share_with_range(arm: &mut Arm) {
    shared(arm, "range");
}

fn two_members_share_with_cooperative_sticky(arm: &mut Arm) {
    shared(arm, "cooperative-sticky");
}

fn shared(arm: &Arm, strategy: &str) {
    let name = format!("group-{strategy}");
    topic(arm, &name, PARTITIONS, &[]);
    let writer = producer(arm, &[]);
    let member = |id: &str| {
        let client = consumer(
            arm,
            &name,
            &[("partition.assignment.strategy", strategy), ("client.id", id)],
        );
        client.subscribe(&[&name]).expect("subscribed");
        client
    };
    let all: Vec<i32> = (0..PARTITIONS).collect();

    let first = member("first");
    poll_until(&[&first], "the first member has all", |_| assigned(&first) == all);
    write(&writer, &name, 0..50);
    let read = poll_until(&[&first], "the first member reads all", |read| read.len() == 200);
    every(&read, 0..50);
    first
        .commit_consumer_state(CommitMode::Sync)
        .expect("offsets are committed");
    locked(&first.context().revoked).clear();

    let second = member("second");
    let halves = || halved(&first, &second);
    poll_until(&[&first, &second], "each member has half", |_| halves());
    let revoked = locked(&first.context().revoked).len();
    match strategy {
        "range" => assert_eq!(revoked, 4, "an eager member gives back everything"),
        _ => assert_eq!(revoked, 2, "a cooperative member keeps what stays its own"),
    }
    write(&writer, &name, 50..100);
    let read = poll_until(&[&first, &second], "both read all", |read| read.len() >= 200);
    every(&read, 50..100);
    second
        .commit_consumer_state(CommitMode::Sync)
        .expect("offsets are committed");
    first
        .commit_consumer_state(CommitMode::Sync)
        .expect("offsets are committed");

    // It says that it leaves: no session has to run out.
    drop(first);
    poll_until(&[&second], "the second member has all", |_| {
        assigned(&second) == all
    });
    write(&writer, &name, 100..150);
    let read = poll_until(&[&second], "the second member reads all", |read| {
        read.len() >= 200
    });
    every(&read, 100..150);
}

fn halved(first: &BaseConsumer<Notes>, second: &BaseConsumer<Notes>) -> bool {
    let (one, two) = (assigned(first), assigned(second));
    let both: BTreeSet<i32> = one.iter().chain(&two).copied().collect();
    one.len() == 2 && two.len() == 2 && both.len() == 4
}

fn write(writer: &rdkafka::producer::ThreadedProducer<Notes>, name: &str, values: std::ops::Range<u32>) {
    for partition in 0..PARTITIONS {
        produce(writer, name, partition, values.clone());
    }
}

/// Each value once from each partition, in order: what was committed is not read again.
#[track_caller]
fn every(read: &[(i32, String)], values: std::ops::Range<u32>) {
    for partition in 0..PARTITIONS {
        let of = read
            .iter()
            .filter(|(from, _)| *from == partition)
            .map(|(_, value)| value.clone());
        assert!(
            of.eq(values.clone().map(|number| format!("value-{number}"))),
            "partition {partition}: {read:?}"
        );
    }
}

on_both!(
    two_members_share_with_range,
    two_members_share_with_cooperative_sticky
);
