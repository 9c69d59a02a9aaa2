//! Connections that lose their way: `black-hole`, `half-open`, `reset`.

use std::time::Duration;

use highwater_model::history::{FaultChange, ResponseFate};
use highwater_proxy::{Direction, RuleSpec, Scope, Watch};
use rdkafka::consumer::Consumer as _;
use rdkafka::producer::Producer as _;

use crate::arm::{Arm, until};
use crate::behind::{Behind, With, rule, scope, standing};
use crate::clients::{consumer, idempotent, plain, producer_at, read_until, send, send_and_wait, send_each};

const HURRY: [(&str, &str); 1] = [("socket.timeout.ms", "1000")];

/// Begins at the second record and outlasts the patience of [`HURRY`].
fn hole(topic: &str, direction: Direction) -> RuleSpec {
    rule("black-hole", "Produce")
        .topic(topic)
        .nth(2)
        .with(|settings| {
            settings.direction = Some(direction);
            settings.lasting = Some(Duration::from_millis(2_500));
        })
}

/// The record arrives, its answer does not: the client repeats it.
fn answers_that_do_not_come(arm: &Arm) {
    for (topic, twice) in [("hole-answers-plain", true), ("hole-answers-idempotent", false)] {
        arm.topic(topic, 1);
        let behind = Behind::new(arm, vec![hole(topic, Direction::ToClient)]);
        let client = if twice {
            plain(&behind, &HURRY)
        } else {
            idempotent(&behind, &HURRY)
        };
        assert_eq!(send_and_wait(&client, topic, "a"), Ok(0));
        assert_eq!(send_and_wait(&client, topic, "b"), Ok(if twice { 2 } else { 1 }));
        assert!(
            client.context().has_said("Timed out"),
            "{:?}",
            client.context().said()
        );
        behind.until("it is lifted", |history| {
            !history.changes(FaultChange::Lifted).is_empty()
        });
        let expected: &[&str] = if twice { &["a", "b", "b"] } else { &["a", "b"] };
        assert_eq!(arm.log(topic), expected);
        let history = behind.stop();
        let produced = history.produces(topic);
        assert_eq!(history.fired_at(), [Some(produced[1].id)]);
        assert_ne!(produced[1].connection, produced[2].connection);
    }
}

/// Requests do not arrive until the hole is gone: then they do, and their client has long repeated them.
fn requests_that_arrive_when_it_is_lifted(arm: &Arm) {
    for (topic, twice) in [("hole-requests-plain", true), ("hole-requests-idempotent", false)] {
        arm.topic(topic, 1);
        let behind = Behind::new(arm, vec![hole(topic, Direction::ToBroker)]);
        let client = if twice {
            plain(&behind, &HURRY)
        } else {
            idempotent(&behind, &HURRY)
        };
        assert_eq!(send_each(&client, topic, &["a", "b", "c"]), [Ok(0), Ok(1), Ok(2)]);
        assert!(
            client.context().has_said("Timed out"),
            "{:?}",
            client.context().said()
        );
        behind.until("the late request is answered", |history| {
            !history.produces(topic)[1].answers.is_empty()
        });
        let expected: &[&str] = if twice {
            &["a", "b", "c", "b"]
        } else {
            &["a", "b", "c"]
        };
        assert_eq!(arm.log(topic), expected);
        // Whether the proxy knows already that its client is gone is a matter of microseconds.
        let late = &behind.stop().produces(topic)[1];
        assert!(
            [ResponseFate::ClientGone, ResponseFate::Delivered].contains(&late.answers[0].0),
            "{late:?}"
        );
    }
}

/// Nothing passes from the beginning on, in both directions; when it is lifted everything goes on by itself.
fn a_network_that_comes_late(arm: &Arm) {
    let topic = "hole-window";
    let lifted = Duration::from_secs(3);
    arm.topic(topic, 1);
    let closed = standing("black-hole", "plain").when(|trigger| trigger.until = Some(lifted));
    let behind = Behind::new(arm, vec![closed]);
    let client = plain(
        &behind,
        &[
            ("socket.timeout.ms", "1000"),
            ("api.version.request.timeout.ms", "1000"),
        ],
    );
    assert_eq!(send_and_wait(&client, topic, "a"), Ok(0));
    assert!(behind.clock() >= lifted);
    assert!(
        client.context().has_said("Timed out"),
        "{:?}",
        client.context().said()
    );
    assert_eq!(arm.log(topic), ["a"]);
    let history = behind.stop();
    assert!(history.counts().1 >= 1);
    let ended = history.changes(FaultChange::Lifted);
    assert!(ended.len() == 1 && ended[0].0 >= lifted, "{ended:?}");
}

