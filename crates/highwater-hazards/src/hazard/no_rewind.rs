//! KAFKA-17582: an abort does not move the consumer back.

use std::time::Duration;

use rdkafka::Offset;
use rdkafka::consumer::Consumer as _;

use super::values::{absent, listed, numbered, of};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::client::{Client, Protocol, Transactional};
use crate::error::{HazardError, client, refused};
use crate::librdkafka::{assign, consumer, read};
use crate::scene::{PATIENCE, Scene};

pub(super) const HAZARD: Hazard = Hazard {
    name: "no-rewind-after-abort",
    title: "The consumer is not moved back after an abort",
    risk: "An abort takes back the output and the offsets of a transaction, and not the position of the consumer. The \
           next poll goes on behind the records that were aborted, the next commit covers them, and they are never \
           processed",
    mend: "after every abort seek back to the committed offsets, or restart the consumer",
    sources: &["KAFKA-17582"],
    open: "after abortTransaction() go on with poll()",
    control: "after abortTransaction() seek back to the committed offset",
    absent: on_one_broker,
    run,
};

const BATCH: usize = 3;

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let (input, output, group) = (scene.topic("in", 1)?, scene.topic("out", 1)?, scene.name("group"));
    let values = numbered("in", 1..7);
    scene.direct()?.write(&input, 0, &values)?;
    let bootstrap = scene.bootstrap().to_owned();
    let reader = consumer(&bootstrap, &group, &[("isolation.level", "read_committed")])?;
    assign(&reader, &input, Offset::Beginning)?;
    let behind = scene.behind(Vec::new())?;
    let mut writer = Client::new(behind.address()?, "copy");
    let mut producer = Transactional::init(&mut writer, &scene.name("copy"), Protocol::New, 60_000)?;
    let mut fails = scene.armed();
    let mut committed = 0;
    let end = scene.direct()?.end_offset(&input, 0)?;
    while committed < end {
        let batch = read(scene, &reader, BATCH, Duration::from_secs(5))?;
        let Some((last, _)) = batch.last() else { break };
        let next = last + 1;
        let copies: Vec<String> = batch.iter().map(|(_, value)| value.clone()).collect();
        producer.write(&mut writer, &output, 0, &copies)?;
        if std::mem::take(&mut fails) {
            refused("EndTxn", producer.end(&mut writer, false)?)?;
            scene.did(format!(
                "copies {}, something fails, the transaction is aborted",
                listed(&copies)
            ));
            if !scene.is_open() {
                reader
                    .seek(&input, 0, Offset::Offset(committed), PATIENCE)
                    .map_err(client("seek"))?;
                scene.did(format!("seeks back to the committed offset {committed}"));
            }
            continue;
        }
        refused(
            "TxnOffsetCommit",
            producer.send_offset(&mut writer, &group, None, (&input, 0), next)?,
        )?;
        refused("EndTxn", producer.end(&mut writer, true)?)?;
        committed = next;
        scene.did(format!("copies {}, commits with offset {next}", listed(&copies)));
    }
    let mut log = scene.direct()?;
    log.is_quiet(&output, 0)?;
    let copied = log.committed(&output, 0)?;
    let offset = log.committed_offset(&group, &input, 0)?.unwrap_or(0);
    let lost = absent(&values, &copied);
    scene.saw(format!(
        "committed are {}; the group is at offset {offset} of 6",
        listed(&of(&copied))
    ));
    scene.count("input records", values.len());
    scene.count("committed copies", copied.len());
    scene.count("lost", lost.len());
    for value in &lost {
        scene.missing(&output, 0, value, "its offset is committed, its copy was aborted");
    }
    Ok(match (lost.len(), copied.len(), offset) {
        (0, 6, 6) => Found::whole("every input record has one committed copy"),
        (count @ 1.., _, 6) => Found::harm(format!("{count} records are consumed and have no copy")),
        _ => Found::neither(format!("{} copies, committed offset {offset}", copied.len())),
    })
}
