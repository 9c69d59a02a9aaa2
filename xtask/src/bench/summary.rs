//! What was measured, as it is stored.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::case::Case;
use super::error::BenchError;
use super::tool::{Measurement, Tool};

/// The machine that it ran on.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    /// Before the first measurement: what else runs shows here.
    load_average: String,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("unknown", |(_, name)| name)
            .to_owned();
        Self {
            processor,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            load_average: read("/proc/loadavg").trim().to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            processor,
            cores,
            load_average,
        } = self;
        write!(f, "{processor} · {cores} cores · load average {load_average}")
    }
}

/// Everything, by case and tool.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    machine: Machine,
    broker: String,
    rounds: usize,
    cases: BTreeMap<String, BTreeMap<&'static str, Rounds>>,
}

/// All rounds of one tool in one case.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Rounds {
    pub(crate) measurements: Vec<Measurement>,
    /// Why there are fewer than asked for.
    pub(crate) skipped: Vec<String>,
}

/// The middle of a handful of figures, with the smallest and the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Summary {
    pub(crate) fn new(machine: Machine, broker: String, rounds: usize) -> Self {
        Self {
            machine,
            broker,
            rounds,
            cases: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, case: &Case, tool: &Tool, measurement: Measurement) {
        self.of(case, tool).measurements.push(measurement);
    }

    pub(crate) fn skip(&mut self, case: &Case, tool: &Tool, reason: String) {
        self.of(case, tool).skipped.push(reason);
    }

    fn of(&mut self, case: &Case, tool: &Tool) -> &mut Rounds {
        let tools = self.cases.entry(case.name.clone()).or_default();
        tools.entry(tool.name()).or_default()
    }

    pub(crate) fn tools(&self, case: &Case) -> impl Iterator<Item = (&'static str, &Rounds)> {
        let tools = self.cases.get(&case.name).into_iter().flatten();
        tools.map(|(name, rounds)| (*name, rounds))
    }

    pub(crate) fn heading(&self) -> String {
        format!("{} · {}", self.machine, self.broker)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), BenchError> {
        let file = |source| BenchError::File {
            path: path.to_owned(),
            source,
        };
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(file)?;
        }
        let text = serde_json::to_string_pretty(self).map_err(|source| BenchError::Json {
            what: "figures".to_owned(),
            source,
        })?;
        fs::write(path, text).map_err(file)
    }
}

impl Rounds {
    /// Spread of one figure over the rounds that have it.
    pub(crate) fn spread(&self, figure: impl Fn(&Measurement) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.measurements.iter().filter_map(figure).collect())
    }
}

impl Spread {
    /// None of no figures.
    pub(crate) fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_by(f64::total_cmp);
        let (least, most) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let median = if figures.len().is_multiple_of(2) {
            f64::midpoint(figures[middle - 1], figures[middle])
        } else {
            figures[middle]
        };
        Some(Self { median, least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(rates: &[f64]) -> Rounds {
        let measurements = rates.iter().map(|per_s| Measurement {
            per_s: *per_s,
            achieved: None,
            cpu_seconds_per_million: 0.0,
            cores: 0.0,
            peak_resident_bytes: 0,
            slip_p99_ns: None,
            load_average: None,
        });
        Rounds {
            measurements: measurements.collect(),
            skipped: Vec::new(),
        }
    }

    #[test]
    fn medians_of_odd_even_and_no_rounds() {
        let spread = |rates| rounds(rates).spread(|measurement| Some(measurement.per_s));
        let of = |median, least, most| Some(Spread { median, least, most });
        assert_eq!(spread(&[3.0, 1.0, 2.0]), of(2.0, 1.0, 3.0));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 8.0]), of(3.0, 1.0, 8.0));
        assert_eq!(spread(&[]), None);
        assert_eq!(rounds(&[1.0]).spread(|measurement| measurement.achieved), None);
    }
}