/// The broker's side is closed and the client is not told: it waits until its own limit.
fn a_client_that_believes_in_its_connection(arm: &Arm) {
    let topic = "half-open-broker";
    arm.topic(topic, 1);
    let half = rule("half-open", "Produce").topic(topic).nth(2);
    let behind = Behind::new(
        arm,
        vec![half.with(|settings| settings.direction = Some(Direction::ToBroker))],
    );
    let client = idempotent(&behind, &HURRY);
    assert_eq!(send_each(&client, topic, &["a", "b", "c"]), [Ok(0), Ok(1), Ok(2)]);
    assert!(
        client.context().has_said("Timed out"),
        "{:?}",
        client.context().said()
    );
    assert_eq!(arm.log(topic), ["a", "b", "c"]);
    let history = behind.stop();
    let produced = history.produces(topic);
    assert!(
        produced[1].answers.is_empty() && produced[1].unanswered,
        "{produced:?}"
    );
    assert_eq!(produced[2].sequence(), 1, "asked again");
    assert_eq!(history.fired_at(), [Some(produced[1].id)]);
}

/// The client's side is closed and the broker is not told: the client repeats at once, the broker keeps both.
fn a_broker_that_believes_in_its_connection(arm: &Arm) {
    let topic = "half-open-client";
    arm.topic(topic, 1);
    let half = rule("half-open", "Produce").topic(topic).nth(2);
    let behind = Behind::new(
        arm,
        vec![half.with(|settings| settings.direction = Some(Direction::ToClient))],
    );
    let client = plain(&behind, &[]);
    assert_eq!(send_and_wait(&client, topic, "a"), Ok(0));
    assert_eq!(send_and_wait(&client, topic, "b"), Ok(2));
    behind.until("the broker's answer is known", |history| {
        !history.produces(topic)[1].answers.is_empty()
    });
    assert_eq!(arm.log(topic), ["a", "b", "b"]);
    let halved = behind.so_far().produces(topic)[1].connection;
    drop(client);
    let history = behind.stop();
    let first = &history.produces(topic)[1];
    assert_eq!(first.answers[0].0, ResponseFate::ClientGone);
    let ended = history.disconnections();
    let (_, _, reason) = ended.iter().find(|(id, ..)| *id == halved).expect("it ended");
    assert_eq!(reason, "the proxy stopped", "until then the broker had it open");
}

/// The client is told by TCP and connects again.
fn a_connection_that_is_reset(arm: &Arm) {
    let topic = "reset-request";
    arm.topic(topic, 1);
    let behind = Behind::new(arm, vec![rule("reset", "Produce").topic(topic).nth(2)]);
    let client = idempotent(&behind, &[]);
    assert_eq!(send_each(&client, topic, &["a", "b", "c"]), [Ok(0), Ok(1), Ok(2)]);
    assert!(
        client.context().has_said("reset by peer"),
        "{:?}",
        client.context().said()
    );
    assert_eq!(arm.log(topic), ["a", "b", "c"]);
    let history = behind.stop();
    let produced = history.produces(topic);
    assert!(produced[1].unanswered, "{:?}", produced[1]);
    assert_eq!((produced.len(), produced[2].sequence()), (4, 1));
    assert_eq!(
        (history.counts(), history.fired_at()),
        ((4, 1), vec![Some(produced[1].id)])
    );
}

/// All connections of a client at once, in the middle of reading: it connects again and goes on where it was.
fn every_connection_of_a_reader_is_reset(arm: &Arm) {
    let topic = "reset-reader";
    arm.topic(topic, 1);
    let direct = producer_at(&arm.address().to_string(), "direct", &[]);
    let fetches = Watch {
        scope: Scope {
            client_id: Some(topic.to_owned()),
            ..scope("Fetch")
        },
        nth: 5,
        answered: false,
    };
    let behind = Behind::new(
        arm,
        vec![standing("reset", topic).when(|trigger| trigger.after = Some(fetches))],
    );
    let reader = consumer(&behind, topic, &[]);
    reader.subscribe(&[topic]).expect("subscribed");
    send_each(&direct, topic, &["a", "b"]);
    read_until(&reader, "the first records", |read| read == ["a", "b"]);
    let mut read = read_until(&reader, "the reset", |_| {
        !behind.so_far().changes(FaultChange::Fired).is_empty()
    });
    for value in ["c", "d"] {
        send(&direct, topic, 0, value);
    }
    let seen = read.len();
    read.extend(read_until(&reader, "the last records", |more| {
        seen + more.len() == 2
    }));
    assert_eq!(read, ["c", "d"]);
    until("the client has said so", || {
        reader.poll(Duration::from_millis(10));
        reader.context().has_said("reset by peer")
    });
    drop(reader);
    let history = behind.stop();
    assert!(
        history.counts().1 >= 2,
        "more than one connection: {:?}",
        history.counts()
    );
}

on_both!(
    answers_that_do_not_come,
    requests_that_arrive_when_it_is_lifted,
    a_network_that_comes_late,
    a_client_that_believes_in_its_connection,
    a_broker_that_believes_in_its_connection,
    a_connection_that_is_reset,
    every_connection_of_a_reader_is_reset,
);
