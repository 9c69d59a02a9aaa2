//! KAFKA-13574: an error of a Produce does not always mean that nothing was stored.

use super::rules::error;
use super::values::{listed, numbered, of, repeated};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::error::HazardError;
use crate::librdkafka::{flush, producer, send, told};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "ambiguous-error",
    title: "An error that may mean \"stored\" is taken for \"not stored\"",
    risk: "NOT_LEADER_OR_FOLLOWER and REQUEST_TIMED_OUT can come after the batch was appended, e.g. when leadership moves \
           while acks=all is waited for. An application that takes them for \"not stored\" and writes the record again \
           as a new one has it twice",
    mend: "leave retries to an idempotent producer (enable.idempotence=true, retries unlimited): it repeats the same \
           sequence, which the broker recognises; what still fails is unknown and not failed (`highwater outcomes`)",
    sources: &["KAFKA-13574", "KIP-98"],
    open: "retries=0, the application writes failed records anew",
    control: "enable.idempotence=true, the client retries",
    absent: on_one_broker,
    run,
};

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let topic = scene.topic("log", 1)?;
    let behind = scene.behind(vec![error("rewrite", "Produce", 2, "NOT_LEADER_OR_FOLLOWER")])?;
    let open = [("enable.idempotence", "false"), ("message.send.max.retries", "0")];
    let control = [
        ("enable.idempotence", "true"),
        ("message.send.max.retries", "1000"),
    ];
    let mut settings = scene.either(open, control).to_vec();
    settings.extend([("linger.ms", "0"), ("client.id", "orders")]);
    let client = producer(behind.bootstrap(), &settings)?;
    scene.did(
        "librdkafka writes three records; the second is appended, and answered with NOT_LEADER_OR_FOLLOWER",
    );
    for value in &numbered("order", 1..4) {
        send(&client, &topic, Some(0), "", value)?;
        flush(&client)?;
    }
    let failed: Vec<String> = told(&client)
        .into_iter()
        .filter_map(|(value, outcome)| outcome.is_err().then_some(value))
        .collect();
    scene.saw(format!(
        "the application is told that these failed: {}",
        listed(&failed)
    ));
    for value in &failed {
        send(&client, &topic, Some(0), "", value)?;
        scene.did(format!("it writes {value} once more"));
    }
    flush(&client)?;
    drop((client, behind));
    let log = scene.direct()?.log(&topic, 0)?;
    let again = repeated(&log);
    scene.count("records told as failed", failed.len());
    scene.count("records in the log", log.len());
    scene.saw(format!("the log holds {}", listed(&of(&log))));
    for record in &again {
        scene.exhibit(record, "written anew, and the first was there already");
    }
    Ok(match (again.len(), log.len()) {
        (0, 3) => Found::whole("three records were written and three are in the log"),
        (0, other) => Found::neither(format!("{other} records are in the log")),
        (more, _) => Found::harm(format!("{more} record told as failed is in the log twice")),
    })
}
