//! Scales: from values to places in a drawing, and the round values worth a tick.
//!
//! Invariant: a scale maps its whole domain into its range, also when every value is the same or zero.

/// How values are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Linear,
    Log,
}

/// A mapping from values to coordinates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    kind: Kind,
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Scale {
    /// Exactly this domain.
    pub(super) fn linear(low: f64, high: f64, start: f64, end: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self {
            kind: Kind::Linear,
            low,
            high,
            start,
            end,
        }
    }

    /// From zero to a round value at or above `high`.
    pub(super) fn from_zero(high: f64, start: f64, end: f64) -> Self {
        let step = round_step(high.max(f64::MIN_POSITIVE) / 4.0);
        Self::linear(0.0, (high / step).ceil().max(1.0) * step, start, end)
    }

    /// From the decade below `low` to a round value at or above `high`; at least two decades.
    pub(super) fn log(low: f64, high: f64, start: f64, end: f64) -> Self {
        let low = low.max(1.0);
        let high = high.max(low);
        let bottom = 10_f64.powf(low.log10().floor());
        let step = 10_f64.powf(high.log10().floor());
        let top = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * step)
            // A little air above the highest value.
            .find(|top| *top >= high * 1.05)
            .unwrap_or(step * 10.0)
            .max(bottom * 100.0);
        Self {
            kind: Kind::Log,
            low: bottom,
            high: top,
            start,
            end,
        }
    }

    /// The coordinate of a value; values outside the domain land on its border.
    pub(super) fn at(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        let share = match self.kind {
            Kind::Linear => (value - self.low) / (self.high - self.low),
            Kind::Log => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        self.start + share * (self.end - self.start)
    }

    pub(super) fn domain(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    pub(super) fn range(&self) -> (f64, f64) {
        (self.start, self.end)
    }

    /// Round values in the domain, about `wanted` of them; on a logarithmic scale every power of ten.
    pub(super) fn ticks(&self, wanted: usize) -> Vec<f64> {
        match self.kind {
            _ if wanted == 0 => Vec::new(),
            Kind::Linear => self.linear_ticks(wanted),
            Kind::Log => self.decades(),
        }
    }

    fn linear_ticks(&self, wanted: usize) -> Vec<f64> {
        let step = round_step((self.high - self.low) / wanted.max(1) as f64);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|index| index as f64 * step).collect()
    }

    fn decades(&self) -> Vec<f64> {
        let first = self.low.log10().round() as i32;
        let last = self.high.log10().floor() as i32;
        (first..=last).map(|power| 10_f64.powi(power)).collect()
    }
}

/// The smallest of 1, 2, 5 times a power of ten at or above `value`.
fn round_step(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= value * 0.999_999)
        .unwrap_or(power * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_covers_its_values_and_ticks_are_round() {
        let scale = Scale::log(0.8e6, 1.36e9, 300.0, 0.0);
        assert_eq!(scale.domain(), (1e5, 2e9));
        assert_eq!(scale.ticks(5), [1e5, 1e6, 1e7, 1e8, 1e9]);
        assert!((scale.at(1e5) - 300.0).abs() < 1e-9);
        assert!(scale.at(1.36e9) > 0.0);
        let scale = Scale::from_zero(1_730.0, 100.0, 0.0);
        assert_eq!(scale.domain(), (0.0, 2_000.0));
        assert_eq!(scale.ticks(4), [0.0, 500.0, 1_000.0, 1_500.0, 2_000.0]);
    }

    #[test]
    fn degenerate_domains_stay_finite() {
        for scale in [
            Scale::log(0.0, 0.0, 10.0, 0.0),
            Scale::from_zero(0.0, 10.0, 0.0),
            Scale::linear(5.0, 5.0, 0.0, 10.0),
        ] {
            assert!(scale.at(0.0).is_finite() && scale.at(1e300).is_finite());
            assert!(scale.ticks(5).len() < 20, "{scale:?}");
        }
    }
}
