//! Without idempotence a retry arrives behind the requests that were sent after it.

use std::time::Duration;

use highwater_proxy::Direction;

use super::rules::{at, error};
use super::values::{absent, listed, numbered, of};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::error::HazardError;
use crate::librdkafka::{flush, producer, send};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "retry-reorders",
    title: "A retry overtakes nobody and is overtaken by all",
    risk: "Several requests are in flight, the first is refused for a moment (NOT_ENOUGH_REPLICAS), the others are \
           stored. Its retry is stored behind them: records of one partition, and of one key, change places",
    mend: "enable.idempotence=true, with which the broker refuses what comes out of order; without it \
           max.in.flight.requests.per.connection=1",
    sources: &["KIP-98", "KAFKA-5494"],
    open: "enable.idempotence=false, 5 requests in flight",
    control: "enable.idempotence=true, 5 requests in flight",
    absent: on_one_broker,
    run,
};

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let topic = scene.topic("log", 1)?;
    let mut slow = at("latency", "", 1);
    slow.scope.apis.clear();
    slow.scope.client_id = Some("orders".to_owned());
    slow.trigger.nth = None;
    // So that the others are on their way when the client hears of the first.
    slow.parameters.delay = Some(Duration::from_millis(100));
    slow.parameters.direction = Some(Direction::ToClient);
    let refused = error("reject", "Produce", 2, "NOT_ENOUGH_REPLICAS");
    let behind = scene.behind(vec![refused, slow])?;
    let settings = [
        ("enable.idempotence", scene.either("false", "true")),
        ("max.in.flight.requests.per.connection", "5"),
        // A request for each record.
        ("batch.num.messages", "1"),
        ("linger.ms", "50"),
        ("client.id", "orders"),
    ];
    let client = producer(behind.bootstrap(), &settings)?;
    let values = numbered("step", 0..6);
    for (at, value) in values.iter().enumerate() {
        send(&client, &topic, Some(0), "order-7", value)?;
        if at == 0 {
            // What comes first from a producer id that the broker does not know is taken with any sequence.
            flush(&client)?;
        }
    }
    scene.did("librdkafka sends a record, and then five more of the same key in five requests");
    scene.did("the first of the five is refused once, and the answer takes 100 ms, as all do");
    let told = flush(&client)?;
    let acknowledged = told.iter().filter(|(_, outcome)| outcome.is_ok()).count();
    drop((client, behind));
    let log = scene.direct()?.log(&topic, 0)?;
    let read = of(&log);
    scene.count("records acknowledged", acknowledged);
    scene.count("records in the log", log.len());
    scene.saw(format!("the log holds {}", listed(&read)));
    let behind_later = |at: usize| read.iter().take(at).any(|earlier| *earlier > read[at]);
    for (at, record) in log.iter().enumerate().filter(|(at, _)| behind_later(*at)) {
        scene.exhibit(record, format!("was sent before {}", read[at - 1]));
    }
    Ok(if read == values {
        Found::whole("the log has the order in which the records were sent")
    } else if absent(&values, &log).is_empty() && read.len() == values.len() {
        Found::harm("records of one key are in another order than they were sent")
    } else {
        Found::neither(format!("the log holds {}", listed(&read)))
    })
}
