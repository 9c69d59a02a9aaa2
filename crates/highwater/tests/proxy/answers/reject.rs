//! `reject`: certainly not done.

use highwater_model::history::{RequestFate, ResponseFate};
use highwater_proxy::RuleSpec;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::Producer as _;

use super::{THROUGH, assert_fates};
use crate::arm::{Arm, PATIENCE};
use crate::behind::{Behind, Exchange, With, rule};
use crate::clients::{idempotent, plain, send, send_each, transactional};

const REFUSED: (RequestFate, &[ResponseFate]) = (RequestFate::Rejected, &[ResponseFate::Made]);

fn refused(api: &str, error: &str) -> RuleSpec {
    rule("reject", api).with(|settings| settings.error = Some(error.to_owned()))
}

/// The second request is refused and did not reach the broker; the third is its repetition.
fn after_an_error_that_passes_the_client_tries_again(arm: &Arm) {
    for (error, number) in [("NOT_ENOUGH_REPLICAS", 19), ("NOT_LEADER_OR_FOLLOWER", 6)] {
        let topic = format!("reject-passing-{number}");
        arm.topic(&topic, 1);
        let behind = Behind::new(arm, vec![refused("Produce", error).topic(&topic).nth(2)]);
        let client = plain(&behind, &[]);
        // Offsets are those of one attempt: nothing of the refused one is in the log.
        assert_eq!(
            send_each(&client, &topic, &["a", "b", "c"]),
            [Ok(0), Ok(1), Ok(2)]
        );
        assert_eq!(arm.log(&topic), ["a", "b", "c"]);
        let history = behind.stop();
        let produced = history.produces(&topic);
        assert_fates(&produced, &[THROUGH, REFUSED, THROUGH, THROUGH]);
        assert_eq!(produced[1].error(), Some(number));
        assert_eq!(produced[1].rule, Some(0));
        assert_eq!(history.counts(), (4, 1));
        assert_eq!(history.fired_at(), [Some(produced[1].id)]);
    }
}

/// The client gives the record up.
fn after_an_error_for_good_the_record_is_lost(arm: &Arm) {
    let topic = "reject-for-good";
    arm.topic(topic, 1);
    let behind = Behind::new(
        arm,
        vec![refused("Produce", "INVALID_RECORD").topic(topic).nth(2)],
    );
    let client = plain(&behind, &[]);
    let delivered = send_each(&client, topic, &["a", "b", "c"]);
    assert_eq!(delivered, [Ok(0), Err(RDKafkaErrorCode::InvalidRecord), Ok(1)]);
    assert_eq!(arm.log(topic), ["a", "c"]);
    assert_fates(&behind.stop().produces(topic), &[THROUGH, REFUSED, THROUGH]);
}

/// An idempotent producer gives the record up as well, and goes on with a new epoch: the gap is known to it.
fn an_idempotent_producer_goes_on_with_a_new_epoch(arm: &Arm) {
    let topic = "reject-idempotent";
    arm.topic(topic, 1);
    let behind = Behind::new(
        arm,
        vec![refused("Produce", "INVALID_RECORD").topic(topic).nth(2)],
    );
    let client = idempotent(&behind, &[]);
    let delivered = send_each(&client, topic, &["a", "b", "c"]);
    assert_eq!(delivered, [Ok(0), Err(RDKafkaErrorCode::InvalidRecord), Ok(1)]);
    assert_eq!(arm.log(topic), ["a", "c"]);
    let produced = behind.stop().produces(topic);
    assert_fates(&produced, &[THROUGH, REFUSED, THROUGH]);
    let sequences: Vec<_> = produced.iter().map(Exchange::sequence).collect();
    assert_eq!(sequences, [0, 1, 0]);
}

/// A producer that is told that another has taken its place ends for good, and what it had open is not committed.
fn a_fenced_producer_ends(arm: &Arm) {
    let topic = "reject-fenced";
    arm.topic(topic, 1);
    let behind = Behind::new(arm, vec![refused("EndTxn", "INVALID_PRODUCER_EPOCH").nth(1)]);
    let client = transactional(&behind, topic, &[]);
    client.begin_transaction().expect("begun");
    send(&client, topic, 0, "a");
    let told = client.commit_transaction(PATIENCE).expect_err("refused");
    assert_eq!(
        told.rdkafka_error_code(),
        Some(RDKafkaErrorCode::Fenced),
        "{told}"
    );
    assert!(client.client().fatal_error().is_some());
    assert_eq!(
        (arm.committed(topic), arm.log(topic)),
        (vec![], vec!["a".to_owned()])
    );
    assert_fates(&behind.stop().of("EndTxn"), &[REFUSED]);
}

on_both!(
    after_an_error_that_passes_the_client_tries_again,
    after_an_error_for_good_the_record_is_lost,
    an_idempotent_producer_goes_on_with_a_new_epoch,
    a_fenced_producer_ends,
);
