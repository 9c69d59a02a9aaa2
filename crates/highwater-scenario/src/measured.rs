//! One pass over the ledgers: every figure of a scenario that is about time.
//!
//! Invariant: a record counts in the phase in which it was *due*, whenever its acknowledgement came.

use std::iter::Peekable;
use std::sync::Arc;

use highwater_load::{Ledger, Row};
use highwater_measure::histogram::Latency;
use highwater_model::{
    LatencyReport, Outcome, Phase, PhaseReport, Quantiles, TimelineBin, Timing, TimingCurve,
};

/// Bins of the timeline, at most: more can't be told apart in a chart.
const MOST_BINS: u64 = 400;
/// Widths that a bin can have, in milliseconds.
const BIN_WIDTHS_MS: [u64; 13] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 600_000,
];

/// A phase that was gone through.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PhaseSpan {
    pub(crate) phase: Phase,
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) generator_cpu_seconds: Option<f64>,
}

impl PhaseSpan {
    fn seconds(&self) -> f64 {
        self.end_ns.saturating_sub(self.start_ns) as f64 / 1e9
    }

    /// Whether records become due in it.
    fn has_load(&self) -> bool {
        !matches!(self.phase, Phase::Drain | Phase::ReadBack)
    }
}

/// What is known beside the ledgers.
pub(crate) struct Scope<'a> {
    pub(crate) phases: &'a [PhaseSpan],
    /// When the run stopped waiting: records without an acknowledgement took longer than until then.
    pub(crate) gave_up_ns: u64,
    /// Whether records were also received by consumers of the run.
    pub(crate) received: bool,
    /// Whether the load had a rate, or took what it could get.
    pub(crate) saturating: bool,
    /// End of the time in which records became due.
    pub(crate) load_end_ns: u64,
}

/// Every figure that is about time.
pub(crate) struct Measured {
    pub(crate) phases: Vec<PhaseReport>,
    pub(crate) latency: LatencyReport,
    pub(crate) offered_per_s: Option<f64>,
    pub(crate) achieved_per_s: Option<f64>,
    pub(crate) slip: Quantiles,
    pub(crate) timeline: Vec<TimelineBin>,
    pub(crate) curve: TimingCurve,
    /// Undisturbed response times: of the steady phase.
    pub(crate) steady_response: Latency,
}

#[derive(Default)]
struct Paths {
    ack_response: Latency,
    ack_service: Latency,
    received_response: Latency,
    received_service: Latency,
    due: u64,
    acknowledged_within: u64,
}

impl Paths {
    fn add(&mut self, row: &Row, scope: &Scope<'_>) {
        self.due += 1;
        let waited = scope.gave_up_ns.saturating_sub(row.intended_ns);
        let waited_in_client = row
            .handed_ns
            .map(|handed| scope.gave_up_ns.saturating_sub(handed));
        record(
            &mut self.ack_response,
            &mut self.ack_service,
            row,
            row.acknowledged_ns,
            waited,
            waited_in_client,
        );
        // A record that certainly never reached the log can't be received; it is censored on the way to its
        // acknowledgement already.
        if scope.received && row.outcome == Outcome::Acknowledged {
            record(
                &mut self.received_response,
                &mut self.received_service,
                row,
                row.received_ns,
                waited,
                waited_in_client,
            );
        }
    }

    fn report(&self) -> LatencyReport {
        LatencyReport {
            ack: Timing {
                response: self.ack_response.quantiles(),
                service: self.ack_service.quantiles(),
            },
            end_to_end: Timing {
                response: self.received_response.quantiles(),
                service: self.received_service.quantiles(),
            },
        }
    }
}

fn record(
    response: &mut Latency,
    service: &mut Latency,
    row: &Row,
    arrived: Option<u64>,
    waited: u64,
    in_client: Option<u64>,
) {
    match arrived {
        Some(arrived) => response.record(arrived.saturating_sub(row.intended_ns)),
        None => response.record_censored(waited),
    }
    match (arrived, row.handed_ns, in_client) {
        (Some(arrived), Some(handed), _) => service.record(arrived.saturating_sub(handed)),
        (None, _, Some(in_client)) => service.record_censored(in_client),
        _ => {}
    }
}

