//! KIP-890: a batch that comes after the end of its transaction opens one that nobody will end.

use std::time::Duration;

use super::rules::held_until_answer;
use super::{Hazard, on_one_broker};
use crate::arm::Found;
use crate::client::{Client, Protocol, Transactional, unanswered};
use crate::error::{HazardError, named, refused};
use crate::scene::{PATIENCE, Scene};

pub(super) const HAZARD: Hazard = Hazard {
    name: "hanging-transaction",
    title: "A delayed Produce opens a transaction that nobody ends",
    risk: "A Produce waits in the network while its producer gives up and aborts. When it arrives, a broker that does not \
           ask the coordinator appends it: a transaction is open in the partition of which the coordinator knows \
           nothing. No timeout ends it, the last stable offset stands still, and committed readers get nothing any more",
    mend: "transaction.partition.verification.enable=true (the default since Kafka 3.6) or transaction version 2; one that \
           hangs already: kafka-transactions.sh find-hanging, then abort",
    sources: &["KIP-890", "KIP-664"],
    open: "transaction.partition.verification.enable=false",
    control: "transaction.partition.verification.enable=true",
    absent: on_one_broker,
    run,
};

/// Shorter than the time for which the Produce is held.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(400);
const TRANSACTION_TIMEOUT_MS: i32 = 1_500;
/// Twice the timeout of the transaction: by then its coordinator has ended whatever it knows of.
const LONG_ENOUGH: Duration = Duration::from_millis(3_000);

fn run(scene: &mut Scene<'_>) -> Result<Found, HazardError> {
    let broker = scene.verifying(!scene.is_open())?;
    let topic = scene.name("log");
    let mut log = broker.direct()?;
    log.create_topic(&topic, 1)?;
    // Counted from when it is held.
    let behind = scene.behind_of(
        broker.bootstrap(),
        vec![held_until_answer("Produce", 2, "EndTxn", 1)],
    )?;
    let mut client = Client::new(behind.address()?, "payments");
    let id = scene.name("id");
    let mut producer = Transactional::init(&mut client, &id, Protocol::Old, TRANSACTION_TIMEOUT_MS)?;
    producer.write(&mut client, &topic, 0, &["A-1".to_owned()])?;
    let request = producer.next_batch(&topic, 0, &["A-2".to_owned()]);
    scene.did("a transaction writes A-1 and A-2; the Produce of A-2 is kept in the network");
    client = client.with_patience(REQUEST_TIMEOUT);
    let answer = producer.send(&mut client, &request);
    client = client.with_patience(PATIENCE);
    if unanswered(&answer) {
        scene.saw("no answer within the request timeout");
    }
    let code = producer.end(&mut client, false)?;
    scene.did("the producer aborts; then the delayed Produce reaches the broker");
    scene.saw(format!("EndTxn (abort) is answered with {}", named(code)));
    refused("EndTxn", code)?;
    scene.pass(LONG_ENOUGH)?;
    log.write(&topic, 0, &["C".to_owned()])?;
    scene.did("after twice the timeout of the transaction, another producer writes C, which is acknowledged");
    let (stable, end) = (log.stable_offset(&topic, 0)?, log.end_offset(&topic, 0)?);
    let read = log.committed_values(&topic, 0)?;
    scene.saw(format!("last stable offset {stable}, end of the log {end}"));
    scene.count(
        "records behind the last stable offset",
        usize::try_from(end - stable).unwrap_or(0),
    );
    for record in log
        .log(&topic, 0)?
        .iter()
        .filter(|record| record.offset >= stable)
    {
        let remark = match record.value.as_str() {
            "C" => "acknowledged, and out of reach for committed readers",
            _ => "in a transaction that has no owner",
        };
        scene.exhibit(record, remark);
    }
    drop(behind);
    Ok(match (stable < end, read.as_slice()) {
        (true, []) => Found::harm("the last stable offset stands still: a committed reader never gets C"),
        (false, [only]) if only == "C" => {
            Found::whole("the late batch was refused, a committed reader gets C")
        }
        _ => Found::neither(format!("a committed reader gets {} records", read.len())),
    })
}
