//! Offsets that are committed before their records are processed lose what was under way at a crash.

use std::time::Duration;

use rdkafka::Offset;
use rdkafka::consumer::Consumer as _;

use super::values::{absent, listed, numbered, of};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::error::{HazardError, client};
use crate::librdkafka::{assign, comes_nothing, consumer, read};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "commit-before-process",
    title: "Offsets are committed before the work is done",
    risk: "With enable.auto.commit everything that poll() gave is committed on the clock, whether the workers are done \
           with it or not. A crash loses what waited in the queue: the next start begins behind it",
    mend: "enable.auto.commit=false and commit after the work is done, or enable.auto.offset.store=false and store each \
           offset after its record (librdkafka)",
    sources: &["KIP-41", "documentation of enable.auto.commit"],
    open: "enable.auto.commit=true",
    control: "enable.auto.offset.store=false, stored when processed",
    absent: on_one_broker,
    run,
};

/// How many are done when it crashes.
const DONE: usize = 4;

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let (input, output, group) = (scene.topic("in", 1)?, scene.topic("out", 1)?, scene.name("group"));
    let values = numbered("job", 1..11);
    let mut sink = scene.direct()?;
    sink.write(&input, 0, &values)?;
    let behind = scene.behind(Vec::new())?;
    let store = scene.either("true", "false");
    let settings = [
        ("enable.auto.commit", "true"),
        ("auto.commit.interval.ms", "100"),
        ("enable.auto.offset.store", store),
        ("client.id", "worker"),
    ];
    let first = consumer(behind.bootstrap(), &group, &settings)?;
    assign(&first, &input, Offset::Stored)?;
    let queue = read(scene, &first, values.len(), Duration::from_secs(5))?;
    scene.did(format!("instance 1 polls {} records into its queue", queue.len()));
    let done = if scene.armed() { DONE } else { queue.len() };
    for (offset, value) in queue.iter().take(done) {
        sink.write(&output, 0, std::slice::from_ref(value))?;
        if !scene.is_open() {
            first
                .store_offset(&input, 0, *offset)
                .map_err(client("store an offset"))?;
        }
    }
    let expected = i64::try_from(scene.either(queue.len(), done)).unwrap_or(0);
    let mut log = scene.direct()?;
    scene.until("the automatic commit", || {
        Ok(log.committed_offset(&group, &input, 0)? == Some(expected))
    })?;
    scene.did(format!("it has processed {done} of them when it crashes"));
    scene.saw(format!("committed by then: offset {expected}"));
    drop(first);
    let second = consumer(behind.bootstrap(), &group, &[("client.id", "worker")])?;
    assign(&second, &input, Offset::Stored)?;
    let behind_commit = values.len() - usize::try_from(expected).unwrap_or(0);
    let rest = read(scene, &second, behind_commit, Duration::from_secs(5))?;
    let all = comes_nothing(scene, &second, Duration::from_secs(1))?;
    for (_, value) in &rest {
        sink.write(&output, 0, std::slice::from_ref(value))?;
    }
    scene.did(format!(
        "instance 2 begins at the committed offset and gets {} records",
        rest.len()
    ));
    let processed = log.log(&output, 0)?;
    let lost = absent(&values, &processed);
    scene.saw(format!("processed are {}", listed(&of(&processed))));
    scene.count("input records", values.len());
    scene.count("processed", processed.len());
    scene.count("lost", lost.len());
    for value in &lost {
        scene.missing(&output, 0, value, "committed, and never processed");
    }
    if !all {
        return Ok(Found::neither(
            "more came than there was behind the committed offset",
        ));
    }
    Ok(match (lost.len(), processed.len()) {
        (0, 10) => Found::whole("every record was processed once"),
        (0, other) => Found::neither(format!("{other} records were processed")),
        (count, _) => Found::harm(format!("{count} records were committed and never processed")),
    })
}
