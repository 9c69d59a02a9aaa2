//! The samples since the last tick, for the live view and the steady-state test.

use hdrhistogram::Histogram;

use super::LONGEST_NS;

/// Two digits: 1 % is more than the live view shows, and a reset touches eight times less memory.
const SIGNIFICANT_DIGITS: u8 = 2;

/// A small distribution that is emptied at every tick. Allocates once; the caller synchronises.
#[derive(Debug, Clone)]
pub struct Interval {
    buckets: Histogram<u32>,
    max_ns: u64,
}

/// What an [`Interval`] held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IntervalSummary {
    /// Number of samples.
    pub count: u64,
    /// Median, within 1 %.
    pub p50_ns: Option<u64>,
    /// 95th percentile, within 1 %; of few samples the largest.
    pub p95_ns: Option<u64>,
    /// Largest, exact.
    pub max_ns: Option<u64>,
}

impl Default for Interval {
    fn default() -> Self {
        Self::new()
    }
}

impl Interval {
    /// An empty interval.
    #[must_use]
    pub fn new() -> Self {
        Self {
            buckets: Histogram::new_with_bounds(1, LONGEST_NS, SIGNIFICANT_DIGITS)
                .expect("bounds and digits are in range"),
            max_ns: 0,
        }
    }

    /// Adds a sample.
    pub fn record(&mut self, ns: u64) {
        self.buckets.saturating_record(ns.min(LONGEST_NS));
        self.max_ns = self.max_ns.max(ns);
    }

    /// Summarises the samples and starts again without any.
    pub fn take(&mut self) -> IntervalSummary {
        let count = self.buckets.len();
        if count == 0 {
            return IntervalSummary::default();
        }
        let at = |quantile| Some(self.buckets.value_at_quantile(quantile).min(self.max_ns));
        let summary = IntervalSummary {
            count,
            p50_ns: at(0.5),
            p95_ns: at(0.95),
            max_ns: Some(self.max_ns),
        };
        self.buckets.reset();
        self.max_ns = 0;
        summary
    }
}
