//! `dup`: a request reaches the broker twice, as when its first attempt had arrived after all.

use highwater_model::history::{RequestFate, ResponseFate};
use highwater_proxy::Direction;
use rdkafka::producer::Producer as _;

use super::{THROUGH, assert_fates};
use crate::arm::{Arm, PATIENCE};
use crate::behind::{Behind, With, rule};
use crate::clients::{idempotent, plain, send, send_each, transactional};

const TWICE: (RequestFate, &[ResponseFate]) = (
    RequestFate::Duplicated,
    &[ResponseFate::Delivered, ResponseFate::Surplus],
);

fn a_plain_record_is_stored_twice(arm: &Arm) {
    let topic = "dup-plain";
    arm.topic(topic, 1);
    let behind = Behind::new(arm, vec![rule("dup", "Produce").topic(topic).nth(2)]);
    let client = plain(&behind, &[]);
    assert_eq!(send_each(&client, topic, &["a", "b", "c"]), [Ok(0), Ok(1), Ok(3)]);
    assert_eq!(arm.log(topic), ["a", "b", "b", "c"]);
    let history = behind.stop();
    let produced = history.produces(topic);
    assert_fates(&produced, &[THROUGH, TWICE, THROUGH]);
    assert_eq!(history.counts(), (3, 1));
    assert_eq!(history.fired_at(), [Some(produced[1].id)]);
}

fn an_idempotent_record_is_stored_once(arm: &Arm) {
    let topic = "dup-idempotent";
    arm.topic(topic, 1);
    let each = rule("dup", "Produce").topic(topic);
    let behind = Behind::new(arm, vec![each]);
    let client = idempotent(&behind, &[]);
    assert_eq!(send_each(&client, topic, &["a", "b", "c"]), [Ok(0), Ok(1), Ok(2)]);
    assert_eq!(arm.log(topic), ["a", "b", "c"]);
    let history = behind.stop();
    assert_fates(&history.produces(topic), &[TWICE, TWICE, TWICE]);
    assert_eq!(history.counts(), (3, 3));
}

/// Every request of a transaction arrives twice, and its effects once.
fn a_transaction_is_committed_once(arm: &Arm) {
    let topic = "dup-transaction";
    arm.topic(topic, 1);
    let mut each = rule("dup", "EndTxn");
    each.scope.apis = ["Produce", "AddPartitionsToTxn", "EndTxn"]
        .map(str::to_owned)
        .to_vec();
    let behind = Behind::new(arm, vec![each]);
    let client = transactional(&behind, topic, &[]);
    for (value, commit) in [("a", true), ("b", false), ("c", true)] {
        client.begin_transaction().expect("begun");
        send(&client, topic, 0, value);
        client.flush(PATIENCE).expect("everything is answered");
        if commit {
            client.commit_transaction(PATIENCE).expect("committed");
        } else {
            client.abort_transaction(PATIENCE).expect("aborted");
        }
    }
    assert_eq!(arm.committed(topic), ["a", "c"]);
    assert_eq!(arm.log(topic), ["a", "b", "c"]);
    assert_fates(&behind.stop().of("EndTxn"), &[TWICE, TWICE, TWICE]);
}

/// The client drops an answer that it did not wait for.
fn an_answer_that_comes_twice_is_taken_once(arm: &Arm) {
    let topic = "dup-answer";
    arm.topic(topic, 1);
    let twice = rule("dup", "Produce")
        .topic(topic)
        .nth(2)
        .with(|settings| settings.direction = Some(Direction::ToClient));
    let behind = Behind::new(arm, vec![twice]);
    let client = idempotent(&behind, &[]);
    assert_eq!(send_each(&client, topic, &["a", "b", "c"]), [Ok(0), Ok(1), Ok(2)]);
    assert_eq!(arm.log(topic), ["a", "b", "c"]);
    let history = behind.stop();
    assert_fates(&history.produces(topic), &[THROUGH, THROUGH, THROUGH]);
    assert_eq!(history.counts(), (3, 1));
}

on_both!(
    a_plain_record_is_stored_twice,
    an_idempotent_record_is_stored_once,
    a_transaction_is_committed_once,
    an_answer_that_comes_twice_is_taken_once,
);
