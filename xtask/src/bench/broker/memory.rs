//! What the dev broker holds with many connections and partitions, all of which were used.

use highwater_target::TargetSpec;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Site;
use super::arm::Arm;
use super::measure::Kind;
use super::requests::{batch, connect, create_topic, metadata, produce};
use crate::bench::error::BenchError;

const TOPICS: i32 = 10;
const SMALL: usize = 100;

/// One round, on a broker of its own.
pub(crate) fn measure(
    site: &Site<'_>,
    connections: usize,
    partitions: i32,
) -> Result<Vec<(Kind, f64)>, BenchError> {
    raise_descriptor_limit()?;
    let arm = Arm::start(&TargetSpec::Dev, site)?;
    let each = partitions / TOPICS;
    let mut first = connect(arm.bootstrap())?;
    let topic = |index: i32| format!("memory-{index}");
    for index in 0..TOPICS {
        create_topic(&mut first, &topic(index), each)?;
    }
    let small = batch(1, SMALL);
    let mut open = Vec::new();
    for number in 0..connections {
        let number = i32::try_from(number).unwrap_or(0);
        let mut connection = connect(arm.bootstrap())?;
        let topic = topic(number % TOPICS);
        metadata(&mut connection, &topic)?;
        produce(&mut connection, &topic, number / TOPICS % each, small.clone())?;
        open.push(connection);
    }
    let resident = arm.resident_bytes()?;
    drop(open);
    Ok(vec![(Kind::Memory, resident as f64 / 1e6)])
}

fn raise_descriptor_limit() -> Result<(), BenchError> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(BenchError::Limit)
}
