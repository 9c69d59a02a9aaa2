//! `freeze-client`: a member of a group that is put out and comes back.

use std::collections::BTreeSet;
use std::time::Duration;

use highwater_model::history::{FaultChange, RequestFacts};
use rdkafka::consumer::{CommitMode, Consumer as _};

use crate::arm::{Arm, until};
use crate::behind::{Behind, With, rule};
use crate::clients::{Consumer, consumer, producer_at, text};

/// Longer than a session of six seconds.
const FROZEN: Duration = Duration::from_secs(9);

/// Reads what there is, and commits it as far as the group lets it.
fn turn(member: &Consumer, read: &mut Vec<(i32, String)>) {
    if let Some(Ok(message)) = member.poll(Duration::from_millis(10)) {
        use rdkafka::Message as _;
        read.push((message.partition(), text(&message)));
        // A member that was put out learns it here; what it did not commit is read again.
        let _ = member.commit_message(&message, CommitMode::Async);
    }
}

fn partitions(member: &Consumer) -> usize {
    member.assignment().expect("an assignment").count()
}

/// Everything that the member sends or gets is kept from it: the group goes on without it, it comes back, and every
/// record is read by somebody.
fn a_member_is_put_out_and_comes_back(arm: &Arm) {
    let group = "freeze";
    arm.topic(group, 2);
    let direct = producer_at(&arm.address().to_string(), "direct", &[]);
    let mut frozen = rule("freeze-client", "Heartbeat").when(|trigger| {
        trigger.nth = Some(1);
        // Not before both have their share.
        trigger.after = Some(highwater_proxy::Watch {
            scope: highwater_proxy::Scope {
                client_id: Some("frozen".to_owned()),
                ..crate::behind::scope("OffsetCommit")
            },
            nth: 1,
            answered: true,
        });
    });
    frozen.scope.client_id = Some("frozen".to_owned());
    let behind = Behind::new(arm, vec![frozen.with(|settings| settings.lasting = Some(FROZEN))]);
    let member = |id: &str| {
        let member = consumer(
            &behind,
            group,
            &[("client.id", id), ("socket.timeout.ms", "2000")],
        );
        member.subscribe(&[group]).expect("subscribed");
        member
    };
    let (one, other) = (member("frozen"), member("other"));
    let mut read = Vec::new();
    until("each has a partition", || {
        turn(&one, &mut read);
        turn(&other, &mut read);
        partitions(&one) == 1 && partitions(&other) == 1
    });
    let mut written = BTreeSet::new();
    let mut write = |from: u32| {
        for number in from..from + 4 {
            let value = number.to_string();
            let partition = (number % 2) as i32;
            crate::clients::send(&direct, group, partition, &value);
            written.insert((partition, value));
        }
        rdkafka::producer::Producer::flush(&direct, crate::arm::PATIENCE).expect("stored");
    };
    write(0);
    until("the member is frozen", || {
        turn(&one, &mut read);
        turn(&other, &mut read);
        !behind.so_far().changes(FaultChange::Fired).is_empty()
    });
    write(10);
    until("the other member has everything", || {
        turn(&one, &mut read);
        turn(&other, &mut read);
        partitions(&other) == 2
    });
    let put_out = behind.clock();
    write(20);
    until("the member is back", || {
        turn(&one, &mut read);
        turn(&other, &mut read);
        partitions(&one) == 1
            && partitions(&other) == 1
            && behind.clock() > put_out + Duration::from_millis(500)
    });
    write(30);
    until("every record is read", || {
        turn(&one, &mut read);
        turn(&other, &mut read);
        read.iter().cloned().collect::<BTreeSet<_>>() == written
    });
    drop((one, other));
    let history = behind.stop();
    let fired = history.changes(FaultChange::Fired)[0].0;
    assert!(
        put_out >= fired + Duration::from_secs(5),
        "not before its session had run out"
    );
    let lifted = fired + FROZEN;
    let joins = history.of("JoinGroup");
    let by_frozen = |connection| history.client_of(connection).as_deref() == Some("frozen");
    let early: Vec<_> = joins
        .iter()
        .filter(|join| by_frozen(join.connection) && join.at > fired && !join.answers.is_empty())
        .filter(|join| history.answered_at(join.id).is_some_and(|at| at < lifted))
        .collect();
    assert!(early.is_empty(), "a frozen client does not join: {early:?}");
    assert!(
        joins
            .iter()
            .any(|join| by_frozen(join.connection) && join.at > fired)
    );
    assert!(matches!(
        joins[0].facts,
        RequestFacts::JoinGroup {
            session_timeout_ms: 6_000,
            ..
        }
    ));
}

on_both!(a_member_is_put_out_and_comes_back);
