//! What was processed and not committed when partitions change hands is processed again.

use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::message::Message as _;

use super::values::{absent, numbered, repeated};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::client::Client;
use crate::error::{HazardError, client};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "rebalance-redelivery",
    title: "A rebalance delivers processed records again",
    risk: "A member has processed records and not committed them yet when another joins. Partitions change hands, \
           the new owner begins at the committed offset, and everything since then is processed again",
    mend: "commit in the callback that revokes partitions (and often in between), cooperative-sticky assignment, and a \
           sink that does not mind duplicates",
    sources: &["KIP-62", "KIP-429"],
    open: "commits only now and then",
    control: "commits when partitions are revoked",
    absent: on_one_broker,
    run,
};

const EACH: usize = 5;
/// Nobody gets anything any more.
const IDLE: Duration = Duration::from_millis(1_500);
const POLL: Duration = Duration::from_millis(20);

struct Owner {
    commits: bool,
}

impl ClientContext for Owner {}

impl ConsumerContext for Owner {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if self.commits && matches!(rebalance, Rebalance::Revoke(_)) {
            // Without a position there is nothing to commit; what fails shows as a duplicate.
            let _ = consumer.commit_consumer_state(CommitMode::Sync);
        }
    }
}

fn member(
    bootstrap: &str,
    group: &str,
    topic: &str,
    commits: bool,
) -> Result<BaseConsumer<Owner>, HazardError> {
    let mut config = ClientConfig::new();
    for (name, value) in [
        ("bootstrap.servers", bootstrap),
        ("group.id", group),
        ("enable.auto.commit", "false"),
        ("auto.offset.reset", "earliest"),
        ("partition.assignment.strategy", "range"),
        ("session.timeout.ms", "10000"),
        ("heartbeat.interval.ms", "100"),
        ("fetch.wait.max.ms", "50"),
        ("client.id", "worker"),
        ("log_level", "0"),
    ] {
        config.set(name, value);
    }
    let member: BaseConsumer<Owner> = config
        .create_with_context(Owner { commits })
        .map_err(client("start a consumer"))?;
    member.subscribe(&[topic]).map_err(client("subscribe"))?;
    Ok(member)
}

/// Polls once and processes what comes.
fn work(member: &BaseConsumer<Owner>, sink: &mut Client, output: &str) -> Result<usize, HazardError> {
    let Some(message) = member.poll(POLL) else {
        return Ok(0);
    };
    let message = message.map_err(client("read"))?;
    let value = String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned();
    sink.write(output, 0, &[value])?;
    Ok(1)
}

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let (input, output, group) = (scene.topic("in", 2)?, scene.topic("out", 1)?, scene.name("group"));
    let mut sink = scene.direct()?;
    let parts = [numbered("a", 1..EACH + 1), numbered("b", 1..EACH + 1)];
    for (partition, values) in (0..).zip(&parts) {
        sink.write(&input, partition, values)?;
    }
    let bootstrap = scene.bootstrap().to_owned();
    let commits = !scene.is_open();
    let first = member(&bootstrap, &group, &input, commits)?;
    let mut got = 0;
    scene.until("member 1 processes everything", || {
        got += work(&first, &mut sink, &output)?;
        Ok(got == 2 * EACH)
    })?;
    scene.did("member 1 owns both partitions and processes five records of each, without a commit so far");
    let mut others = Vec::new();
    if scene.armed() {
        others.push(member(&bootstrap, &group, &input, commits)?);
        scene.did("member 2 joins: partitions are revoked and assigned anew");
        scene.until("member 2 owns a partition", || {
            got += work(&first, &mut sink, &output)?;
            got += work(&others[0], &mut sink, &output)?;
            Ok(others[0].assignment().is_ok_and(|owned| owned.count() == 1))
        })?;
    }
    loop {
        let before = got;
        scene.within(IDLE, || {
            got += work(&first, &mut sink, &output)?;
            for other in &others {
                got += work(other, &mut sink, &output)?;
            }
            Ok(got > before)
        })?;
        if got == before {
            break;
        }
    }
    let processed = sink.log(&output, 0)?;
    let again = repeated(&processed);
    scene.count("input records", 2 * EACH);
    scene.count("processed", processed.len());
    scene.count("processed again", again.len());
    scene.saw(format!("{} records were delivered once more", again.len()));
    for record in &again {
        scene.exhibit(record, "processed for the second time");
    }
    let lost = absent(&parts.concat(), &processed).len();
    Ok(match (again.len(), lost) {
        (0, 0) => Found::whole("every record was processed once"),
        (_, lost @ 1..) => Found::neither(format!("{lost} records were not processed")),
        (count, _) => Found::harm(format!("{count} records were processed twice")),
    })
}
