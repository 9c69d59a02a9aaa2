//! KAFKA-17754: an EndTxn that comes late ends a transaction that it was not sent for.

use std::time::Duration;

use super::rules::held_until_answer;
use super::values::{listed, of};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::client::{Client, Protocol, Transactional, unanswered};
use crate::error::{HazardError, named, refused};
use crate::scene::{PATIENCE, Scene};

pub(super) const HAZARD: Hazard = Hazard {
    name: "late-end-txn",
    title: "A delayed EndTxn ends a later transaction",
    risk: "An EndTxn that waited somewhere in the network arrives when its producer has long repeated it and is in its \
           next transaction. In the old protocol nothing tells the broker which transaction was meant: it commits (or \
           aborts) the one that is open, half-way, against the producer's will",
    mend: "clients and brokers with transaction version 2 (EndTxn version 5: Kafka 4.0, transaction.version=2), where \
           every end of a transaction raises the producer's epoch",
    sources: &["KAFKA-17754", "KIP-890"],
    open: "EndTxn version 4 (transaction version 1)",
    control: "EndTxn version 5 (transaction version 2)",
    absent: on_one_broker,
    run,
};

/// Shorter than the time for which the request is held.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(400);

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let topic = scene.topic("log", 1)?;
    let protocol = scene.either(Protocol::Old, Protocol::New);
    // Counted from when it is held: released when the record of the second transaction is acknowledged.
    let behind = scene.behind(vec![held_until_answer("EndTxn", 1, "Produce", 1)])?;
    let mut client = Client::new(behind.address()?, "payments");
    let mut producer = Transactional::init(&mut client, &scene.name("id"), protocol, 60_000)?;
    producer.write(&mut client, &topic, 0, &["A".to_owned()])?;
    scene.did("transaction 1 writes A, and is committed: EndTxn is kept in the network");
    client = client.with_patience(REQUEST_TIMEOUT);
    let first = producer.end_once(&mut client, true);
    client = client.with_patience(PATIENCE);
    if unanswered(&first) {
        scene.saw("no answer within the request timeout");
        scene.did("the client opens another connection and sends the same EndTxn again");
        refused("EndTxn", producer.end(&mut client, true)?)?;
        scene.saw("it is answered: A is committed");
    }
    producer.write(&mut client, &topic, 0, &["B".to_owned()])?;
    scene.did("transaction 2 writes B, which is acknowledged; now the delayed EndTxn reaches the broker");
    let mut log = scene.direct()?;
    // The late request is answered to nobody. Where nothing comes of it there is nothing to wait for.
    let ends = scene.armed() && scene.is_open();
    let limit = if ends { PATIENCE } else { Duration::from_secs(1) };
    let ended = scene.within(limit, || {
        Ok(log.stable_offset(&topic, 0)? == log.end_offset(&topic, 0)?)
    })?;
    if ended {
        scene.saw("transaction 2 is not open any more, though its producer has not ended it");
    }
    scene.did("the application decides to abort transaction 2");
    let code = producer.end(&mut client, false)?;
    scene.saw(format!("EndTxn (abort) is answered with {}", named(code)));
    drop(behind);
    log.is_quiet(&topic, 0)?;
    let read = log.committed(&topic, 0)?;
    scene.count("committed records", read.len());
    scene.saw(format!("a read_committed reader gets {}", listed(&of(&read))));
    for record in &read {
        let remark = match record.value.as_str() {
            "A" => "committed by its producer",
            _ => "its producer aborted it, the late EndTxn of A committed it",
        };
        scene.exhibit(record, remark);
    }
    let values = of(&read);
    Ok(
        match values.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["A", "B"] => Found::harm("B is committed, though its producer aborted it"),
            ["A"] => {
                Found::whole("A is committed, B is not: the late EndTxn had an old epoch and was refused")
            }
            _ => Found::neither(format!("committed is {}", listed(&values))),
        },
    )
}
