//! `hold`: what was sent earlier arrives later, even after its client has hung up.

use std::time::{Duration, Instant};

use highwater_model::history::{RequestFate, ResponseFate};
use highwater_proxy::Direction;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::Producer as _;

use crate::arm::{Arm, PATIENCE, until};
use crate::behind::{Behind, Exchange, With, answered, rule, scope};
use crate::clients::{idempotent, plain, send, send_and_wait, send_each, transactional};

const OUT_OF_ORDER: i16 = 45;

/// The second record overtakes the first, as it can with more than one request in flight.
fn a_plain_record_is_overtaken(arm: &Arm) {
    let topic = "hold-plain";
    arm.topic(topic, 1);
    let held = rule("hold", "Produce").topic(topic).nth(2);
    let held = held.with(|settings| settings.release_after = Some(answered(scope("Produce"))));
    let behind = Behind::new(arm, vec![held]);
    let client = plain(&behind, &[]);
    assert_eq!(send_and_wait(&client, topic, "a"), Ok(0));
    send(&client, topic, 0, "b");
    behind.until("b is held", |history| history.produces(topic).len() == 2);
    send(&client, topic, 0, "c");
    until("both are answered", || client.context().delivered().len() == 3);
    let delivered = client.context().delivered();
    assert_eq!(delivered[1..], [("b".to_owned(), Ok(2)), ("c".to_owned(), Ok(1))]);
    assert_eq!(arm.log(topic), ["a", "c", "b"]);
    let history = behind.stop();
    let held = &history.produces(topic)[1];
    assert_eq!(held.fates(), (RequestFate::Held, vec![ResponseFate::Delivered]));
    assert_eq!(held.forwarded, Some(false));
}

/// The broker refuses what comes out of order. The client gets both answers in the order of its requests, does not
/// understand how a record can be out of order whose predecessor was stored, and ends for good; nothing is stored
/// that should not be.
fn an_idempotent_record_is_not_overtaken(arm: &Arm) {
    let topic = "hold-idempotent";
    arm.topic(topic, 1);
    let held = rule("hold", "Produce").topic(topic).nth(2);
    let held = held.with(|settings| settings.release_after = Some(answered(scope("Produce"))));
    let behind = Behind::new(arm, vec![held]);
    let client = idempotent(&behind, &[]);
    assert_eq!(send_and_wait(&client, topic, "a"), Ok(0));
    send(&client, topic, 0, "b");
    behind.until("b is held", |history| history.produces(topic).len() == 2);
    send(&client, topic, 0, "c");
    until("both are answered", || client.context().delivered().len() == 3);
    let delivered = client.context().delivered();
    let out_of_order = Err(RDKafkaErrorCode::OutOfOrderSequenceNumber);
    assert_eq!(
        delivered[1..],
        [("b".to_owned(), Ok(1)), ("c".to_owned(), out_of_order)]
    );
    assert!(client.client().fatal_error().is_some());
    assert_eq!(arm.log(topic), ["a", "b"]);
    let produced = behind.stop().produces(topic);
    let errors: Vec<_> = produced.iter().map(Exchange::error).collect();
    assert_eq!(errors, [Some(0), Some(0), Some(OUT_OF_ORDER)]);
    assert_eq!(
        (produced[1].fate, produced[1].forwarded),
        (RequestFate::Held, Some(false))
    );
}

