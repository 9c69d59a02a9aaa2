//! close() and flush() without a limit wait for a broker that does not come back.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use highwater_proxy::RuleSpec;
use rdkafka::producer::{Producer as _, PurgeConfig};

use super::rules::at;
use super::values::{listed, of};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::error::HazardError;
use crate::librdkafka::{flush, producer, send, told};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "close-blocks",
    title: "Closing a producer blocks for ever",
    risk: "close() and flush() wait until every record is delivered or has failed. Without a delivery timeout, or with \
           the longest there is, and a broker that is not reached any more, the application does not end: its \
           supervisor kills it, and nobody learns which records were under way",
    mend: "a delivery timeout that fits the time for a shutdown (delivery.timeout.ms, librdkafka: message.timeout.ms), and \
           close(timeout); what has failed by then is unknown and to be treated so",
    sources: &["KIP-15", "KIP-91"],
    open: "message.timeout.ms=0 (unlimited), flush without a limit",
    control: "message.timeout.ms=1000, flush without a limit",
    absent: on_one_broker,
    run,
};

/// No record waits that long with the control.
const FOR_EVER: Duration = Duration::from_secs(4);

/// Longer than the lesson.
const OUTAGE: Duration = Duration::from_secs(60);

fn unreachable_from_the_second() -> RuleSpec {
    let mut rule = at("black-hole", "Produce", 2);
    rule.parameters.lasting = Some(OUTAGE);
    rule
}

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let topic = scene.topic("log", 1)?;
    let behind = scene.behind(vec![unreachable_from_the_second()])?;
    let limit = scene.either("0", "1000");
    let client = producer(
        behind.bootstrap(),
        &[("message.timeout.ms", limit), ("client.id", "orders")],
    )?;
    send(&client, &topic, Some(0), "", "order-1")?;
    flush(&client)?;
    scene.did("writes order-1, which is acknowledged; then the broker is not reached any more");
    send(&client, &topic, Some(0), "", "order-2")?;
    scene.did("writes order-2, and flushes before it ends");
    let (done, ended) = mpsc::channel();
    let (began, flushing) = (Instant::now(), client.clone());
    let waiting = thread::spawn(move || {
        // A limit beyond every supervisor's patience: what a call without one does.
        let _ = flushing.flush(Duration::from_secs(86_400));
        let _ = done.send(Instant::now());
    });
    let mut at = None;
    scene.within(FOR_EVER, || {
        at = at.or_else(|| ended.try_recv().ok());
        Ok(at.is_some())
    })?;
    let told = told(&client);
    match at {
        Some(at) => scene.saw(format!(
            "flush returned after {:.1} s",
            at.duration_since(began).as_secs_f64()
        )),
        None => scene.saw(format!("flush has not returned after {} s", FOR_EVER.as_secs())),
    }
    for (value, outcome) in &told {
        scene.saw(match outcome {
            Ok(offset) => format!("{value}: stored at offset {offset}"),
            Err(error) => format!("{value}: {error}"),
        });
    }
    // Ends the wait of the lesson; an application has nobody who does that.
    client.purge(PurgeConfig::default().queue().inflight());
    drop(waiting.join());
    drop((client, behind));
    let log = scene.direct()?.log(&topic, 0)?;
    scene.saw(format!("the log holds {}", listed(&of(&log))));
    scene.count("records the application knows about", told.len());
    scene.count("records in the log", log.len());
    Ok(match (at, told.len()) {
        (None, _) => Found::harm("flush did not return, and nothing is known of order-2"),
        (Some(_), 2) => Found::whole("flush returned, and the application knows what became of each record"),
        (Some(_), other) => Found::neither(format!("flush returned and {other} records are known")),
    })
}
