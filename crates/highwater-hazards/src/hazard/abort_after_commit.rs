//! A commit whose answer does not come may have been applied.

use super::copying::{copy, judged};
use super::rules::at;
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::client::{Client, Protocol, Transactional, unanswered};
use crate::error::{HazardError, named, refused};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "abort-after-commit-timeout",
    title: "A commit that timed out is taken for failed",
    risk: "The broker commits, its answer is lost. An application that takes the timeout for a failure aborts, goes back \
           to the beginning of its batch and does it again: what was committed is committed twice",
    mend: "after a timeout of commitTransaction() call it again until it is answered, or close the producer and begin at \
           the committed offsets; never abort",
    sources: &["KIP-98", "documentation of KafkaProducer.commitTransaction"],
    open: "abort and process the batch again",
    control: "send the same commit again",
    absent: on_one_broker,
    run,
};

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let output = scene.topic("out", 1)?;
    let behind = scene.behind(vec![at("drop-ack", "EndTxn", 1)])?;
    let mut client = Client::new(behind.address()?, "copy");
    let id = scene.name("copy");
    let mut producer = Transactional::init(&mut client, &id, Protocol::New, 60_000)?;
    copy(&mut client, &mut producer, &output, 0)?;
    let answer = producer.end_once(&mut client, true);
    scene.did("copies three records and commits; the answer to EndTxn is lost");
    if !unanswered(&answer) {
        refused("EndTxn", answer?)?;
        scene.saw("EndTxn is answered");
    } else if scene.is_open() {
        scene.saw("the commit timed out: the application takes it for failed");
        let code = producer.end(&mut client, false)?;
        scene.did("aborts");
        scene.saw(format!("EndTxn (abort) is answered with {}", named(code)));
        producer = Transactional::init(&mut client, &id, Protocol::New, 60_000)?;
        scene.did(
            "starts the producer anew, goes back to the beginning of the batch, copies it again, commits",
        );
        copy(&mut client, &mut producer, &output, 0)?;
        refused("EndTxn", producer.end(&mut client, true)?)?;
    } else {
        let code = producer.end(&mut client, true)?;
        scene.did("sends the same EndTxn again");
        scene.saw(format!("it is answered with {}", named(code)));
        refused("EndTxn", code)?;
    }
    drop(behind);
    judged(scene, &output, "the commit that timed out and the second attempt")
}
