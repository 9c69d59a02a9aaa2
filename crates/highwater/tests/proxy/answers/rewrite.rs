//! `rewrite`: done, and the client is told otherwise.

use highwater_model::history::{RequestFate, ResponseFate};
use highwater_proxy::RuleSpec;
use rdkafka::consumer::Consumer as _;
use rdkafka::{Offset, TopicPartitionList};

use super::{THROUGH, assert_fates};
use crate::arm::{Arm, PATIENCE};
use crate::behind::{Behind, With, rule};
use crate::clients::{consumer, consumer_at, idempotent, plain, producer_at, read_until, send_each};

const ALTERED: (RequestFate, &[ResponseFate]) = (RequestFate::Forwarded, &[ResponseFate::Altered]);

fn timed_out(topic: &str) -> RuleSpec {
    let altered = rule("rewrite", "Produce").topic(topic).nth(2);
    altered.with(|settings| settings.error = Some("REQUEST_TIMED_OUT".to_owned()))
}

fn a_plain_record_is_stored_twice(arm: &Arm) {
    let topic = "rewrite-plain";
    arm.topic(topic, 1);
    let behind = Behind::new(arm, vec![timed_out(topic)]);
    let client = plain(&behind, &[]);
    assert_eq!(send_each(&client, topic, &["a", "b", "c"]), [Ok(0), Ok(2), Ok(3)]);
    assert_eq!(arm.log(topic), ["a", "b", "b", "c"]);
    let history = behind.stop();
    let produced = history.produces(topic);
    assert_fates(&produced, &[THROUGH, ALTERED, THROUGH, THROUGH]);
    assert_eq!(
        produced[1].error(),
        Some(0),
        "what the broker said is what is written down"
    );
    assert_eq!(history.counts(), (4, 1));
}

fn an_idempotent_record_is_stored_once(arm: &Arm) {
    let topic = "rewrite-idempotent";
    arm.topic(topic, 1);
    let behind = Behind::new(arm, vec![timed_out(topic)]);
    let client = idempotent(&behind, &[]);
    assert_eq!(send_each(&client, topic, &["a", "b", "c"]), [Ok(0), Ok(1), Ok(2)]);
    assert_eq!(arm.log(topic), ["a", "b", "c"]);
    assert_fates(
        &behind.stop().produces(topic),
        &[THROUGH, ALTERED, THROUGH, THROUGH],
    );
}

fn a_producer_believes_other_offsets(arm: &Arm) {
    let topic = "rewrite-offsets";
    arm.topic(topic, 1);
    let altered = rule("rewrite", "Produce").topic(topic).nth(2);
    let behind = Behind::new(
        arm,
        vec![altered.with(|settings| settings.offset_delta = Some(100))],
    );
    let client = idempotent(&behind, &[]);
    assert_eq!(
        send_each(&client, topic, &["a", "b", "c"]),
        [Ok(0), Ok(101), Ok(2)]
    );
    assert_eq!(arm.log(topic), ["a", "b", "c"]);
    assert_fates(&behind.stop().produces(topic), &[THROUGH, ALTERED, THROUGH]);
}

/// A group that is told an offset two further on never sees two records.
fn a_group_goes_on_in_the_wrong_place(arm: &Arm) {
    let topic = "rewrite-committed";
    arm.topic(topic, 1);
    let direct = arm.address().to_string();
    send_each(
        &producer_at(&direct, "direct", &[]),
        topic,
        &["a", "b", "c", "d", "e"],
    );
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset(topic, 0, Offset::Offset(1))
        .expect("an offset");
    let keeper = consumer_at(&direct, topic, &[]);
    crate::arm::until("the offset is committed", || {
        keeper
            .commit(&offsets, rdkafka::consumer::CommitMode::Sync)
            .is_ok()
    });
    let altered = rule("rewrite", "OffsetFetch").with(|settings| settings.offset_delta = Some(2));
    let behind = Behind::new(arm, vec![altered]);
    let reader = consumer(&behind, topic, &[]);
    reader.subscribe(&[topic]).expect("subscribed");
    let read = read_until(&reader, "the last record", |read| {
        read.last().is_some_and(|last| last == "e")
    });
    assert_eq!(read, ["d", "e"], "b and c are left out");
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, 0);
    let committed = keeper.committed_offsets(asked, PATIENCE).expect("an answer");
    assert_eq!(
        committed.elements()[0].offset(),
        Offset::Offset(1),
        "nothing was changed"
    );
    drop(reader);
    let history = behind.stop();
    let asked = history.of("OffsetFetch");
    assert!(
        asked
            .iter()
            .any(|one| one.fates() == (ALTERED.0, ALTERED.1.to_vec())),
        "{asked:?}"
    );
}

on_both!(
    a_plain_record_is_stored_twice,
    an_idempotent_record_is_stored_once,
    a_producer_believes_other_offsets,
    a_group_goes_on_in_the_wrong_place,
);
