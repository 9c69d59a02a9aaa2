//! A transaction that outlives transaction.timeout.ms is aborted, and its producer fenced.

use std::time::Duration;

use super::copying::{copies, copy};
use super::rules::held_for;
use super::values::{absent, listed, of};
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::client::{Client, Protocol, Transactional};
use crate::error::{HazardError, named};
use crate::scene::Scene;

pub(super) const HAZARD: Hazard = Hazard {
    name: "transaction-timeout",
    title: "The transaction timeout is shorter than an outage",
    risk: "A network or a broker is away for longer than transaction.timeout.ms while a transaction is open. The \
           coordinator aborts it and raises the epoch: the commit that comes later is refused, what was acknowledged is \
           gone for committed readers, and the producer has to be made anew",
    mend: "transaction.timeout.ms longer than the longest outage to be survived (transaction.max.timeout.ms of the broker \
           allows 15 minutes), and an application that begins again at the committed offsets when it is fenced",
    sources: &["KIP-98", "KIP-588"],
    open: "transaction.timeout.ms=1000, an outage of 2.5 s",
    control: "transaction.timeout.ms=60000, the same outage",
    absent: on_one_broker,
    run,
};

const OUTAGE: Duration = Duration::from_millis(2_500);

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let output = scene.topic("out", 1)?;
    let behind = scene.behind(vec![held_for("EndTxn", 1, OUTAGE)])?;
    let mut client = Client::new(behind.address()?, "copy");
    let timeout_ms = scene.either(1_000, 60_000);
    let mut producer = Transactional::init(&mut client, &scene.name("copy"), Protocol::New, timeout_ms)?;
    copy(&mut client, &mut producer, &output, 0)?;
    scene.did("writes three records in a transaction, which are acknowledged");
    scene.did("commits; the way to the broker is blocked for 2.5 seconds");
    let code = producer.end(&mut client, true)?;
    scene.saw(format!("EndTxn (commit) is answered with {}", named(code)));
    drop(behind);
    let mut log = scene.direct()?;
    log.is_quiet(&output, 0)?;
    let read = log.committed(&output, 0)?;
    let lost = absent(&copies(), &read);
    scene.saw(format!("a read_committed reader gets {}", listed(&of(&read))));
    scene.count("records acknowledged", copies().len());
    scene.count("records committed", read.len());
    for record in log
        .log(&output, 0)?
        .iter()
        .filter(|one| lost.contains(&one.value))
    {
        scene.exhibit(record, "acknowledged, aborted by the coordinator");
    }
    Ok(match (lost.len(), code) {
        (0, 0) => Found::whole("the transaction was committed after the outage"),
        (3, code) if code != 0 => {
            Found::harm("the coordinator aborted the transaction while its producer lived")
        }
        (lost, _) => Found::neither(format!("{lost} records are missing, EndTxn said {}", named(code))),
    })
}
