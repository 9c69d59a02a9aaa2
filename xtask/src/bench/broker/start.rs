//! How long the dev broker takes to start with a long log, from the start of its process to its first answer.

use std::time::Duration;

use highwater_target::{Started, TargetSpec};

use super::Site;
use super::arm::Arm;
use super::measure::Kind;
use super::requests::{batch, connect, create_topic, produce};
use crate::bench::error::BenchError;

const TOPIC: &str = "start";
const PARTITIONS: i32 = 3;
const RECORDS: usize = 100;
const RECORD_BYTES: usize = 5 << 10;
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// One round, on a broker of its own.
pub(crate) fn measure(site: &Site<'_>, log_bytes: u64) -> Result<Vec<(Kind, f64)>, BenchError> {
    let mut arm = Arm::start(&TargetSpec::Dev, site)?;
    let mut connection = connect(arm.bootstrap())?;
    create_topic(&mut connection, TOPIC, PARTITIONS)?;
    let batch = batch(RECORDS, RECORD_BYTES);
    let batches = i32::try_from(log_bytes / batch.len() as u64).unwrap_or(i32::MAX);
    for number in 0..batches {
        produce(&mut connection, TOPIC, number % PARTITIONS, batch.clone())?;
    }
    drop(connection);
    arm.target.stop(STOP_LIMIT)?;
    let after_stop = milliseconds(arm.target.start_again()?);
    // It has to write once more, as a broker that dies usually does.
    let mut connection = connect(arm.bootstrap())?;
    for partition in 0..PARTITIONS {
        produce(&mut connection, TOPIC, partition, batch.clone())?;
    }
    arm.target.kill()?;
    let after_kill = milliseconds(arm.target.start_again()?);
    Ok(vec![
        (Kind::StartAfterStop, after_stop),
        (Kind::StartAfterKill, after_kill),
        (Kind::RecoveryPerGb, after_kill / (log_bytes as f64 / 1e9)),
    ])
}

fn milliseconds(started: Started) -> f64 {
    let took = started.ready_at.saturating_duration_since(started.spawned_at);
    took.as_secs_f64() * 1e3
}