/// Measures everything.
pub(crate) fn measure(ledgers: &[Arc<Ledger>], scope: &Scope<'_>) -> Measured {
    let mut phases: Vec<Paths> = scope.phases.iter().map(|_| Paths::default()).collect();
    let mut slip = Latency::default();
    for row in ledgers.iter().flat_map(|ledger| ledger.rows()) {
        let Some(index) = phase_at(scope.phases, row.intended_ns) else {
            continue;
        };
        phases[index].add(&row, scope);
        if let Some(arrived) = row.acknowledged_ns.and_then(|at| phase_at(scope.phases, at)) {
            phases[arrived].acknowledged_within += 1;
        }
        if scope.phases[index].phase == Phase::Steady
            && let Some(handed) = row.handed_ns
        {
            slip.record(handed.saturating_sub(row.intended_ns));
        }
    }
    let reports = scope
        .phases
        .iter()
        .zip(&phases)
        .map(|(span, paths)| phase_report(span, paths, scope))
        .collect();
    let steady_response = scope
        .phases
        .iter()
        .zip(&phases)
        .find(|(span, _)| span.phase == Phase::Steady)
        .map(|(_, paths)| paths.ack_response.clone());
    let all = judged(scope.phases, &phases);
    let (offered_per_s, achieved_per_s) = rates(ledgers, scope, &all);
    Measured {
        phases: reports,
        latency: all.report(),
        offered_per_s,
        achieved_per_s,
        slip: slip.quantiles(),
        timeline: timeline(ledgers, scope),
        curve: TimingCurve {
            response: all.ack_response.curve(),
            service: all.ack_service.curve(),
        },
        steady_response: steady_response.unwrap_or_default(),
    }
}

fn phase_at(phases: &[PhaseSpan], at_ns: u64) -> Option<usize> {
    phases.iter().rposition(|span| span.start_ns <= at_ns)
}

fn phase_report(span: &PhaseSpan, paths: &Paths, scope: &Scope<'_>) -> PhaseReport {
    let per_s = |count: u64| (span.has_load() && span.seconds() > 0.0).then(|| count as f64 / span.seconds());
    PhaseReport {
        phase: span.phase,
        start_ns: span.start_ns,
        end_ns: span.end_ns,
        due: paths.due,
        offered_per_s: per_s(paths.due).filter(|_| !scope.saturating),
        achieved_per_s: per_s(paths.acknowledged_within),
        latency: paths.report(),
        generator_cpu_seconds: span.generator_cpu_seconds,
    }
}

/// Everything but warm-up, merged; everything if there is nothing but warm-up.
fn judged(spans: &[PhaseSpan], phases: &[Paths]) -> Paths {
    let mut all = Paths::default();
    for (span, paths) in spans.iter().zip(phases) {
        if span.phase == Phase::WarmUp {
            continue;
        }
        all.ack_response.merge(&paths.ack_response);
        all.ack_service.merge(&paths.ack_service);
        all.received_response.merge(&paths.received_response);
        all.received_service.merge(&paths.received_service);
        all.due += paths.due;
    }
    all
}

/// Offered: judged records over the time in which they became due. Achieved: those acknowledged over the time
/// until the last of them was, so that a load that lags behind its schedule is seen.
fn rates(ledgers: &[Arc<Ledger>], scope: &Scope<'_>, all: &Paths) -> (Option<f64>, Option<f64>) {
    let Some(start) = scope
        .phases
        .iter()
        .find(|span| span.phase != Phase::WarmUp)
        .map(|span| span.start_ns)
    else {
        return (None, None);
    };
    let offered_s = scope.load_end_ns.saturating_sub(start) as f64 / 1e9;
    let (mut acknowledged, mut last) = (0_u64, start);
    for row in ledgers
        .iter()
        .flat_map(|ledger| ledger.rows())
        .filter(|row| row.intended_ns >= start)
    {
        if let Some(at) = row.acknowledged_ns {
            acknowledged += 1;
            last = last.max(at);
        }
    }
    let achieved_s = last.saturating_sub(start).max(match scope.saturating {
        true => 0,
        false => scope.load_end_ns.saturating_sub(start),
    }) as f64
        / 1e9;
    let rate = |count: u64, seconds: f64| (seconds > 0.0).then(|| count as f64 / seconds);
    (
        rate(all.due, offered_s).filter(|_| !scope.saturating),
        rate(acknowledged, achieved_s),
    )
}

