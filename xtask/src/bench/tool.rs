//! The tools that are compared, and what is measured of each.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::case::Case;
use super::error::BenchError;
use super::rdkafka_performance::{self, Mode};
use super::{highwater, java};

/// Figures of one run of one tool.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Measurement {
    /// Records per second.
    pub(crate) per_s: f64,
    /// Share of the offered rate, for paced work.
    pub(crate) achieved: Option<f64>,
    /// CPU seconds per million records.
    pub(crate) cpu_seconds_per_million: f64,
    /// CPU in cores while it ran.
    pub(crate) cores: f64,
    /// Largest resident memory.
    pub(crate) peak_resident_bytes: u64,
    /// 99th percentile of how late records were handed over, where the tool tells it.
    pub(crate) slip_p99_ns: Option<u64>,
    /// Load average of the machine just before.
    pub(crate) load_average: Option<f64>,
}

/// A tool.
#[derive(Debug)]
pub(crate) enum Tool {
    /// The one that is measured against the others: every record timed and accounted.
    Highwater(PathBuf),
    RdkafkaPerformance(PathBuf, Mode),
    /// Kafka's own, with its jars if they are there.
    ProducerPerformance(Option<PathBuf>),
}

/// Every tool, the measured one first.
pub(crate) fn all(highwater: PathBuf, rdkafka_performance: PathBuf, jars: Option<PathBuf>) -> Vec<Tool> {
    vec![
        Tool::Highwater(highwater),
        Tool::RdkafkaPerformance(rdkafka_performance.clone(), Mode::Same),
        Tool::RdkafkaPerformance(rdkafka_performance, Mode::Fastest),
        Tool::ProducerPerformance(jars),
    ]
}

impl Tool {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Highwater(_) => "highwater",
            Self::RdkafkaPerformance(_, Mode::Same) => "rdkafka_performance",
            Self::RdkafkaPerformance(_, Mode::Fastest) => "rdkafka_performance, fastest",
            Self::ProducerPerformance(_) => "ProducerPerformance",
        }
    }

    /// The fastest mode is only of interest where speed is.
    pub(crate) fn takes(&self, case: &Case) -> bool {
        !matches!(self, Self::RdkafkaPerformance(_, Mode::Fastest)) || case.per_s.is_none()
    }

    pub(crate) fn makes_its_topic(&self) -> bool {
        matches!(self, Self::Highwater(_))
    }

    /// Runs it once.
    pub(crate) fn measure(
        &self,
        case: &Case,
        bootstrap: &str,
        topic: &str,
        directory: &Path,
    ) -> Result<Measurement, BenchError> {
        let load_average = load_average();
        let measured = match self {
            Self::Highwater(program) => highwater::measure(program, case, bootstrap, &directory.join(topic)),
            Self::RdkafkaPerformance(program, mode) => {
                rdkafka_performance::measure(program, *mode, case, bootstrap, topic)
            }
            Self::ProducerPerformance(Some(jars)) => java::measure(jars, case, bootstrap, topic),
            Self::ProducerPerformance(None) => Err(BenchError::Missing("Kafka's jars (--kafka-jars)")),
        };
        measured.map(|measurement| Measurement {
            load_average,
            ..measurement
        })
    }
}

/// Load average over a minute.
pub(crate) fn load_average() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
