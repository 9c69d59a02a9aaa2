//! A partition count that changes moves keys to other partitions.

use std::collections::{BTreeMap, BTreeSet};

use super::values::numbered;
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::client::LogRecord;
use crate::error::HazardError;
use crate::librdkafka::{flush, producer, send};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "partitions-added",
    title: "More partitions, and keys move",
    risk: "Partitioners take the hash of the key modulo the number of partitions. When partitions are added, a key goes \
           elsewhere from then on: its records are in two partitions, read by two consumers, and their order is gone; \
           joins and compaction see half of it each",
    mend: "enough partitions from the start, or a new topic that is filled anew; where it must grow, a partition that the \
           application computes from a number that never changes",
    sources: &["KIP-195", "KIP-480"],
    open: "partition = murmur2(key) modulo the number of partitions",
    control: "partition computed by the application with a fixed number",
    absent: on_one_broker,
    run,
};

const KEYS: usize = 12;
const PARTITIONS: i32 = 2;
const GROWN: i32 = 5;

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let topic = scene.topic("log", PARTITIONS)?;
    let keys = numbered("user", 1..KEYS + 1);
    write(scene, &topic, &keys, "before")?;
    scene.did(format!(
        "a record for each of {KEYS} keys, {PARTITIONS} partitions"
    ));
    let mut client = scene.direct()?;
    let mut partitions = PARTITIONS;
    if scene.armed() {
        client.grow_topic(&topic, GROWN)?;
        partitions = GROWN;
        scene.did(format!("partitions are added: {GROWN}"));
    }
    write(scene, &topic, &keys, "after")?;
    scene.did("another record for each of the keys");
    let mut homes: BTreeMap<String, BTreeSet<i32>> = BTreeMap::new();
    let mut all: Vec<LogRecord> = Vec::new();
    for partition in 0..partitions {
        all.extend(client.log(&topic, partition)?);
    }
    for record in &all {
        homes
            .entry(record.key.clone())
            .or_default()
            .insert(record.partition);
    }
    let moved: Vec<&String> = homes
        .iter()
        .filter(|(_, homes)| homes.len() > 1)
        .map(|(key, _)| key)
        .collect();
    scene.count("records", all.len());
    scene.count("keys", homes.len());
    scene.count("keys in two partitions", moved.len());
    for record in moved
        .iter()
        .flat_map(|key| all.iter().filter(move |record| record.key == **key))
    {
        scene.exhibit(record, format!("key {}", record.key));
    }
    Ok(match (moved.len(), all.len()) {
        (0, 24) => Found::whole("every key is in one partition"),
        (count @ 1.., 24) => Found::harm(format!("{count} of {KEYS} keys are in two partitions")),
        (_, other) => Found::neither(format!("{other} records are in the log")),
    })
}

/// A record for each key, by a producer that has just been started.
fn write(scene: &Scene<'_>, topic: &str, keys: &[String], value: &str) -> Result<(), HazardError> {
    let client = producer(scene.bootstrap(), &[("partitioner", "murmur2_random")])?;
    for (number, key) in (0..).zip(keys) {
        let fixed = (!scene.is_open()).then_some(number % PARTITIONS);
        send(&client, topic, fixed, key, value)?;
    }
    flush(&client).map(drop)
}
