//! The broker is killed: what was committed is where a group goes on, and an idempotent producer goes on as well.

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::{consumer, poll_until, produce, producer, topic};
use crate::arm::{Arm, PATIENCE, until};

fn a_group_goes_on_where_it_committed_after_a_crash(arm: &mut Arm) {
    let name = "committed";
    topic(arm, name, 1, &[]);
    let writer = producer(arm, &[]);
    produce(&writer, name, 0, 0..100);
    let client = consumer(arm, name, &[]);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(name, 0, Offset::Offset(60))
        .expect("an offset");
    list.find_partition(name, 0)
        .expect("the partition")
        .set_metadata("as far as sixty");
    // A coordinator that has only just been made or started is not there at once; then it is for the client to ask
    // again.
    until("it is committed", || {
        !not_yet(&client.commit(&list, CommitMode::Sync))
    });

    arm.crash();

    produce(&writer, name, 0, 100..120);
    let client = consumer(arm, name, &[]);
    let mut asked = TopicPartitionList::new();
    asked.add_partition(name, 0);
    let mut committed = client.committed_offsets(asked.clone(), PATIENCE);
    until("an answer", || {
        let again = not_yet(&committed);
        if again {
            committed = client.committed_offsets(asked.clone(), PATIENCE);
        }
        !again
    });
    let committed = committed.expect("an answer");
    let committed = committed.find_partition(name, 0).expect("the partition");
    assert_eq!(
        (committed.offset(), committed.metadata()),
        (Offset::Offset(60), "as far as sixty")
    );
    client.subscribe(&[name]).expect("subscribed");
    let read = poll_until(&[&client], "the rest", |read| read.len() >= 60);
    let read: Vec<&str> = read.iter().map(|(_, value)| value.as_str()).collect();
    let expected: Vec<String> = (60..120).map(|number| format!("value-{number}")).collect();
    assert_eq!(read, expected);
}

/// Whether the coordinator was not there; any other error is one.
fn not_yet<T>(answer: &KafkaResult<T>) -> bool {
    match answer.as_ref().map_err(KafkaError::rdkafka_error_code) {
        Ok(_) => false,
        Err(Some(
            RDKafkaErrorCode::NotCoordinator
            | RDKafkaErrorCode::CoordinatorNotAvailable
            | RDKafkaErrorCode::CoordinatorLoadInProgress,
        )) => true,
        Err(other) => panic!("{other:?}"),
    }
}

on_both_alone!(a_group_goes_on_where_it_committed_after_a_crash);