/// Bins by the moment at which records were due; acknowledgements by the moment at which they came.
fn timeline(ledgers: &[Arc<Ledger>], scope: &Scope<'_>) -> Vec<TimelineBin> {
    let (Some(first), Some(last)) = (
        scope.phases.first(),
        scope.phases.iter().rfind(|span| span.has_load()),
    ) else {
        return Vec::new();
    };
    let (start, end) = (first.start_ns, last.end_ns);
    let width = bin_width_ns(end.saturating_sub(start));
    let count = end.saturating_sub(start).div_ceil(width) as usize;
    let mut arrived = vec![0_u64; count];
    for at in ledgers
        .iter()
        .flat_map(|ledger| ledger.rows())
        .filter_map(|row| row.acknowledged_ns)
    {
        if let Some(bin) = at
            .checked_sub(start)
            .and_then(|since| arrived.get_mut((since / width) as usize))
        {
            *bin += 1;
        }
    }
    let mut rows: Vec<Peekable<_>> = ledgers.iter().map(|ledger| ledger.rows().peekable()).collect();
    let (mut response, mut service) = (Vec::new(), Vec::new());
    (0..count)
        .map(|index| {
            let bin_start = start + index as u64 * width;
            response.clear();
            service.clear();
            for rows in &mut rows {
                while let Some(row) = rows.next_if(|row| row.intended_ns < bin_start + width) {
                    let arrived = row.acknowledged_ns.unwrap_or(scope.gave_up_ns);
                    response.push(arrived.saturating_sub(row.intended_ns));
                    service.extend(row.handed_ns.map(|handed| arrived.saturating_sub(handed)));
                }
            }
            let due = response.len() as u64;
            TimelineBin {
                start_ns: bin_start,
                width_ns: width,
                due,
                acknowledged: arrived[index],
                response_p50_ns: quantile(&mut response, 0.5),
                response_p99_ns: quantile(&mut response, 0.99),
                response_max_ns: quantile(&mut response, 1.0),
                service_p50_ns: quantile(&mut service, 0.5),
                service_max_ns: quantile(&mut service, 1.0),
            }
        })
        .collect()
}

fn bin_width_ns(length_ns: u64) -> u64 {
    let widest = BIN_WIDTHS_MS[BIN_WIDTHS_MS.len() - 1];
    let fits = |width: &u64| length_ns.div_ceil(width * 1_000_000) <= MOST_BINS;
    BIN_WIDTHS_MS.into_iter().find(fits).unwrap_or(widest) * 1_000_000
}

/// Nearest-rank quantile of some values, exact; reorders them.
fn quantile(values: &mut [u64], quantile: f64) -> Option<u64> {
    let rank = (quantile * values.len() as f64).ceil() as usize;
    let index = rank.clamp(1, values.len().max(1)) - 1;
    (!values.is_empty()).then(|| *values.select_nth_unstable(index).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_as_narrow_as_the_chart_can_show() {
        for (seconds, width_ms) in [(2, 10), (30, 100), (60, 200), (600, 2_000), (86_400, 600_000)] {
            assert_eq!(
                bin_width_ns(seconds * 1_000_000_000),
                width_ms * 1_000_000,
                "{seconds} s"
            );
        }
    }

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let mut values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(quantile(&mut values, 0.5), Some(50));
        assert_eq!(quantile(&mut values, 0.99), Some(99));
        assert_eq!(quantile(&mut values, 1.0), Some(100));
        assert_eq!(quantile(&mut [], 0.5), None);
        assert_eq!(quantile(&mut [7], 0.99), Some(7));
    }
}
