//! A committed offset that retention has passed: auto.offset.reset=latest jumps over everything.

use std::time::Duration;

use rdkafka::Offset;
use rdkafka::message::Message as _;

use super::values::numbered;
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::error::{self, HazardError};
use crate::librdkafka::{assign, consumer, read};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "reset-latest-skips",
    title: "An offset out of range and auto.offset.reset=latest",
    risk: "A consumer was away while retention removed the records at its committed offset. With \
           auto.offset.reset=latest (the default) it goes on at the end of the log: what retention had left is skipped \
           without an error",
    mend: "auto.offset.reset=earliest, or none to be told; retention longer than any downtime, and an alert on lag against \
           the start of the log",
    sources: &["KIP-320", "documentation of auto.offset.reset"],
    open: "auto.offset.reset=latest",
    control: "auto.offset.reset=earliest",
    absent: on_one_broker,
    run,
};

const COMMITTED: i64 = 5;
const KEPT_FROM: i64 = 10;
const BEFORE: usize = 20;
/// A reader that has found its place gets records sooner than that.
const NOTHING_COMES: Duration = Duration::from_secs(1);

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let (topic, group) = (scene.topic("in", 1)?, scene.name("group"));
    let values = numbered("in", 0..BEFORE);
    let mut client = scene.direct()?;
    client.write(&topic, 0, &values)?;
    client.commit(&group, &topic, 0, COMMITTED)?;
    scene.did(format!(
        "the group has committed offset {COMMITTED} of {BEFORE}, and is down"
    ));
    if scene.armed() {
        client.delete_before(&topic, 0, KEPT_FROM)?;
        scene.did(format!("retention removes what is before offset {KEPT_FROM}"));
    }
    let start = client.start_offset(&topic, 0)?;
    let bootstrap = scene.bootstrap().to_owned();
    let reset = scene.either("latest", "earliest");
    let reader = consumer(&bootstrap, &group, &[("auto.offset.reset", reset)])?;
    assign(&reader, &topic, Offset::Stored)?;
    scene.did("the consumer starts again");
    let expected = if scene.is_open() && scene.armed() {
        0
    } else {
        BEFORE - usize::try_from(start.max(COMMITTED)).unwrap_or(0)
    };
    let mut got = match expected {
        0 => Vec::new(),
        most => read(scene, &reader, most, NOTHING_COMES)?,
    };
    // Records come in until the consumer gets one: then it has found its place.
    let mut more = Vec::new();
    scene.until("the consumer gets a new record", || {
        let value = format!("new-{}", more.len());
        client.write(&topic, 0, std::slice::from_ref(&value))?;
        more.push(value);
        if let Some(message) = reader.poll(Duration::from_millis(200)) {
            let message = message.map_err(error::client("read"))?;
            got.push((message.offset(), String::new()));
        }
        Ok(got.len() > expected)
    })?;
    let last = client.end_offset(&topic, 0)? - 1;
    while got.last().is_some_and(|(offset, _)| *offset < last) {
        got.extend(read(scene, &reader, 1, NOTHING_COMES)?);
    }
    scene.did(format!("{} new records are written meanwhile", more.len()));
    let first = got.first().map_or(-1, |(offset, _)| *offset);
    scene.saw(format!(
        "the first record that it got is at offset {first}, the log begins at {start}"
    ));
    let there = client.log(&topic, 0)?;
    let wanted = there.iter().filter(|record| record.offset >= COMMITTED);
    let skipped: Vec<_> = wanted
        .filter(|record| got.iter().all(|(at, _)| *at != record.offset))
        .collect();
    let left = BEFORE + more.len() - usize::try_from(start.max(COMMITTED)).unwrap_or(0);
    scene.count("records there and not consumed before", left);
    scene.count("records delivered", got.len());
    scene.count("skipped", skipped.len());
    for record in &skipped {
        scene.exhibit(record, "in the log, and never delivered to the group");
    }
    let old = skipped.iter().filter(|record| record.offset < 20).count();
    Ok(match (old, skipped.len()) {
        (0, 0) => Found::whole("everything that was left in the log was delivered"),
        (count @ 1.., _) => Found::harm(format!(
            "{count} records that were in the log at the start were skipped"
        )),
        (_, count) => Found::neither(format!("{count} new records were not delivered")),
    })
}
