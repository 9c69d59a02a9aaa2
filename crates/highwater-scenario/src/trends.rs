//! Whether latency and memory drifted over the steady phase.
//!
//! Invariant: a trend without an answer leaves no value behind, so that a limit on it is "not measured".

use std::collections::BTreeMap;

use highwater_measure::trend::{self, NoTrend, Trend};
use highwater_model::{Phase, ProcessRole, ResourceSample, TimelineBin, TrendReport};

use crate::measured::PhaseSpan;

/// Every trend that can be asked for, and the values of their metrics.
pub(crate) fn trends(
    phases: &[PhaseSpan],
    timeline: &[TimelineBin],
    samples: &[ResourceSample],
    measurements: &mut BTreeMap<String, f64>,
) -> Vec<TrendReport> {
    let Some(steady) = phases.iter().find(|span| span.phase == Phase::Steady) else {
        return Vec::new();
    };
    let within = |at_ns: u64| (steady.start_ns..=steady.end_ns).contains(&at_ns);
    let medians: Vec<(f64, f64)> = timeline
        .iter()
        .filter(|bin| within(bin.start_ns) && within(bin.start_ns + bin.width_ns))
        .filter_map(|bin| {
            let middle = bin.start_ns + bin.width_ns / 2;
            Some((seconds(middle), bin.response_p50_ns? as f64))
        })
        .collect();
    let mut found = vec![(None, "ack.p50.trend", trend::trend(&medians))];
    for (role, metric) in [
        (ProcessRole::Broker, "broker.memory.trend"),
        (ProcessRole::Generator, "generator.memory.trend"),
    ] {
        let mut readings: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
        for sample in samples
            .iter()
            .filter(|sample| sample.role == role && within(sample.at_ns))
        {
            let reading = (seconds(sample.at_ns), sample.resident_bytes as f64);
            readings.entry(&sample.process).or_default().push(reading);
        }
        found.extend(
            readings
                .into_iter()
                .map(|(process, readings)| (Some(process.to_owned()), metric, trend::trend(&readings))),
        );
    }
    for metric in ["ack.p50.trend", "broker.memory.trend", "generator.memory.trend"] {
        let own = found.iter().filter(|(_, name, _)| *name == metric);
        let values: Option<Vec<f64>> = own
            .map(|(_, _, answer)| answer.as_ref().ok().map(Trend::shown_per_min))
            .collect();
        if let Some(largest) = values.and_then(|values| values.into_iter().reduce(f64::max)) {
            measurements.insert(metric.to_owned(), largest);
        }
    }
    found
        .into_iter()
        .map(|(process, metric, answer)| report(process, metric, answer))
        .collect()
}

/// Why a limit on a trend could not be measured.
pub(crate) fn why_not(trends: &[TrendReport], metric: &str) -> Option<String> {
    let own = trends.iter().filter(|trend| trend.metric == metric);
    own.filter_map(|trend| trend.note.clone()).next()
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

fn report(process: Option<String>, metric: &str, answer: Result<Trend, NoTrend>) -> TrendReport {
    let known = answer.as_ref().ok();
    TrendReport {
        metric: metric.to_owned(),
        process,
        per_min: known.map(|trend| trend.per_min),
        low_per_min: known.map(|trend| trend.low_per_min),
        high_per_min: known.map(|trend| trend.high_per_min),
        shown: known.is_some_and(|trend| trend.shown),
        windows: known.map_or(0, |trend| trend.windows as u64),
        note: answer.err().map(|reason| reason.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn steady(to_s: u64) -> [PhaseSpan; 2] {
        [(Phase::WarmUp, 0, 10), (Phase::Steady, 10, to_s)].map(|(phase, from, to)| PhaseSpan {
            phase,
            start_ns: from * S,
            end_ns: to * S,
            generator_cpu_seconds: None,
        })
    }

    fn sample(process: &str, role: ProcessRole, at_s: u64, mib: u64) -> ResourceSample {
        ResourceSample {
            at_ns: at_s * S,
            process: process.into(),
            role,
            pid: 1,
            cpu_cores: None,
            cpu_seconds_total: 0.0,
            resident_bytes: mib << 20,
            disk_written_bytes: None,
            disk_read_bytes: None,
            descriptors: None,
        }
    }

    /// Response times that grow by a percent a minute with some noise, and memory of two brokers of which one grows.
    fn drifting(length_s: u64) -> (Vec<TimelineBin>, Vec<ResourceSample>) {
        let bins = (0..length_s).map(|at| TimelineBin {
            start_ns: at * S,
            width_ns: S,
            due: 500,
            acknowledged: 500,
            // The warm-up is far off and must not count.
            response_p50_ns: Some(if at < 10 {
                90_000_000
            } else {
                1_500_000 + at * 250 + (at * 7_919 % 13) * 1_000
            }),
            response_p99_ns: None,
            response_max_ns: None,
            service_p50_ns: None,
            service_max_ns: None,
        });
        let samples = (0..length_s).flat_map(|at| {
            [
                sample("broker-1", ProcessRole::Broker, at, 700),
                sample("broker-2", ProcessRole::Broker, at, 700 + at / 5),
            ]
        });
        (bins.collect(), samples.collect())
    }

    #[test]
    fn the_largest_of_several_is_the_value_and_warm_up_does_not_count() {
        let (bins, samples) = drifting(310);
        let mut values = BTreeMap::new();
        let trends = trends(&steady(310), &bins, &samples, &mut values);
        let latency = values["ack.p50.trend"];
        assert!((0.008..0.012).contains(&latency), "{latency}");
        let memory = values["broker.memory.trend"];
        assert!((0.014..0.018).contains(&memory), "{memory}");
        assert_eq!(
            values.get("generator.memory.trend"),
            None,
            "there was no generator to read"
        );
        assert_eq!(trends.iter().filter(|trend| trend.shown).count(), 2);
    }

    #[test]
    fn what_is_too_short_has_no_value_and_says_so() {
        let (bins, samples) = drifting(40);
        let mut values = BTreeMap::new();
        let trends = trends(&steady(40), &bins, &samples, &mut values);
        assert!(values.is_empty(), "{values:?}");
        for metric in ["ack.p50.trend", "broker.memory.trend"] {
            assert!(
                why_not(&trends, metric).unwrap().contains("too short"),
                "{trends:?}"
            );
        }
        assert_eq!(why_not(&trends, "generator.memory.trend"), None);
    }
}
