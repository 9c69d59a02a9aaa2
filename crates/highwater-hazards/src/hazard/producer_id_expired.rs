//! A retry that comes when its producer id is forgotten is not recognised.

use super::values::{listed, of, repeated};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::client::sequenced;
use crate::error::{HazardError, named, refused};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "producer-id-expired",
    title: "A retry comes when the producer id is forgotten",
    risk: "Brokers remember the last batches of a producer id for producer.id.expiration.ms (a day) since its last write \
           to the partition, and only so many ids. A retry that comes later, from a client that retries for days or \
           replays its own journal, is the first batch of an unknown producer: it is stored a second time, idempotence \
           or not",
    mend: "producer.id.expiration.ms longer than delivery.timeout.ms and any outage after which clients still retry; \
           transactions with offsets where that can't be said",
    sources: &["KIP-854", "KIP-360"],
    open: "the producer id is forgotten before the retry",
    control: "the producer id is still known at the retry",
    absent: on_one_broker,
    run,
};

const SETTING: &str = "producer.id.expiration.ms";
/// More than the dev broker remembers in a partition (10,000).
const OTHERS: i64 = 10_050;
/// Far from the ids that a broker gives.
const FIRST_OTHER: i64 = 1 << 40;
const AT_ONCE: i64 = 500;

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let topic = scene.topic("log", 1)?;
    let mut client = scene.direct()?;
    let producer = client.idempotent()?;
    let batch = sequenced(producer, 0, "payment-1");
    refused("Produce", client.write_batch(&topic, 0, batch.clone())?.0)?;
    scene.did(format!(
        "an idempotent producer (id {}) writes payment-1; suppose that the answer is lost",
        producer.0
    ));
    if scene.armed() && scene.is_open() {
        if scene.on_kafka() {
            forget_by_time(scene, &topic, producer.0)?;
        } else {
            forget_by_number(scene, &topic)?;
        }
    }
    let known = client.known_producers(&topic, 0)?.contains(&producer.0);
    scene.saw(match known {
        true => "DescribeProducers lists the producer id",
        false => "DescribeProducers does not list the producer id any more",
    });
    let (code, offset) = client.write_batch(&topic, 0, batch)?;
    scene.did("the client sends the same batch again, with the same id, epoch and sequence");
    scene.saw(format!("it is answered with {}, offset {offset}", named(code)));
    let log = client.log(&topic, 0)?;
    let mut mine = log;
    mine.retain(|record| record.value == "payment-1");
    let again = repeated(&mine);
    scene.count("copies of payment-1 in the log", mine.len());
    scene.saw(format!("the log holds {}", listed(&of(&mine))));
    for record in &again {
        scene.exhibit(record, "the same batch for the second time");
    }
    Ok(match mine.len() {
        1 => Found::whole("the retry was recognised, the record is there once"),
        2 => Found::harm("the retry was taken for something new: the record is there twice"),
        other => Found::neither(format!("the record is there {other} times")),
    })
}

/// Apache Kafka: the setting is changed while it runs, and changed back.
fn forget_by_time(scene: &mut Scene<'_>, topic: &str, producer: i64) -> Result<(), HazardError> {
    let mut client = scene.direct()?;
    client.set_of_brokers(SETTING, Some("300"))?;
    let gone = scene.until("the producer id expires", || {
        Ok(!client.known_producers(topic, 0)?.contains(&producer))
    });
    client.set_of_brokers(SETTING, None)?;
    gone?;
    scene.did(format!(
        "time passes: {SETTING} is over (set to 300 for that, and back)"
    ));
    Ok(())
}

/// The dev broker forgets by number only.
fn forget_by_number(scene: &mut Scene<'_>, topic: &str) -> Result<(), HazardError> {
    let mut client = scene.direct()?;
    let ids: Vec<i64> = (FIRST_OTHER..FIRST_OTHER + OTHERS).collect();
    for some in ids.chunks(usize::try_from(AT_ONCE).unwrap_or(1)) {
        scene.go_on()?;
        let batches = some.iter().map(|id| sequenced((*id, 0), 0, "other"));
        for code in client.write_batches(topic, batches.collect())? {
            refused("Produce", code)?;
        }
    }
    scene.did(format!(
        "{OTHERS} other producers write to the partition, more than the dev broker remembers (it forgets by number and not by time)"
    ));
    Ok(())
}
