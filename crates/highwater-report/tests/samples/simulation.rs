//! One producer, one broker, one outage: every record with its response and service time.

use highwater_model::{CurvePoint, Phase, PhaseReport, Quantiles, TimelineBin, Timing, TimingCurve};

use super::{MS, S};

/// What is simulated.
#[derive(Clone, Copy)]
pub(crate) struct Simulation {
    pub(crate) start_ns: u64,
    pub(crate) length_ns: u64,
    pub(crate) rate_per_s: u64,
    /// From and to, within the simulation.
    pub(crate) outage_ns: Option<(u64, u64)>,
    pub(crate) bin_ns: u64,
}

/// A record.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    pub(crate) due_ns: u64,
    pub(crate) response_ns: u64,
    pub(crate) service_ns: u64,
}

impl Simulation {
    pub(crate) fn records(&self) -> Vec<Record> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut share = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let every = S / self.rate_per_s;
        (0..self.length_ns / every)
            .map(|index| {
                let due = index * every;
                // Mostly under a millisecond, with a tail.
                let usual = (0.62 + 0.35 * share() + 0.4 / (0.35 + 25.0 * share())) * MS as f64;
                let mut record = Record {
                    due_ns: self.start_ns + due,
                    response_ns: usual as u64,
                    service_ns: (usual * 0.93) as u64,
                };
                if let Some((from, to)) = self.outage_ns.filter(|(from, to)| (*from..*to).contains(&due)) {
                    let backlog = (due - from) / every * 30_000;
                    record.response_ns = to - due + backlog + 40 * MS;
                    // The client takes no more than a second's worth while the broker is away.
                    let kept_out = (due - from).saturating_sub(S);
                    record.service_ns = record.response_ns.saturating_sub(kept_out).max(MS);
                }
                record
            })
            .collect()
    }

    pub(crate) fn timeline(&self, records: &[Record]) -> Vec<TimelineBin> {
        let bins = self.length_ns.div_ceil(self.bin_ns) as usize;
        let index = |ns: u64| ((ns - self.start_ns) / self.bin_ns) as usize;
        let mut due: Vec<Vec<&Record>> = vec![Vec::new(); bins];
        let mut acknowledged = vec![0; bins];
        for record in records {
            due[index(record.due_ns)].push(record);
            if let Some(count) = acknowledged.get_mut(index(record.due_ns + record.response_ns)) {
                *count += 1;
            }
        }
        (0_u64..)
            .zip(due.iter().zip(acknowledged))
            .map(|(index, (due, acknowledged))| {
                let response = sorted(due.iter().map(|record| record.response_ns));
                let service = sorted(due.iter().map(|record| record.service_ns));
                TimelineBin {
                    start_ns: self.start_ns + index * self.bin_ns,
                    width_ns: self.bin_ns,
                    due: due.len() as u64,
                    acknowledged,
                    response_p50_ns: at(&response, 0.5),
                    response_p99_ns: at(&response, 0.99),
                    response_max_ns: at(&response, 1.0),
                    service_p50_ns: at(&service, 0.5),
                    service_max_ns: at(&service, 1.0),
                }
            })
            .collect()
    }
}

pub(crate) fn timing(records: &[Record]) -> Timing {
    Timing {
        response: quantiles(records.iter().map(|record| record.response_ns)),
        service: quantiles(records.iter().map(|record| record.service_ns)),
    }
}

pub(crate) fn curve(records: &[Record]) -> TimingCurve {
    const QUANTILES: [f64; 14] = [
        0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.9975, 0.999, 0.9995, 0.9999, 1.0,
    ];
    let points = |values: Vec<u64>| {
        QUANTILES
            .into_iter()
            .filter_map(|quantile| at(&values, quantile).map(|value_ns| CurvePoint { quantile, value_ns }))
            .collect()
    };
    TimingCurve {
        response: points(sorted(records.iter().map(|record| record.response_ns))),
        service: points(sorted(records.iter().map(|record| record.service_ns))),
    }
}

pub(crate) fn quantiles(values: impl Iterator<Item = u64>) -> Quantiles {
    let values = sorted(values);
    Quantiles {
        count: values.len() as u64,
        censored: 0,
        mean_ns: (!values.is_empty()).then(|| values.iter().sum::<u64>() as f64 / values.len() as f64),
        p50_ns: at(&values, 0.5),
        p90_ns: at(&values, 0.9),
        p95_ns: at(&values, 0.95),
        p99_ns: at(&values, 0.99),
        p999_ns: at(&values, 0.999).filter(|_| values.len() >= 10_000),
        max_ns: at(&values, 1.0),
        over_100ms: values.iter().filter(|value| **value > 100 * MS).count() as u64,
    }
}

pub(crate) fn phase(phase: Phase, from_ns: u64, to_ns: u64, records: &[Record]) -> PhaseReport {
    let own: Vec<Record> = records
        .iter()
        .filter(|record| (from_ns..to_ns).contains(&record.due_ns))
        .copied()
        .collect();
    let rate = own.len() as f64 * S as f64 / (to_ns - from_ns) as f64;
    let mut report = PhaseReport {
        phase,
        start_ns: from_ns,
        end_ns: to_ns,
        due: own.len() as u64,
        offered_per_s: (!own.is_empty()).then_some(rate),
        achieved_per_s: (!own.is_empty()).then_some(rate * 0.998),
        latency: Default::default(),
        generator_cpu_seconds: Some((to_ns - from_ns) as f64 / 1e9 * 0.061),
    };
    report.latency.ack = timing(&own);
    report
}

fn sorted(values: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values
}

fn at(sorted: &[u64], quantile: f64) -> Option<u64> {
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}
