//! Distributions of latencies.
//!
//! Invariant: nothing that was recorded goes away. Every sample counts in `count`, `mean`, `max` and
//! `over_100ms` exactly, whatever its size; only the quantiles are read from buckets (HDR, three significant
//! digits), which saturate at [`LONGEST_NS`]. Distributions are merged, never averaged.
//!
//! Samples that are known only to be longer than something (a record that was never acknowledged) are
//! [censored](Latency::record_censored): they stay in the distribution at that value and are counted, so that
//! whoever reads the figures knows that they are lower bounds.

mod interval;

use hdrhistogram::Histogram;
use highwater_model::{CurvePoint, Quantiles};

pub use interval::{Interval, IntervalSummary};

/// Largest value that the buckets tell apart: 24 hours, longer than any record is waited for.
pub const LONGEST_NS: u64 = 24 * 3600 * 1_000_000_000;

/// A record that waited longer than this is said to have suffered: 100 ms, where people begin to notice.
pub const SUFFERED_OVER_NS: u64 = 100_000_000;

/// Fewest samples for each percentile: those of which one at least lies beyond it; ten for the 99.9th, which
/// is the one that limits are set on and a single outlier must not decide.
pub const FEWEST_SAMPLES: [(f64, u64); 5] = [(0.5, 1), (0.9, 10), (0.95, 20), (0.99, 100), (0.999, 10_000)];

/// Most points of [`Latency::curve`]: more than a chart has pixels to show.
pub const MOST_CURVE_POINTS: usize = 120;

/// Points of the curve for each further nine: from 90 % to 99 %, from 99 % to 99.9 %.
const CURVE_POINTS_PER_DECADE: f64 = 16.0;

/// Significant decimal digits of the buckets: 0.1 %.
const SIGNIFICANT_DIGITS: u8 = 3;

/// A distribution of latencies in nanoseconds. At most about 320 KiB, less while all samples are short.
#[derive(Debug, Clone)]
pub struct Latency {
    buckets: Histogram<u64>,
    censored: u64,
    over_100ms: u64,
    sum_ns: u128,
    max_ns: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

impl Latency {
    /// An empty distribution.
    #[must_use]
    pub fn new() -> Self {
        Self {
            buckets: Histogram::new(SIGNIFICANT_DIGITS).expect("the number of digits is in range"),
            censored: 0,
            over_100ms: 0,
            sum_ns: 0,
            max_ns: 0,
        }
    }

    /// Adds a sample.
    pub fn record(&mut self, ns: u64) {
        self.record_n(ns, 1);
    }

    /// Adds the same sample several times.
    pub fn record_n(&mut self, ns: u64, times: u64) {
        if times == 0 {
            return;
        }
        // Not `saturating_record_n`: that one clamps to the present size instead of growing.
        self.buckets
            .record_n(ns.min(LONGEST_NS), times)
            .expect("the buckets grow to the longest value");
        self.sum_ns += u128::from(ns) * u128::from(times);
        self.max_ns = self.max_ns.max(ns);
        if ns > SUFFERED_OVER_NS {
            self.over_100ms += times;
        }
    }

    /// Adds a sample of which only a lower bound is known.
    pub fn record_censored(&mut self, at_least_ns: u64) {
        self.record(at_least_ns);
        self.censored += 1;
    }

    /// Adds all samples of another distribution.
    pub fn merge(&mut self, other: &Self) {
        self.buckets
            .add(&other.buckets)
            .expect("all distributions grow to the same bounds");
        self.censored += other.censored;
        self.over_100ms += other.over_100ms;
        self.sum_ns += other.sum_ns;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// Number of samples, censored ones included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.len()
    }

    /// Number of samples of which only a lower bound is known.
    #[must_use]
    pub fn censored(&self) -> u64 {
        self.censored
    }

    /// True without any sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Exact arithmetic mean.
    #[must_use]
    pub fn mean_ns(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.sum_ns as f64 / self.count() as f64)
    }

    /// Exact largest sample.
    #[must_use]
    pub fn max_ns(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.max_ns)
    }

    /// Value at a quantile in 0..=1, within 0.1 %, never above the largest sample; `None` if empty. Not
    /// limited by [`FEWEST_SAMPLES`].
    #[must_use]
    pub fn value_at(&self, quantile: f64) -> Option<u64> {
        (!self.is_empty()).then(|| self.buckets.value_at_quantile(quantile).min(self.max_ns))
    }

    /// Share of the samples that are at most this long, within the width of a bucket; `None` if empty.
    #[must_use]
    pub fn share_up_to(&self, ns: u64) -> Option<f64> {
        let ns = ns.min(LONGEST_NS);
        (!self.is_empty()).then(|| self.buckets.quantile_below(ns))
    }

    /// The summary for reports. A percentile with fewer samples than [`FEWEST_SAMPLES`] asks for is `None`.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        let [p50, p90, p95, p99, p999] = FEWEST_SAMPLES.map(|(quantile, fewest)| {
            (self.count() >= fewest)
                .then(|| self.value_at(quantile))
                .flatten()
        });
        Quantiles {
            count: self.count(),
            censored: self.censored,
            mean_ns: self.mean_ns(),
            p50_ns: p50,
            p90_ns: p90,
            p95_ns: p95,
            p99_ns: p99,
            p999_ns: p999,
            max_ns: self.max_ns(),
            over_100ms: self.over_100ms,
        }
    }

    /// Value by quantile, from the smallest sample at 0 to the largest at 1, spaced evenly in the number of
    /// nines, no further than the samples reach. At most [`MOST_CURVE_POINTS`] points; empty if there is no
    /// sample.
    #[must_use]
    pub fn curve(&self) -> Vec<CurvePoint> {
        let Some(max_ns) = self.max_ns() else {
            return Vec::new();
        };
        let decades = (self.count() as f64).log10();
        let inner = ((decades * CURVE_POINTS_PER_DECADE).ceil() as usize).min(MOST_CURVE_POINTS - 1);
        let mut points: Vec<CurvePoint> = (0..inner)
            .filter_map(|place| {
                let quantile = 1.0 - 10_f64.powf(-decades * place as f64 / inner as f64);
                let value_ns = if place == 0 {
                    self.buckets.min()
                } else {
                    self.value_at(quantile)?
                };
                Some(CurvePoint { quantile, value_ns })
            })
            .collect();
        points.push(CurvePoint {
            quantile: 1.0,
            value_ns: max_ns,
        });
        points
    }
}

#[cfg(test)]
mod tests;