/// A request that arrives when its client has long tried again: without idempotence it is stored once more.
fn a_late_request_of_a_client_that_hung_up(arm: &Arm) {
    for (topic, twice) in [("hold-late-plain", true), ("hold-late-idempotent", false)] {
        arm.topic(topic, 1);
        let mut third = scope("Produce");
        third.topic = Some(topic.to_owned());
        let held = rule("hold", "Produce").topic(topic).nth(2);
        let held = held.with(|settings| {
            let mut release = answered(third);
            // The repetition, and the record after it.
            release.nth = 2;
            settings.release_after = Some(release);
        });
        let behind = Behind::new(arm, vec![held]);
        let hurry = [("socket.timeout.ms", "1000")];
        let client = if twice {
            plain(&behind, &hurry)
        } else {
            idempotent(&behind, &hurry)
        };
        assert_eq!(send_each(&client, topic, &["a", "b", "c"]), [Ok(0), Ok(1), Ok(2)]);
        behind.until("the late request is answered", |history| {
            !history.produces(topic)[1].answers.is_empty()
        });
        let expected: &[&str] = if twice {
            &["a", "b", "c", "b"]
        } else {
            &["a", "b", "c"]
        };
        assert_eq!(arm.log(topic), expected);
        let late = &behind.stop().produces(topic)[1];
        assert_eq!(late.fates(), (RequestFate::Held, vec![ResponseFate::ClientGone]));
        assert_eq!(late.forwarded, Some(true));
    }
}

/// The answer is late, the record is not.
fn an_answer_is_kept_back(arm: &Arm) {
    let topic = "hold-answer";
    arm.topic(topic, 1);
    let held = rule("hold", "Produce").topic(topic).nth(2).with(|settings| {
        settings.direction = Some(Direction::ToClient);
        settings.delay = Some(Duration::from_secs(1));
    });
    let behind = Behind::new(arm, vec![held]);
    let client = idempotent(&behind, &[]);
    assert_eq!(send_and_wait(&client, topic, "a"), Ok(0));
    let asked = Instant::now();
    send(&client, topic, 0, "b");
    until("b is in the log", || arm.log(topic) == ["a", "b"]);
    until("b is answered", || client.context().delivered().len() == 2);
    assert!(asked.elapsed() >= Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_eq!(behind.stop().produces(topic).len(), 2, "nothing was asked again");
}

/// KAFKA-17754: the commit of the first transaction, repeated by its client meanwhile, arrives in the middle of the
/// second. With the old protocol, which librdkafka speaks, both have the same epoch: the late commit ends the second.
fn a_late_commit_hits_the_next_transaction(arm: &Arm) {
    let topic = "hold-late-commit";
    arm.topic(topic, 1);
    let mut of_topic = scope("Produce");
    of_topic.topic = Some(topic.to_owned());
    let held = rule("hold", "EndTxn").nth(1);
    let held = held.with(|settings| settings.release_after = Some(answered(of_topic)));
    let behind = Behind::new(arm, vec![held]);
    let client = transactional(&behind, topic, &[("socket.timeout.ms", "1000")]);
    client.begin_transaction().expect("begun");
    send(&client, topic, 0, "first");
    client.commit_transaction(PATIENCE).expect("committed");
    assert_eq!(arm.committed(topic), ["first"]);

    client.begin_transaction().expect("begun");
    send(&client, topic, 0, "second");
    client.flush(PATIENCE).expect("everything is answered");
    behind.until("the late commit is answered", |history| {
        !history.of("EndTxn")[0].answers.is_empty()
    });
    until("the marker is written", || arm.committed(topic).len() == 2);
    let told = client
        .abort_transaction(PATIENCE)
        .expect_err("there is nothing to abort");
    assert_eq!(
        told.rdkafka_error_code(),
        Some(RDKafkaErrorCode::InvalidTransactionalState),
        "{told}"
    );
    assert_eq!(
        arm.committed(topic),
        ["first", "second"],
        "what was aborted is committed"
    );
    let ends = behind.stop().of("EndTxn");
    assert_eq!(
        ends[0].fates(),
        (RequestFate::Held, vec![ResponseFate::ClientGone])
    );
    assert_eq!((ends[0].forwarded, ends[0].error()), (Some(true), Some(0)));
}

on_both!(
    a_plain_record_is_overtaken,
    an_idempotent_record_is_not_overtaken,
    a_late_request_of_a_client_that_hung_up,
    an_answer_is_kept_back,
    a_late_commit_hits_the_next_transaction,
);
