//! Sequences of idempotent producers.

use crate::arm::Arm;
use crate::batches::{builder, fill, sequenced};

const FOUR: [&str; 4] = ["a", "b", "c", "d"];

pub(crate) fn duplicates_within_five_batches(arm: &mut Arm) {
    let name = arm.topic("t");
    let producer = arm.idempotent();
    for sequence in 0..7 {
        arm.see_produce(
            &format!("sequence {sequence}"),
            &name,
            sequenced(producer, sequence, &["v"]),
        );
    }
    for sequence in 0..7 {
        arm.see_produce(
            &format!("sequence {sequence} again"),
            &name,
            sequenced(producer, sequence, &["v"]),
        );
    }
    arm.see_produce("the last, another value", &name, sequenced(producer, 6, &["w"]));
    arm.see_produce("the last, longer", &name, sequenced(producer, 6, &["v", "w"]));
    arm.see_produce("two as one", &name, sequenced(producer, 5, &["v", "w"]));
    arm.see_ends("ends", &name);
}

pub(crate) fn gaps(arm: &mut Arm) {
    let name = arm.topic("t");
    let producer = arm.idempotent();
    arm.see_produce("four", &name, sequenced(producer, 0, &FOUR));
    arm.see_produce("a gap", &name, sequenced(producer, 5, &["x"]));
    arm.see_produce("the last of the four", &name, sequenced(producer, 3, &["x"]));
    arm.see_produce(
        "the middle of the four",
        &name,
        sequenced(producer, 1, &["x", "y"]),
    );
    arm.see_produce("the next", &name, sequenced(producer, 4, &["x"]));
    arm.see_produce("far away", &name, sequenced(producer, i32::MAX, &["x"]));
    arm.see_produce("from zero", &name, sequenced(producer, 0, &["x"]));
}

pub(crate) fn epochs(arm: &mut Arm) {
    let name = arm.topic("t");
    let (id, _) = arm.idempotent();
    arm.see_produce("epoch 3", &name, sequenced((id, 3), 0, &["a"]));
    arm.see_produce("an older epoch", &name, sequenced((id, 2), 1, &["a"]));
    arm.see_produce(
        "a newer epoch in mid-sequence",
        &name,
        sequenced((id, 4), 1, &["a"]),
    );
    arm.see_produce("a newer epoch", &name, sequenced((id, 4), 0, &["a"]));
    arm.see_produce("the old one", &name, sequenced((id, 3), 1, &["a"]));
    arm.see_produce("no epoch", &name, sequenced((id, -1), 1, &["a"]));
    arm.see_produce("no sequence", &name, sequenced((id, 4), -1, &["a"]));
    arm.see_produce("no producer", &name, sequenced((-1, 4), 0, &["a"]));
    arm.see_produce("a producer of minus two", &name, sequenced((-2, 0), 0, &["a"]));
}

pub(crate) fn unknown_producers(arm: &mut Arm) {
    let name = arm.topic("t");
    arm.see_produce("never given, from zero", &name, sequenced((77_000, 0), 0, &["a"]));
    arm.see_produce(
        "never given, in mid-sequence",
        &name,
        sequenced((77_001, 0), 9, &["a"]),
    );
    arm.see_produce("its next", &name, sequenced((77_001, 0), 10, &["a"]));
}

pub(crate) fn sequences_wrap_around(arm: &mut Arm) {
    let name = arm.topic("t");
    let producer = arm.idempotent();
    arm.see_produce("near the end", &name, sequenced(producer, i32::MAX - 1, &["a"]));
    arm.see_produce(
        "over the end",
        &name,
        sequenced(producer, i32::MAX, &["a", "b", "c"]),
    );
    arm.see_produce("again", &name, sequenced(producer, i32::MAX, &["a", "b", "c"]));
    arm.see_produce("from two", &name, sequenced(producer, 2, &["d"]));
}

pub(crate) fn two_partitions_and_two_batches(arm: &mut Arm) {
    let name = arm.topic_with("t", 2, &[]);
    let producer = arm.idempotent();
    arm.see_produce("partition 0", &name, sequenced(producer, 0, &["a"]));
    let other = crate::client::produce_request(&name, 1, sequenced(producer, 0, &["a"]));
    let answer = arm.call(&other, 9);
    let seen = crate::ask::produced(&answer.responses[0].partition_responses[0]);
    arm.see("partition 1", seen);
    let keyed = fill(builder().producer(producer.0, producer.1, 1), &["b"]);
    let two = [keyed, sequenced(producer, 2, &["c"])].concat();
    arm.see_produce("two batches at once", &name, two.into());
}
