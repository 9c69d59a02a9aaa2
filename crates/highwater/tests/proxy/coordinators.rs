//! `move-coordinator`: groups and transactions whose coordinator seems to be elsewhere, again and again.

use std::collections::BTreeSet;
use std::time::Duration;

use highwater_model::history::{RequestFate, ResponseFate};
use highwater_proxy::RuleSpec;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::producer::Producer as _;
use rdkafka::{Offset, TopicPartitionList};

use crate::arm::{Arm, PATIENCE, until};
use crate::behind::{Behind, History, With, rule};
use crate::clients::{
    Consumer, Producer, consumer, consumer_at, producer_at, read_until, send, send_and_wait, text,
    transactional,
};

const NOT_COORDINATOR: i16 = 16;

pub(crate) fn moving(apis: &[&str], every: u64) -> RuleSpec {
    let mut moving = rule("move-coordinator", "").when(|trigger| trigger.every = Some(every));
    moving.scope.apis = apis.iter().map(|api| (*api).to_owned()).collect();
    moving
}

/// Requests of an API were refused by the rule and never by a broker: a stand-in leads to the real coordinator. What
/// was not refused came over connections to both.
#[track_caller]
pub(crate) fn assert_moved(history: &History, api: &str) {
    let (told, passed): (Vec<_>, Vec<_>) = history
        .of(api)
        .into_iter()
        .partition(|one| one.fate == RequestFate::Rejected);
    assert!(told.len() >= 2, "{api} was refused {} times", told.len());
    assert!(
        told.iter().all(|one| one.error() == Some(NOT_COORDINATOR)),
        "{told:?}"
    );
    let by_broker = passed.iter().find(|one| one.error() == Some(NOT_COORDINATOR));
    assert!(by_broker.is_none(), "{by_broker:?}");
    let connections: BTreeSet<_> = passed.iter().map(|one| one.connection).collect();
    assert!(connections.len() >= 2, "{api} went one way only");
    let nodes: BTreeSet<_> = connections.iter().map(|one| history.node_of(*one)).collect();
    assert_eq!(nodes.len(), 1, "and always to the same broker");
    let asked = history.of("FindCoordinator");
    let answered = |wanted| {
        let mut fates = asked.iter().flat_map(|one| &one.answers);
        fates.any(|(fate, _)| *fate == wanted)
    };
    assert!(answered(ResponseFate::Altered), "no coordinator was moved");
    assert!(answered(ResponseFate::Delivered), "none moved back");
}

pub(crate) fn committed(arm: &Arm, group: &str, topic: &str) -> Offset {
    let keeper = consumer_at(&arm.address().to_string(), group, &[]);
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, 0);
    let found = keeper.committed_offsets(asked, PATIENCE).expect("an answer");
    found.elements()[0].offset()
}

/// Every third commit is told to go elsewhere: all arrive, one after the other.
fn commits_go_on(arm: &Arm) {
    let group = "moved-group";
    arm.topic(group, 1);
    let direct = producer_at(&arm.address().to_string(), "direct", &[]);
    let behind = Behind::new(arm, vec![moving(&["OffsetCommit"], 3)]);
    let reader = consumer(&behind, group, &[]);
    reader.subscribe(&[group]).expect("subscribed");
    for number in 0..10_i64 {
        send_and_wait(&direct, group, &number.to_string()).expect("stored");
        read_until(&reader, "the record", |read| read == [number.to_string()]);
        until("it is committed", || {
            reader.commit_consumer_state(CommitMode::Sync).is_ok()
        });
    }
    assert_eq!(committed(arm, group, group), Offset::Offset(10));
    assert_eq!(reader.context().revoked(), 0, "the member kept what it had");
    drop(reader);
    assert_moved(&behind.stop(), "OffsetCommit");
}

/// Takes up to five records and writes them in the transaction that is open; gives the offset after the last.
fn transform(reader: &Consumer, writer: &Producer, to: &str, from: i64, end: i64) -> i64 {
    let mut next = from;
    until("records to transform", || {
        if let Some(Ok(message)) = reader.poll(Duration::from_millis(20)) {
            assert_eq!(message.offset(), next);
            next += 1;
            send(writer, to, 0, &text(&message));
        }
        next == (from + 5).min(end)
    });
    next
}

/// Reads, writes and commits in transactions, every third of which is given up, while both coordinators move: what is
/// committed is each record once.
fn exactly_once_is_kept(arm: &Arm) {
    const RECORDS: i64 = 30;
    let (from, to) = ("moved-in", "moved-out");
    arm.topic(from, 1);
    arm.topic(to, 1);
    let direct = producer_at(&arm.address().to_string(), "direct", &[]);
    for number in 0..RECORDS {
        send(&direct, from, 0, &number.to_string());
    }
    direct.flush(PATIENCE).expect("stored");
    let rules = vec![
        moving(&["TxnOffsetCommit"], 2),
        moving(&["AddOffsetsToTxn", "EndTxn"], 3),
    ];
    let behind = Behind::new(arm, rules);
    let reader = consumer(&behind, from, &[("isolation.level", "read_committed")]);
    reader.subscribe(&[from]).expect("subscribed");
    let writer = transactional(&behind, to, &[]);
    let mut done = 0;
    for round in 1.. {
        if done == RECORDS {
            break;
        }
        writer.begin_transaction().expect("begun");
        let next = transform(&reader, &writer, to, done, RECORDS);
        if round % 3 == 0 {
            writer.flush(PATIENCE).expect("answered");
            writer.abort_transaction(PATIENCE).expect("aborted");
            until("back to where it was", || {
                reader.seek(from, 0, Offset::Offset(done), PATIENCE).is_ok()
            });
            continue;
        }
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset(from, 0, Offset::Offset(next))
            .expect("an offset");
        let group = reader.group_metadata().expect("a group");
        until("offsets are sent", || {
            match writer.send_offsets_to_transaction(&offsets, &group, PATIENCE) {
                Ok(()) => true,
                Err(KafkaError::Transaction(error)) if error.is_retriable() => false,
                Err(error) => panic!("{error}"),
            }
        });
        writer.commit_transaction(PATIENCE).expect("committed");
        done = next;
    }
    let expected: Vec<String> = (0..RECORDS).map(|number| number.to_string()).collect();
    assert_eq!(arm.committed(to), expected);
    assert!(arm.log(to).len() > expected.len(), "some were given up");
    assert_eq!(committed(arm, from, from), Offset::Offset(RECORDS));
    drop(reader);
    let history = behind.stop();
    for api in ["TxnOffsetCommit", "EndTxn"] {
        assert_moved(&history, api);
    }
}

mod on_three_dev_brokers {
    use crate::arm::Arm;

    #[test]
    fn commits_go_on() {
        super::commits_go_on(&Arm::dev_of_three());
    }

    #[test]
    fn exactly_once_is_kept() {
        super::exactly_once_is_kept(&Arm::dev_of_three());
    }
}

on_both!(commits_go_on, exactly_once_is_kept);
