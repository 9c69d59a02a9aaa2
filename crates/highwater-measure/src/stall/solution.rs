//! The mixture of records that waited and records that did not.

use super::{Base, Stall, StallError};

/// Halvings when a quantile is looked for: a window of 100 days down to less than a nanosecond.
const HALVINGS: usize = 64;

/// The analytic distribution of response time.
#[derive(Debug, Clone, Copy)]
pub struct Solution<'a> {
    base: Base<'a>,
    base_mean_ns: f64,
    base_p50_ns: f64,
    base_max_ns: f64,
    /// Share of the records of the window that waited.
    share: f64,
    /// Number of records that waited.
    affected: f64,
    /// Shortest and longest extra wait of them.
    shortest_ns: f64,
    longest_ns: f64,
}

impl<'a> Solution<'a> {
    pub(super) fn of(stall: &Stall<'a>) -> Result<Self, StallError> {
        let (base_mean_ns, base_p50_ns, base_max_ns) = figures(stall.base).ok_or(StallError::NoBase)?;
        check(stall)?;
        let window = stall.window_ns as f64;
        let outage = stall.outage_ns as f64;
        // Extra wait lost for each nanosecond that a record falls due later.
        let slope = 1.0 - stall.arrival_per_s / stall.drain_per_s;
        // The oldest record that was not acknowledged fell due one undisturbed latency before the last
        // acknowledgement; times below count from there.
        let origin = stall.outage_start_ns as f64 - base_p50_ns;
        let from = (-origin).max(0.0);
        let to = (outage / slope).min(window - origin).max(from);
        Ok(Self {
            base: stall.base,
            base_mean_ns,
            base_p50_ns,
            base_max_ns,
            share: ((to - from) / window).min(1.0),
            affected: stall.arrival_per_s * (to - from) / 1e9,
            shortest_ns: (outage - slope * to).max(0.0),
            longest_ns: (outage - slope * from).max(0.0),
        })
    }

    /// Number of records that waited longer than undisturbed ones.
    #[must_use]
    pub fn affected(&self) -> u64 {
        self.affected.round() as u64
    }

    /// Mean response time.
    #[must_use]
    pub fn mean_ns(&self) -> f64 {
        self.base_mean_ns + self.share * (self.shortest_ns + self.longest_ns) / 2.0
    }

    /// Longest response time.
    #[must_use]
    pub fn max_ns(&self) -> f64 {
        (self.base_p50_ns + self.longest_ns).max(self.base_max_ns)
    }

    /// Response time at a quantile in 0..=1.
    #[must_use]
    pub fn value_at(&self, quantile: f64) -> f64 {
        let (mut low, mut high) = (0.0, self.max_ns());
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if self.share_up_to(middle) >= quantile {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }

    fn share_up_to(&self, ns: f64) -> f64 {
        let undisturbed = match self.base {
            Base::Summary { p50_ns, .. } => f64::from(u8::from(ns >= p50_ns as f64)),
            Base::Measured(latency) => latency.share_up_to(ns as u64).unwrap_or(0.0),
        };
        let width = self.longest_ns - self.shortest_ns;
        let into = ns - self.base_p50_ns - self.shortest_ns;
        let waited = if width > 0.0 {
            (into / width).clamp(0.0, 1.0)
        } else {
            f64::from(u8::from(into >= 0.0))
        };
        (1.0 - self.share) * undisturbed + self.share * waited
    }
}

/// Mean, median and largest of the undisturbed latency.
fn figures(base: Base<'_>) -> Option<(f64, f64, f64)> {
    match base {
        Base::Summary { mean_ns, p50_ns } => Some((mean_ns, p50_ns as f64, p50_ns as f64)),
        Base::Measured(latency) => Some((
            latency.mean_ns()?,
            latency.value_at(0.5)? as f64,
            latency.max_ns()? as f64,
        )),
    }
}

fn check(stall: &Stall<'_>) -> Result<(), StallError> {
    let positive = [
        ("arrival rate", stall.arrival_per_s > 0.0),
        ("drain rate", stall.drain_per_s > 0.0),
        ("window", stall.window_ns > 0),
        ("outage", stall.outage_ns > 0),
    ];
    if let Some((what, _)) = positive.into_iter().find(|(_, positive)| !positive) {
        return Err(StallError::NotPositive { what });
    }
    if stall.drain_per_s <= stall.arrival_per_s {
        return Err(StallError::NotDraining {
            arrival_per_s: stall.arrival_per_s,
            drain_per_s: stall.drain_per_s,
        });
    }
    if stall.outage_start_ns >= stall.window_ns {
        return Err(StallError::OutsideWindow {
            outage_start_ns: stall.outage_start_ns,
            window_ns: stall.window_ns,
        });
    }
    Ok(())
}
