//! How large a difference is.

/// A difference ln(candidate / base) with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// The difference in the middle.
    pub middle: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Effect {
    /// The same seen from the other side: what was more is less.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            middle: -self.middle,
            low: -self.high,
            high: -self.low,
        }
    }

    /// Whether the whole interval is nearer to zero than a margin.
    #[must_use]
    pub fn is_within(self, margin: f64) -> bool {
        self.low > -margin && self.high < margin
    }
}

/// The median, the mean of the middle two for an even number; none without values.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    middle_of(&sorted)
}

/// The median of values that are in order.
pub(super) fn middle_of(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[half]),
        _ => Some(f64::midpoint(sorted[half - 1], sorted[half])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_numbers() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
    }

    #[test]
    fn within_means_the_whole_interval() {
        let effect = Effect {
            middle: 0.01,
            low: -0.02,
            high: 0.04,
        };
        assert!(effect.is_within(0.05) && !effect.is_within(0.04) && !effect.is_within(0.0));
        assert_eq!(effect.reversed().reversed(), effect);
    }
}
