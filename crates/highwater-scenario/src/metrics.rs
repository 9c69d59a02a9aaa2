//! The values of metrics by their names, as thresholds ask for them. The names are those of
//! [`highwater_measure::threshold::METRICS`]; a test asks for each.

use highwater_model::{
    Collector, LatencyReport, Phase, PhaseReport, ProcessResources, ProcessRole, Quantiles, ScenarioReport,
};

/// Looks values up in a report.
pub(crate) struct Metrics<'a>(pub(crate) &'a ScenarioReport);

impl Metrics<'_> {
    /// The value in base units (nanoseconds, bytes, records, records per second, cores); none if it was not
    /// measured.
    pub(crate) fn value(&self, phase: Option<Phase>, name: &str) -> Option<f64> {
        let phase = match phase {
            Some(phase) => Some(self.0.phases.iter().find(|report| report.phase == phase)?),
            None => None,
        };
        if let Some((quantiles, statistic)) = self.distribution(phase, name) {
            return statistic_of(quantiles, statistic);
        }
        if let Some(phase) = phase {
            return of_phase(phase, name);
        }
        self.count(name)
            .or_else(|| self.resource(name))
            .or_else(|| match name {
                "rate" => self.0.achieved_per_s,
                "offered" => self.0.offered_per_s,
                _ => self.0.measurements.get(name).copied(),
            })
    }

    /// How many records of the distribution behind a metric have no end, if any.
    pub(crate) fn censored(&self, phase: Option<Phase>, name: &str) -> Option<u64> {
        let phase = phase.and_then(|phase| self.0.phases.iter().find(|report| report.phase == phase));
        self.distribution(phase, name)
            .and_then(|(quantiles, _)| (quantiles.censored > 0).then_some(quantiles.censored))
    }

    /// Number of samples behind a percentile.
    pub(crate) fn samples(&self, phase: Option<Phase>, name: &str) -> Option<u64> {
        let phase = phase.and_then(|phase| self.0.phases.iter().find(|report| report.phase == phase));
        self.distribution(phase, name)
            .map(|(quantiles, _)| quantiles.count)
    }

    fn distribution<'a, 'n>(
        &'a self,
        phase: Option<&'a PhaseReport>,
        name: &'n str,
    ) -> Option<(&'a Quantiles, &'n str)> {
        let latency: &LatencyReport = phase.map_or(&self.0.latency, |phase| &phase.latency);
        let (path, statistic) = name.rsplit_once('.')?;
        let quantiles = match path {
            "ack" => &latency.ack.response,
            "ack.service" => &latency.ack.service,
            "end_to_end" => &latency.end_to_end.response,
            "end_to_end.service" => &latency.end_to_end.service,
            "slip" if phase.is_none() => &self.0.schedule_slip,
            _ => return None,
        };
        Some((quantiles, statistic))
    }

    fn count(&self, name: &str) -> Option<f64> {
        let records = &self.0.records;
        let read_back = |count: u64| records.read_back.then_some(count);
        let count = match name {
            "attempted" => Some(records.attempted),
            "acknowledged" => Some(records.acknowledged),
            "failed" => Some(records.failed),
            "unknown" => Some(records.unknown),
            "delivered" => read_back(records.delivered),
            "lost" => read_back(records.lost),
            "duplicated" => read_back(records.duplicated),
            "reordered" => read_back(records.reordered),
            _ => None,
        };
        count.map(|count| count as f64)
    }

    fn resource(&self, name: &str) -> Option<f64> {
        let (role, what) = match name.split_once('.')? {
            ("broker", what) => (ProcessRole::Broker, what),
            ("generator", what) => (ProcessRole::Generator, what),
            _ => return None,
        };
        let read = |process: &ProcessResources| match what {
            "memory.max" => process.resident_bytes_peak.map(|bytes| bytes as f64),
            "memory.mean" => process.resident_bytes_mean.map(|bytes| bytes as f64),
            "cpu.max" => process.cpu_cores_peak,
            "cpu.mean" => process.cpu_cores_mean,
            "heap.max" => collector(process, |found| found.heap_after_peak_bytes as f64),
            "gc.max" => collector(process, |found| found.longest_ns as f64),
            "gc.share" => collector(process, |found| found.share),
            _ => None,
        };
        let own = self
            .0
            .resources
            .processes
            .iter()
            .filter(|process| process.role == role);
        own.filter_map(read).reduce(f64::max)
    }
}

fn collector(process: &ProcessResources, read: fn(&Collector) -> f64) -> Option<f64> {
    process.collector.as_ref().map(read)
}

fn of_phase(phase: &PhaseReport, name: &str) -> Option<f64> {
    match name {
        "rate" => phase.achieved_per_s,
        "offered" => phase.offered_per_s,
        "attempted" => Some(phase.due as f64),
        _ => None,
    }
}

fn statistic_of(quantiles: &Quantiles, statistic: &str) -> Option<f64> {
    let whole = |value: Option<u64>| value.map(|ns| ns as f64);
    match statistic {
        "mean" => quantiles.mean_ns,
        "p50" => whole(quantiles.p50_ns),
        "p90" => whole(quantiles.p90_ns),
        "p95" => whole(quantiles.p95_ns),
        "p99" => whole(quantiles.p99_ns),
        "p999" => whole(quantiles.p999_ns),
        "max" => whole(quantiles.max_ns),
        _ => None,
    }
}
