//! CONCURRENT_TRANSACTIONS on a repeated EndTxn: the first one is being carried out.

use super::copying::{copy, judged};
use super::rules::{at, error};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::client::{Client, Protocol, Transactional, unanswered};
use crate::error::{HazardError, named, refused};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "concurrent-transactions",
    title: "CONCURRENT_TRANSACTIONS is retried in the wrong place",
    risk: "The answer to EndTxn is lost, and its retry comes while the markers are being written: CONCURRENT_TRANSACTIONS. \
           A client that reads it as \"another transaction is in the way\", starts the producer anew and does the batch \
           again commits it twice, because the commit was decided long ago",
    mend: "send the same request again after a moment, until it is answered with something else: the error only says that \
           the end before is not complete",
    sources: &["KAFKA-5477", "KIP-890"],
    open: "CONCURRENT_TRANSACTIONS ends the attempt, the batch is done again",
    control: "CONCURRENT_TRANSACTIONS repeats the same EndTxn",
    absent: on_one_broker,
    run,
};

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let output = scene.topic("out", 1)?;
    let rules = vec![
        error("reject", "EndTxn", 2, "CONCURRENT_TRANSACTIONS"),
        at("drop-ack", "EndTxn", 1),
    ];
    let behind = scene.behind(rules)?;
    let mut client = Client::new(behind.address()?, "copy");
    let id = scene.name("copy");
    let mut producer = Transactional::init(&mut client, &id, Protocol::New, 60_000)?;
    copy(&mut client, &mut producer, &output, 0)?;
    scene.did("copies three records and commits; the answer to EndTxn is lost");
    let answer = producer.end_once(&mut client, true);
    if unanswered(&answer) {
        let code = producer.end_once(&mut client, true)?;
        scene.did("sends EndTxn again, before the first is complete");
        scene.saw(format!("it is answered with {}", named(code)));
        if scene.is_open() {
            scene.did("starts the producer anew, copies the batch again, commits");
            producer = Transactional::init(&mut client, &id, Protocol::New, 60_000)?;
            copy(&mut client, &mut producer, &output, 0)?;
        } else {
            scene.did("sends the same EndTxn again");
        }
        let code = producer.end(&mut client, true)?;
        scene.saw(format!("EndTxn is answered with {}", named(code)));
        refused("EndTxn", code)?;
    } else {
        refused("EndTxn", answer?)?;
    }
    drop(behind);
    judged(
        scene,
        &output,
        "the commit that was under way and the second attempt",
    )
}
