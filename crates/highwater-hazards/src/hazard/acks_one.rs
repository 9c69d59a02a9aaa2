//! acks=1: what only the leader has is gone with the leader.

use std::collections::BTreeSet;
use std::time::Duration;

use highwater_target::{TargetSpec, Which};
use rdkafka::Offset;
use rdkafka::producer::Producer as _;

use super::Hazard;
use super::values::{listed, numbered};
use crate::arm::Found;
use crate::error::{HazardError, client};
use crate::librdkafka::{Producer, assign, consumer, flush, producer, read, send, told};
use crate::scene::{PATIENCE, Scene};

pub(super) const HAZARD: Hazard = Hazard {
    name: "acks-1-leader-killed",
    title: "acks=1, and the leader dies",
    risk: "With acks=1 the leader answers when it has the record itself. If it dies before its followers have it, one of \
           them becomes leader without it: the record was acknowledged and is nowhere",
    mend: "acks=all with min.insync.replicas=2 and three replicas: what is acknowledged is on two nodes",
    sources: &["KIP-679", "documentation of acks and min.insync.replicas"],
    open: "acks=1",
    control: "acks=all, min.insync.replicas=2",
    absent: |target| match target {
        TargetSpec::KafkaThree => None,
        TargetSpec::Dev => Some("the dev broker does not replicate; --target kafka:3 shows it"),
        _ => Some("a single node has no followers; --target kafka:3 shows it"),
    },
    run,
};

/// How long the application waits for its acknowledgements.
const ENOUGH: Duration = Duration::from_secs(3);

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let topic = scene.topic("log", 1)?;
    let bootstrap = scene.bootstrap().to_owned();
    let settings = [
        ("acks", scene.either("1", "all")),
        ("message.timeout.ms", "3000"),
        ("linger.ms", "0"),
    ];
    let writer = producer(&bootstrap, &settings)?;
    let leader = leader(&writer, &topic)?;
    let mut followers = scene.broker_names();
    followers.retain(|name| *name != leader);
    if scene.armed() {
        for name in &followers {
            scene.brokers(Which::Named(name))?.pause()?;
        }
        scene.did(format!("the followers of {leader} stall (SIGSTOP)"));
    }
    let values = numbered("order", 1..9);
    for value in &values {
        send(&writer, &topic, Some(0), "", value)?;
        // One after the other: what is fetched already when a follower stalls may come through.
        let limit = scene.either(ENOUGH, Duration::from_millis(100));
        let _ = writer.flush(limit);
    }
    let _ = writer.flush(ENOUGH + Duration::from_secs(2));
    let acknowledged: Vec<String> = told(&writer)
        .into_iter()
        .filter_map(|(value, outcome)| outcome.is_ok().then_some(value))
        .collect();
    drop(writer);
    scene.did("an application writes eight records to it");
    scene.saw(format!("acknowledged: {}", listed(&acknowledged)));
    if scene.armed() {
        scene.brokers(Which::Named(&leader))?.kill()?;
        for name in &followers {
            scene.brokers(Which::Named(name))?.resume()?;
        }
        scene.did(format!(
            "{leader} dies (SIGKILL), the followers go on, and one of them becomes leader"
        ));
    }
    let found = read_back(scene, &topic, &acknowledged);
    if scene.armed() {
        scene.brokers(Which::Named(&leader))?.start_again()?;
    }
    found
}

fn leader(writer: &Producer, topic: &str) -> Result<String, HazardError> {
    let metadata = writer.client().fetch_metadata(Some(topic), PATIENCE);
    let metadata = metadata.map_err(client("ask for the leader"))?;
    let partition = metadata
        .topics()
        .first()
        .and_then(|topic| topic.partitions().first());
    let leader = partition.ok_or(HazardError::Empty { what: "Metadata" })?.leader();
    Ok(format!("broker-{leader}"))
}

/// What the new leader has, up to a record that is written to it.
fn read_back(scene: &mut Scene<'_>, topic: &str, acknowledged: &[String]) -> Result<Found, HazardError> {
    let bootstrap = scene.bootstrap().to_owned();
    let last = producer(&bootstrap, &[("acks", "all"), ("message.timeout.ms", "90000")])?;
    send(&last, topic, Some(0), "", "after")?;
    let mut there = false;
    for _ in 0..3 {
        scene.go_on()?;
        there = there || last.flush(PATIENCE).is_ok();
    }
    flush(&last)?;
    let reader = consumer(&bootstrap, &scene.name("reader"), &[])?;
    assign(&reader, topic, Offset::Beginning)?;
    let mut read_values = BTreeSet::new();
    while !read_values.contains("after") {
        let got = read(scene, &reader, 1, PATIENCE)?;
        if got.is_empty() {
            return Ok(Found::neither("the new leader has no end of the log to read to"));
        }
        read_values.extend(got.into_iter().map(|(_, value)| value));
    }
    let lost: Vec<&String> = acknowledged
        .iter()
        .filter(|value| !read_values.contains(*value))
        .collect();
    scene.saw(format!("the new leader has {}", listed(&read_values)));
    scene.count("records acknowledged", acknowledged.len());
    scene.count("acknowledged and lost", lost.len());
    for value in &lost {
        scene.missing(topic, 0, value, "acknowledged, and not in the log");
    }
    Ok(match lost.len() {
        0 if acknowledged.is_empty() => {
            Found::whole("nothing was acknowledged, so nothing acknowledged is lost")
        }
        0 => Found::whole("everything that was acknowledged is in the log"),
        count => Found::harm(format!("{count} acknowledged records are lost")),
    })
}
