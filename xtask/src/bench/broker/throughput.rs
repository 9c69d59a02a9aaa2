//! rdkafka_performance writes a topic and reads it; the broker's CPU is taken before and after.

use highwater_load::admin;

use super::Site;
use super::arm::Arm;
use super::measure::Kind;
use crate::bench::case::Case;
use crate::bench::error::BenchError;
use crate::bench::rdkafka_performance::{self, Mode};

const PARTITIONS: u32 = 3;

/// A size of records, and what is learnt of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    bytes: u64,
    produce: Kind,
    consume: Kind,
    cpu_produce: Kind,
    cpu_consume: Kind,
}

pub(crate) const SMALL: Size = Size {
    bytes: 100,
    produce: Kind::ProduceSmall,
    consume: Kind::ConsumeSmall,
    cpu_produce: Kind::CpuProduceSmall,
    cpu_consume: Kind::CpuConsumeSmall,
};

pub(crate) const LARGE: Size = Size {
    bytes: 5 << 10,
    produce: Kind::ProduceLarge,
    consume: Kind::ConsumeLarge,
    cpu_produce: Kind::CpuProduceLarge,
    cpu_consume: Kind::CpuConsumeLarge,
};

/// One round.
pub(crate) fn measure(
    arm: &Arm,
    topic: &str,
    site: &Site<'_>,
    size: Size,
    records: u64,
) -> Result<Vec<(Kind, f64)>, BenchError> {
    let case = Case {
        name: topic.to_owned(),
        bytes: size.bytes,
        records,
        per_s: None,
        partitions: PARTITIONS,
    };
    let (program, bootstrap) = (site.rdkafka_performance, arm.bootstrap());
    let per_million = |cpu_seconds: f64| cpu_seconds / records as f64 * 1e6;
    admin::create_topic(bootstrap, topic, PARTITIONS, 1, &[])?;
    let before = arm.cpu_seconds()?;
    let produced = rdkafka_performance::measure(program, Mode::Same, &case, bootstrap, topic)?;
    let between = arm.cpu_seconds()?;
    let consumed = rdkafka_performance::consume(program, records, bootstrap, topic)?;
    let after = arm.cpu_seconds()?;
    admin::delete_topic(bootstrap, topic)?;
    Ok(vec![
        (size.produce, produced.per_s),
        (size.cpu_produce, per_million(between - before)),
        (size.consume, consumed),
        (size.cpu_consume, per_million(after - between)),
    ])
}
