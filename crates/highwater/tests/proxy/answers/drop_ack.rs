//! `drop-ack`: what was asked for is done, and the client does not know.

use std::time::{Duration, Instant};

use highwater_model::history::{RequestFate, ResponseFate};
use highwater_proxy::Then;
use rdkafka::producer::Producer as _;

use super::{THROUGH, assert_fates};
use crate::arm::{Arm, PATIENCE};
use crate::behind::{Behind, Exchange, With, rule};
use crate::clients::{idempotent, plain, send, send_and_wait, send_each, transactional};

const CONCURRENT_TRANSACTIONS: i16 = 51;
const LOST: (RequestFate, &[ResponseFate]) = (RequestFate::Forwarded, &[ResponseFate::Discarded]);

/// The client tries again, and the broker knows the sequence.
fn an_idempotent_record_is_stored_once(arm: &Arm) {
    let topic = "drop-ack-idempotent";
    arm.topic(topic, 1);
    let behind = Behind::new(arm, vec![rule("drop-ack", "Produce").topic(topic).nth(2)]);
    let client = idempotent(&behind, &[]);
    assert_eq!(send_each(&client, topic, &["a", "b", "c"]), [Ok(0), Ok(1), Ok(2)]);
    assert_eq!(arm.log(topic), ["a", "b", "c"]);
    let history = behind.stop();
    let produced = history.produces(topic);
    assert_fates(&produced, &[THROUGH, LOST, THROUGH, THROUGH]);
    let sequences: Vec<_> = produced.iter().map(Exchange::sequence).collect();
    assert_eq!(sequences, [0, 1, 1, 2], "the second attempt says that it is one");
    assert_ne!(
        produced[1].connection, produced[2].connection,
        "on a connection of its own"
    );
    assert_eq!(history.counts(), (4, 1));
    assert_eq!(history.fired_at(), [Some(produced[1].id)]);
}

/// The client tries again, and the broker stores it again.
fn a_plain_record_is_stored_twice(arm: &Arm) {
    let topic = "drop-ack-plain";
    arm.topic(topic, 1);
    let behind = Behind::new(arm, vec![rule("drop-ack", "Produce").topic(topic).nth(2)]);
    let client = plain(&behind, &[]);
    assert_eq!(send_each(&client, topic, &["a", "b", "c"]), [Ok(0), Ok(2), Ok(3)]);
    assert_eq!(arm.log(topic), ["a", "b", "b", "c"]);
    assert_fates(&behind.stop().produces(topic), &[THROUGH, LOST, THROUGH, THROUGH]);
}

/// Nothing comes, not even the end of the connection: the client waits as long as it is told to.
fn silence_lasts_until_the_client_gives_up(arm: &Arm) {
    let topic = "drop-ack-silence";
    arm.topic(topic, 1);
    let dropped = rule("drop-ack", "Produce")
        .topic(topic)
        .nth(2)
        .with(|settings| settings.then = Some(Then::Silence));
    let behind = Behind::new(arm, vec![dropped]);
    let client = idempotent(&behind, &[("socket.timeout.ms", "1000")]);
    assert_eq!(send_and_wait(&client, topic, "a"), Ok(0));
    let asked = Instant::now();
    assert_eq!(send_and_wait(&client, topic, "b"), Ok(1));
    assert!(asked.elapsed() >= Duration::from_secs(1), "{:?}", asked.elapsed());
    assert!(
        client.context().has_said("Timed out"),
        "{:?}",
        client.context().said()
    );
    assert_eq!(arm.log(topic), ["a", "b"]);
    assert_fates(&behind.stop().produces(topic), &[THROUGH, LOST, THROUGH]);
}

/// A commit that was done and not confirmed: the client asks again and is told the same.
fn a_commit_in_doubt_is_asked_for_again(arm: &Arm) {
    let topic = "drop-ack-commit";
    arm.topic(topic, 1);
    let behind = Behind::new(arm, vec![rule("drop-ack", "EndTxn").nth(1)]);
    let client = transactional(&behind, topic, &[]);
    for value in ["a", "b"] {
        client.begin_transaction().expect("begun");
        send(&client, topic, 0, value);
        client.commit_transaction(PATIENCE).expect("committed");
    }
    assert_eq!(arm.committed(topic), ["a", "b"]);
    assert_eq!(arm.log(topic), ["a", "b"]);
    let mut ends = behind.stop().of("EndTxn");
    // Kafka's coordinator may be busy with the first end when it is asked again.
    ends.retain(|end| end.error() != Some(CONCURRENT_TRANSACTIONS));
    assert_fates(&ends, &[LOST, THROUGH, THROUGH]);
    assert!(ends.iter().all(|end| end.error() == Some(0)), "{ends:?}");
}

on_both!(
    an_idempotent_record_is_stored_once,
    a_plain_record_is_stored_twice,
    silence_lasts_until_the_client_gives_up,
    a_commit_in_doubt_is_asked_for_again,
);
