//! NOT_COORDINATOR means: ask somebody else. It does not mean that the transaction is over.

use super::copying::{copy, judged};
use super::rules::at;
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::client::{Client, Protocol, Transactional};
use crate::error::{HazardError, named, refused};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "coordinator-moved",
    title: "The coordinator moves in the middle of a transaction",
    risk: "The node that coordinates a transactional.id changes between the writes and EndTxn, which is refused with \
           NOT_COORDINATOR. The transaction is still open. A client that takes it for failed and does its batch again \
           writes into the same transaction, and the commit that follows commits both",
    mend: "a client that finds the new coordinator and sends EndTxn there (the Java client and librdkafka do); whoever \
           gives up must abort, or make the producer anew, before anything is written again",
    sources: &["KIP-98"],
    open: "NOT_COORDINATOR taken for a failed transaction",
    control: "FindCoordinator, then the same EndTxn",
    absent: on_one_broker,
    run,
};

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let output = scene.topic("out", 1)?;
    let behind = scene.behind(vec![at("move-coordinator", "EndTxn", 1)])?;
    let mut client = Client::new(behind.address()?, "copy");
    let id = scene.name("copy");
    let mut producer = Transactional::init(&mut client, &id, Protocol::New, 60_000)?;
    copy(&mut client, &mut producer, &output, 0)?;
    scene.did("copies three records in a transaction; its coordinator moves; commits");
    let code = producer.end_once(&mut client, true)?;
    scene.saw(format!("EndTxn is answered with {}", named(code)));
    if code != 0 {
        if scene.is_open() {
            scene.did("takes the transaction for failed, and copies the batch again");
            copy(&mut client, &mut producer, &output, 0)?;
        }
        let mut coordinator = Client::new(client.coordinator_of(&id)?, "copy");
        scene.did("asks who coordinates now, and commits there");
        let code = producer.end(&mut coordinator, true)?;
        scene.saw(format!("EndTxn is answered with {}", named(code)));
        refused("EndTxn", code)?;
    }
    drop(behind);
    judged(
        scene,
        &output,
        "the attempt that was still open and the one after it",
    )
}
