//! `move-coordinator`: groups whose coordinator seems to be elsewhere, again and again.

use highwater_model::history::{RequestFate, ResponseFate};
use highwater_proxy::RuleSpec;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use crate::arm::{Arm, PATIENCE, until};
use crate::behind::{Behind, History, With, rule};
use crate::clients::{consumer, consumer_at, producer_at, read_until, send_and_wait};

const NOT_COORDINATOR: i16 = 16;

fn moving(apis: &[&str], every: u64) -> RuleSpec {
    let mut moving = rule("move-coordinator", "").when(|trigger| trigger.every = Some(every));
    moving.scope.apis = apis.iter().map(|api| (*api).to_owned()).collect();
    moving
}

/// Requests that were told that the coordinator is elsewhere, and the addresses that were given instead.
#[track_caller]
fn assert_moved(history: &History, api: &str) {
    let told: Vec<_> = history
        .of(api)
        .into_iter()
        .filter(|one| one.fate == RequestFate::Rejected)
        .collect();
    assert!(!told.is_empty(), "{api} was never refused");
    assert!(
        told.iter().all(|one| one.error() == Some(NOT_COORDINATOR)),
        "{told:?}"
    );
    let asked = history.of("FindCoordinator");
    let altered = asked
        .iter()
        .filter(|one| one.answers.iter().any(|(fate, _)| *fate == ResponseFate::Altered));
    assert!(altered.count() > 0, "no address was altered");
}

fn committed(arm: &Arm, group: &str, topic: &str) -> Offset {
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

mod on_three_dev_brokers {
    use crate::arm::Arm;

    #[test]
    fn commits_go_on() {
        super::commits_go_on(&Arm::dev_of_three());
    }
}

on_both!(commits_go_on);
