//! When rules fire: the same for every fault, shown with requests that are refused.

use std::time::Duration;

use highwater_model::history::RequestFate;
use highwater_proxy::{RuleSpec, Scope, Trigger, Watch};
use rdkafka::producer::Producer as _;

use crate::arm::{Arm, PATIENCE};
use crate::behind::{Behind, With, rule, scope};
use crate::clients::{idempotent, plain, send, send_and_wait, transactional};

/// Refuses requests in a way that the client repeats them.
fn refusing(topic: &str, trigger: Trigger) -> RuleSpec {
    let mut refusing = rule("reject", "Produce").topic(topic);
    refusing.trigger = trigger;
    refusing.with(|settings| settings.error = Some("NOT_ENOUGH_REPLICAS".to_owned()))
}

/// Sends records until there were so many requests; which of them were refused, from 1?
fn refused(arm: &Arm, topic: &str, trigger: Trigger, seed: u64, requests: usize) -> Vec<usize> {
    let behind = Behind::seeded(arm, vec![refusing(topic, trigger)], seed);
    let client = plain(&behind, &[]);
    while behind.so_far().produces(topic).len() < requests {
        send_and_wait(&client, topic, "x").expect("stored");
    }
    let history = behind.stop();
    let produced = history.produces(topic);
    let refused = |at: &usize| produced[at - 1].fate == RequestFate::Rejected;
    let all: Vec<usize> = (1..=produced.len()).filter(refused).collect();
    let (matched, fired) = history.counts();
    assert_eq!(fired, all.len() as u64);
    assert!(matched <= produced.len() as u64);
    all.into_iter().filter(|at| *at <= requests).collect()
}

fn requests_are_counted(arm: &Arm) {
    let topic = "trigger-counts";
    arm.topic(topic, 1);
    let cases = [
        (
            "nth",
            Trigger {
                nth: Some(4),
                ..Trigger::default()
            },
            vec![4],
        ),
        (
            "every",
            Trigger {
                every: Some(3),
                ..Trigger::default()
            },
            vec![3, 6, 9],
        ),
        (
            "times",
            Trigger {
                times: Some(2),
                ..Trigger::default()
            },
            vec![1, 2],
        ),
        (
            "every and times",
            Trigger {
                every: Some(4),
                times: Some(2),
                ..Trigger::default()
            },
            vec![4, 8],
        ),
    ];
    for (name, trigger, expected) in cases {
        assert_eq!(refused(arm, topic, trigger, 7, 10), expected, "{name}");
    }
}

/// The same seed fires at the same requests, another one at others.
fn chance_has_a_seed(arm: &Arm) {
    let topic = "trigger-chance";
    arm.topic(topic, 1);
    let chance = || Trigger {
        probability: Some(0.3),
        ..Trigger::default()
    };
    let first = refused(arm, topic, chance(), 1, 40);
    assert_eq!(refused(arm, topic, chance(), 1, 40), first);
    assert_ne!(refused(arm, topic, chance(), 2, 40), first);
    assert!((3..=25).contains(&first.len()), "{first:?}");
}

/// Nothing before the window, something in it, nothing after it.
fn windows_open_and_close(arm: &Arm) {
    let topic = "trigger-window";
    arm.topic(topic, 1);
    let (from, until) = (Duration::from_millis(700), Duration::from_millis(2_000));
    let window = Trigger {
        from: Some(from),
        until: Some(until),
        ..Trigger::default()
    };
    let behind = Behind::new(arm, vec![refusing(topic, window)]);
    let client = plain(&behind, &[]);
    // It stops at the first refusal and goes on when the window closes.
    while behind.clock() < until + Duration::from_millis(200) {
        send_and_wait(&client, topic, "x").expect("stored");
    }
    let history = behind.stop();
    let produced = history.produces(topic);
    let refused = |at: Duration| {
        produced
            .iter()
            .filter(move |one| one.at >= at && one.fate == RequestFate::Rejected)
    };
    assert!(refused(from).count() > 0);
    let inside = |at: Duration| at >= from && at < until + Duration::from_millis(200);
    assert!(refused(Duration::ZERO).all(|one| inside(one.at)));
    let last = produced.last().expect("requests");
    assert_eq!(last.fate, RequestFate::Forwarded);
}

/// "After the first Produce of the second transaction to partition 1": the next record there is in doubt.
fn after_an_event(arm: &Arm) {
    let topic = "trigger-after";
    arm.topic(topic, 2);
    let event = Watch {
        scope: Scope {
            transactional_id: Some(topic.to_owned()),
            transaction: Some(2),
            partition: Some(1),
            ..scope("Produce")
        },
        nth: 1,
        answered: false,
    };
    let dropped = rule("drop-ack", "Produce")
        .nth(1)
        .when(|trigger| trigger.after = Some(event));
    let behind = Behind::new(arm, vec![dropped]);
    let client = transactional(&behind, topic, &[]);
    for transaction in 1..=3 {
        client.begin_transaction().expect("begun");
        for (partition, value) in [(1, "x"), (0, "y"), (1, "z")] {
            let value = format!("{transaction}{value}");
            send(&client, topic, partition, &value);
            client.flush(PATIENCE).expect("answered");
        }
        client.commit_transaction(PATIENCE).expect("committed");
    }
    assert_eq!(arm.committed(topic), ["1y", "2y", "3y"]);
    assert_eq!(
        arm.read(topic, 1, "read_committed"),
        ["1x", "1z", "2x", "2z", "3x", "3z"]
    );
    let history = behind.stop();
    let produced = history.produces(topic);
    // Three of the first transaction, the event, and then the one.
    assert_eq!(history.fired_at(), [Some(produced[4].id)]);
    assert_eq!(produced.len(), 10, "one was sent again");
    assert_eq!(history.counts().1, 1);
}

/// Of two rules for one request the first takes it; both have counted it.
fn the_first_of_two_rules_takes_a_request(arm: &Arm) {
    let topic = "trigger-two";
    arm.topic(topic, 1);
    let second = || Trigger {
        nth: Some(2),
        ..Trigger::default()
    };
    let behind = Behind::new(
        arm,
        vec![
            refusing(topic, second()),
            RuleSpec {
                trigger: Trigger {
                    every: Some(2),
                    ..Trigger::default()
                },
                ..rule("drop-ack", "Produce").topic(topic)
            },
        ],
    );
    let client = idempotent(&behind, &[]);
    for value in ["a", "b", "c"] {
        send_and_wait(&client, topic, value).expect("stored");
    }
    assert_eq!(arm.log(topic), ["a", "b", "c"]);
    let produced = behind.stop().produces(topic);
    let rules: Vec<_> = produced.iter().map(|one| one.rule).collect();
    // The rule of a lost answer stands at the answer.
    assert_eq!(rules[1], Some(0));
    assert_eq!(produced.len(), 5, "a, b refused, b, c lost, c: {rules:?}");
}

on_both!(
    requests_are_counted,
    chance_has_a_seed,
    windows_open_and_close,
    after_an_event,
    the_first_of_two_rules_takes_a_request,
);
