//! What is measured, and what it must reach.

use serde::Serialize;

/// One figure of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Kind {
    ProduceSmall,
    ProduceLarge,
    ConsumeSmall,
    ConsumeLarge,
    CpuProduceSmall,
    CpuProduceLarge,
    CpuConsumeSmall,
    CpuConsumeLarge,
    AcknowledgedMedian,
    AcknowledgedP99,
    Transactions,
    TransactionsOfLibrdkafka,
    Memory,
    StartAfterStop,
    StartAfterKill,
    RecoveryPerGb,
}

/// What the dev broker must reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// Its figure over Kafka's.
    RatioAtLeast(f64),
    RatioBelow(f64),
    /// Its figure alone.
    Below(f64),
    /// Measured to be known.
    None,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ProduceSmall => "produce 100 B, records/s",
            Self::ProduceLarge => "produce 5 KiB, records/s",
            Self::ConsumeSmall => "consume 100 B, records/s",
            Self::ConsumeLarge => "consume 5 KiB, records/s",
            Self::CpuProduceSmall => "produce 100 B, broker's CPU s per million",
            Self::CpuProduceLarge => "produce 5 KiB, broker's CPU s per million",
            Self::CpuConsumeSmall => "consume 100 B, broker's CPU s per million",
            Self::CpuConsumeLarge => "consume 5 KiB, broker's CPU s per million",
            Self::AcknowledgedMedian => "acknowledgement p50 at 1,000/s × 5 KiB, ms",
            Self::AcknowledgedP99 => "acknowledgement p99 at 1,000/s × 5 KiB, ms",
            Self::Transactions => "transactions/s of one producer, 10 records each",
            Self::TransactionsOfLibrdkafka => "the same with librdkafka, which waits for itself",
            Self::Memory => "memory, 1,000 connections and 10,000 partitions, MB",
            Self::StartAfterStop => "start to ready with 1 GB of log, clean stop, ms",
            Self::StartAfterKill => "start to ready with 1 GB of log, SIGKILL, ms",
            Self::RecoveryPerGb => "start after SIGKILL per GB of log, ms",
        }
    }

    pub(crate) const fn goal(self) -> Goal {
        match self {
            Self::ProduceSmall | Self::ConsumeSmall | Self::ConsumeLarge => Goal::RatioAtLeast(1.0),
            Self::ProduceLarge | Self::Transactions => Goal::RatioAtLeast(1.5),
            Self::CpuProduceSmall | Self::CpuProduceLarge => Goal::RatioBelow(0.5),
            Self::CpuConsumeSmall | Self::CpuConsumeLarge | Self::TransactionsOfLibrdkafka => Goal::None,
            Self::AcknowledgedMedian => Goal::Below(1.0),
            Self::AcknowledgedP99 => Goal::Below(3.0),
            Self::Memory => Goal::Below(150.0),
            Self::StartAfterStop | Self::StartAfterKill => Goal::Below(500.0),
            Self::RecoveryPerGb => Goal::Below(1_000.0),
        }
    }

    /// Digits behind the point.
    pub(crate) const fn digits(self) -> usize {
        match self {
            Self::ProduceSmall | Self::ProduceLarge | Self::ConsumeSmall | Self::ConsumeLarge => 0,
            Self::Memory | Self::StartAfterStop | Self::StartAfterKill | Self::RecoveryPerGb => 0,
            Self::Transactions | Self::TransactionsOfLibrdkafka => 0,
            Self::CpuProduceSmall
            | Self::CpuProduceLarge
            | Self::CpuConsumeSmall
            | Self::CpuConsumeLarge
            | Self::AcknowledgedMedian
            | Self::AcknowledgedP99 => 2,
        }
    }
}

impl Goal {
    pub(crate) fn text(self) -> String {
        match self {
            Self::RatioAtLeast(least) => format!("ratio ≥ {least}"),
            Self::RatioBelow(most) => format!("ratio < {most}"),
            Self::Below(most) => format!("< {most}"),
            Self::None => "–".to_owned(),
        }
    }

    /// None where there is nothing to compare with.
    pub(crate) fn reached(self, dev: Option<f64>, kafka: Option<f64>) -> Option<bool> {
        let ratio = dev.zip(kafka).map(|(dev, kafka)| dev / kafka);
        match self {
            Self::RatioAtLeast(least) => ratio.map(|ratio| ratio >= least),
            Self::RatioBelow(most) => ratio.map(|ratio| ratio < most),
            Self::Below(most) => dev.map(|dev| dev < most),
            Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_judged_on_the_right_side() {
        let cases = [
            (Goal::RatioAtLeast(1.5), Some(3.0), Some(2.0), Some(true)),
            (Goal::RatioAtLeast(1.5), Some(2.9), Some(2.0), Some(false)),
            (Goal::RatioBelow(0.5), Some(1.0), Some(2.0), Some(false)),
            (Goal::RatioBelow(0.5), Some(0.9), Some(2.0), Some(true)),
            (Goal::RatioBelow(0.5), Some(0.9), None, None),
            (Goal::Below(150.0), Some(149.0), None, Some(true)),
            (Goal::Below(150.0), None, None, None),
            (Goal::None, Some(1.0), Some(1.0), None),
        ];
        for (goal, dev, kafka, expected) in cases {
            assert_eq!(goal.reached(dev, kafka), expected, "{goal:?} {dev:?} {kafka:?}");
        }
    }
}
