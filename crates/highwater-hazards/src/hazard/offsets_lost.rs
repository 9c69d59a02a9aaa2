//! Committed offsets expire, or are deleted: where does the group begin?

use std::time::Duration;

use rdkafka::Offset;

use super::values::{absent, listed, numbered, of, repeated};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::error::HazardError;
use crate::librdkafka::{assign, consumer, read};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "committed-offsets-lost",
    title: "The committed offsets of a group are lost",
    risk: "Offsets of an empty group expire after offsets.retention.minutes (a week), or somebody deletes them. The next \
           start begins where auto.offset.reset says: earliest does everything again, latest skips what came meanwhile, \
           both without an error",
    mend: "auto.offset.reset=none, and a position that is kept with the output; offsets.retention.minutes longer than any \
           downtime",
    sources: &["KIP-211", "documentation of auto.offset.reset"],
    open: "auto.offset.reset=earliest",
    control: "auto.offset.reset=none, the position is kept with the output",
    absent: on_one_broker,
    run,
};

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let (input, output, group) = (scene.topic("in", 1)?, scene.topic("out", 1)?, scene.name("group"));
    let values = numbered("in", 1..11);
    let mut client = scene.direct()?;
    client.write(&input, 0, &values)?;
    client.write(&output, 0, &values[..6])?;
    client.commit(&group, &input, 0, 6)?;
    scene.did("the group has processed six of ten records, committed offset 6, and is down");
    if scene.armed() {
        client.forget_offset(&group, &input, 0)?;
        scene.did("its offsets are deleted, as their expiry does");
    }
    let bootstrap = scene.bootstrap().to_owned();
    let reset = scene.either("earliest", "error");
    let reader = consumer(&bootstrap, &group, &[("auto.offset.reset", reset)])?;
    assign(&reader, &input, Offset::Stored)?;
    scene.did("the consumer starts again");
    let idle = Duration::from_secs(2);
    // Where it begins again, all; where it knows its place, what is left.
    let most = if scene.armed() {
        values.len()
    } else {
        values.len() - 6
    };
    let rest = match read(scene, &reader, most, idle) {
        Ok(rest) => rest,
        Err(HazardError::Client { source, .. }) if !scene.is_open() => {
            scene.saw(format!("the client says: {source}"));
            let next = client.end_offset(&output, 0)?;
            scene.did(format!(
                "the output holds {next} records, so the application goes on at offset {next}"
            ));
            assign(&reader, &input, Offset::Offset(next))?;
            let left = values.len() - usize::try_from(next).unwrap_or(0);
            read(scene, &reader, left, idle)?
        }
        Err(error) => return Err(error),
    };
    for (_, value) in &rest {
        client.write(&output, 0, std::slice::from_ref(value))?;
    }
    let made = client.log(&output, 0)?;
    let (again, lost) = (repeated(&made), absent(&values, &made));
    scene.saw(format!("the output holds {}", listed(&of(&made))));
    scene.count("input records", values.len());
    scene.count("output records", made.len());
    scene.count("duplicates", again.len());
    for record in &again {
        scene.exhibit(record, "processed for the second time");
    }
    Ok(match (again.len(), lost.len()) {
        (0, 0) => Found::whole("every record was processed once"),
        (count @ 1.., 0) => Found::harm(format!("{count} records were processed twice, without any error")),
        (_, count) => Found::neither(format!("{count} records were not processed")),
    })
}
