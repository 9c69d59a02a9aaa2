//! What a pause of the broker must look like, by arithmetic.
//!
//! Records are due at a rate `λ`. Nothing is acknowledged for a time `D`, from the last acknowledgement before
//! the pause to the first one after it. Then the backlog is acknowledged in order, at a rate `R > λ`, while
//! records go on falling due.
//!
//! ```text
//!  waits longer
//!    D │\            u: when a record fell due, counted from the due time of the oldest one
//!      │  \             that was not acknowledged when the pause began
//!      │    \           it is number λu of the backlog and acknowledged λu/R after the pause
//!      │      \         so it waits D + λu/R − u longer than undisturbed records do
//!    0 └────────\─────▶ u
//!              u* = D·R/(R−λ): caught up
//! ```
//!
//! The extra wait falls linearly, so over the records that waited it is uniform on `0..D`, and the whole window
//! is a mixture of these records and undisturbed ones. The mean follows exactly; quantiles are read from the
//! mixture, with the median of the undisturbed latency added to each wait: their spread is small against `D`.
//!
//! Invariant: only the pause, the rates and the undisturbed latency go in; nothing is fitted to the result.

mod solution;
#[cfg(test)]
mod tests;

use highwater_model::{Quantiles, StallOracle, StallRow};
use thiserror::Error;

use crate::Latency;
pub use solution::Solution;

/// A pause within a stretch of constant load.
#[derive(Debug, Clone, Copy)]
pub struct Stall<'a> {
    /// Rate at which records are due, in records per second.
    pub arrival_per_s: f64,
    /// Length of the stretch over whose records the statistics are taken.
    pub window_ns: u64,
    /// Last acknowledgement before the pause, since the start of the window.
    pub outage_start_ns: u64,
    /// From that acknowledgement to the first one after the pause.
    pub outage_ns: u64,
    /// Measured rate of acknowledgements after the pause until the backlog was gone.
    pub drain_per_s: f64,
    /// Latency of records that the pause did not touch.
    pub base: Base<'a>,
}

/// Undisturbed latency, from intent.
#[derive(Debug, Clone, Copy)]
pub enum Base<'a> {
    /// Two figures: every undisturbed record is taken to have the median.
    Summary {
        /// Mean.
        mean_ns: f64,
        /// Median.
        p50_ns: u64,
    },
    /// As measured in the steady phase.
    Measured(&'a Latency),
}

/// Why there is no analytic value, or nothing to compare it with.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StallError {
    /// The backlog never goes away.
    #[error(
        "the backlog was drained at {drain_per_s}/s while {arrival_per_s}/s were due, so it never goes away"
    )]
    NotDraining {
        /// Rate at which records are due.
        arrival_per_s: f64,
        /// Measured rate of the drain.
        drain_per_s: f64,
    },
    /// A rate or a length that is not above zero.
    #[error("the {what} of the stall is not above 0")]
    NotPositive {
        /// Which.
        what: &'static str,
    },
    /// The pause does not begin within the window.
    #[error("the outage begins {outage_start_ns} ns into a window of {window_ns} ns")]
    OutsideWindow {
        /// Start of the outage.
        outage_start_ns: u64,
        /// Length of the window.
        window_ns: u64,
    },
    /// No sample of undisturbed latency.
    #[error("no undisturbed latency was measured")]
    NoBase,
    /// A statistic that is compared was not measured.
    #[error("the {statistic} of the {path} time was not measured")]
    NotMeasured {
        /// Which statistic.
        statistic: &'static str,
        /// `response` or `service`.
        path: &'static str,
    },
}

impl<'a> Stall<'a> {
    /// The analytic distribution of response time over all records due in the window.
    ///
    /// # Errors
    /// Rates or lengths for which there is none.
    pub fn solve(&self) -> Result<Solution<'a>, StallError> {
        Solution::of(self)
    }

    /// The analytic values beside what was measured over the same records.
    ///
    /// # Errors
    /// As [`Stall::solve`], and statistics that were not measured.
    pub fn compare(&self, response: &Quantiles, service: &Quantiles) -> Result<StallOracle, StallError> {
        let solution = self.solve()?;
        let analytic = [
            ("mean", solution.mean_ns()),
            ("p90", solution.value_at(0.9)),
            ("p99", solution.value_at(0.99)),
            ("max", solution.max_ns()),
        ];
        let mut rows = Vec::with_capacity(analytic.len());
        for (statistic, analytic_ns) in analytic {
            rows.push(StallRow {
                statistic: statistic.to_owned(),
                analytic_ns,
                response_ns: measured(response, statistic, "response")?,
                service_ns: measured(service, statistic, "service")?,
            });
        }
        let largest_error = rows
            .iter()
            .map(|row| (row.response_ns - row.analytic_ns).abs() / row.analytic_ns.max(1.0))
            .fold(0.0, f64::max);
        Ok(StallOracle {
            outage_ns: self.outage_ns,
            arrival_per_s: self.arrival_per_s,
            drain_per_s: self.drain_per_s,
            affected: solution.affected(),
            rows,
            largest_error,
        })
    }
}

fn measured(quantiles: &Quantiles, statistic: &'static str, path: &'static str) -> Result<f64, StallError> {
    let whole = |value: Option<u64>| value.map(|ns| ns as f64);
    let value = match statistic {
        "mean" => quantiles.mean_ns,
        "p90" => whole(quantiles.p90_ns),
        "p99" => whole(quantiles.p99_ns),
        _ => whole(quantiles.max_ns),
    };
    value.ok_or(StallError::NotMeasured { statistic, path })
}
