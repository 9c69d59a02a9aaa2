//! Without idempotence a retry after a lost answer is stored once more.

use super::rules::at;
use super::values::{listed, numbered, of, repeated};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::error::HazardError;
use crate::librdkafka::{flush, producer, send};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "retry-duplicates",
    title: "A retry is stored twice",
    risk: "The broker appends a batch and its answer is lost. The client can't know, sends it again, and without a \
           producer id and sequence the broker can't know either: the batch is in the log twice",
    mend: "enable.idempotence=true (the default of the Java client since 3.0; librdkafka: set it)",
    sources: &["KIP-98", "KIP-679"],
    open: "enable.idempotence=false",
    control: "enable.idempotence=true",
    absent: on_one_broker,
    run,
};

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let topic = scene.topic("log", 1)?;
    let idempotence = scene.either("false", "true");
    let behind = scene.behind(vec![at("drop-ack", "Produce", 3)])?;
    let settings = [
        ("enable.idempotence", idempotence),
        ("linger.ms", "0"),
        ("client.id", "orders"),
    ];
    let client = producer(behind.bootstrap(), &settings)?;
    let values = numbered("order", 1..6);
    scene.did("librdkafka sends five records, one after the other; the answer to the third Produce is lost");
    for value in &values {
        send(&client, &topic, Some(0), "", value)?;
        flush(&client)?;
    }
    let told = flush(&client)?;
    let acknowledged = told.iter().filter(|(_, outcome)| outcome.is_ok()).count();
    scene.saw(format!(
        "the application is told that {acknowledged} records are stored"
    ));
    drop((client, behind));
    let log = scene.direct()?.log(&topic, 0)?;
    let again = repeated(&log);
    scene.count("records acknowledged", acknowledged);
    scene.count("records in the log", log.len());
    scene.count("duplicates", again.len());
    scene.saw(format!("the log holds {}", listed(&of(&log))));
    for record in &again {
        scene.exhibit(record, "the same record for the second time");
    }
    Ok(match (again.len(), log.len()) {
        (0, 5) => Found::whole("five records were sent and five are in the log"),
        (0, other) => Found::neither(format!("{other} records are in the log")),
        (more, _) => Found::harm(format!("{more} record was sent once and is in the log twice")),
    })
}
