//! A reader of uncommitted records gets what is aborted afterwards.

use std::time::Duration;

use rdkafka::Offset;

use super::values::listed;
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::client::{Protocol, Transactional};
use crate::error::{HazardError, refused};
use crate::librdkafka::{assign, consumer, read};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "read-uncommitted-sink",
    title: "A sink reads what is aborted",
    risk: "isolation.level is read_uncommitted unless it is set (in the Java client; librdkafka has it the other way \
           round). A sink behind a transactional pipeline then delivers records of transactions that are open, and of \
           those that are aborted: exactly-once ends there",
    mend: "isolation.level=read_committed in every reader behind a transactional writer",
    sources: &["KIP-98"],
    open: "isolation.level=read_uncommitted",
    control: "isolation.level=read_committed",
    absent: on_one_broker,
    run,
};

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let topic = scene.topic("log", 1)?;
    let mut client = scene.direct()?;
    let mut producer = Transactional::init(&mut client, &scene.name("id"), Protocol::New, 60_000)?;
    let mut commits = Vec::new();
    for (value, commit) in [("paid-1", true), ("paid-2", !scene.armed()), ("paid-3", true)] {
        producer.write(&mut client, &topic, 0, &[value.to_owned()])?;
        refused("EndTxn", producer.end(&mut client, commit)?)?;
        let word = if commit { "commits" } else { "aborts" };
        scene.did(format!("a transaction writes {value} and {word}"));
        if commit {
            commits.push(value.to_owned());
        }
    }
    let mut log = scene.direct()?;
    log.is_quiet(&topic, 0)?;
    let isolation = scene.either("read_uncommitted", "read_committed");
    let bootstrap = scene.bootstrap().to_owned();
    let sink = consumer(&bootstrap, &scene.name("sink"), &[("isolation.level", isolation)])?;
    assign(&sink, &topic, Offset::Beginning)?;
    let got = read(scene, &sink, 4, Duration::from_millis(1_500))?;
    let values: Vec<String> = got.iter().map(|(_, value)| value.clone()).collect();
    scene.did("a sink reads the topic from its beginning");
    scene.saw(format!("it gets {}", listed(&values)));
    let phantom: Vec<_> = got.iter().filter(|(_, value)| !commits.contains(value)).collect();
    for record in log
        .log(&topic, 0)?
        .iter()
        .filter(|one| phantom.iter().any(|(at, _)| *at == one.offset))
    {
        scene.exhibit(record, "delivered, though its transaction was aborted");
    }
    scene.count("records committed", commits.len());
    scene.count("records delivered", values.len());
    Ok(if values == commits {
        Found::whole("the sink got what was committed and nothing else")
    } else if !phantom.is_empty() {
        Found::harm(format!(
            "the sink delivered {} record that does not exist for committed readers",
            phantom.len()
        ))
    } else {
        Found::neither(format!("the sink got {}", listed(&values)))
    })
}
