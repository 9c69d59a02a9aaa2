//! Mann and Kendall's statistic with Hamed and Rao's variance.

/// Largest lag whose likeness is looked at, as a share of the series: estimates for longer ones are mostly noise.
const LAGS: usize = 4;
/// A correlation of ranks is taken for real beyond this many standard deviations (95 %).
const REAL: f64 = 1.96;

/// How surely a series rises or falls.
pub(crate) struct MannKendall {
    /// Pairs that rise less pairs that fall.
    pub(crate) statistic: f64,
    /// Variance of the statistic if there were no trend.
    pub(crate) variance: f64,
    /// What the likeness of neighbours made of it.
    pub(crate) inflation: f64,
}

impl MannKendall {
    /// The statistic of a series; how far neighbours resemble each other is taken from what remains of it without
    /// its slope.
    pub(crate) fn of(values: &[f64], residuals: &[f64]) -> Self {
        let mut statistic = 0.0;
        for (place, value) in values.iter().enumerate() {
            for later in values.iter().skip(place + 1) {
                statistic += match later.total_cmp(value) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.0,
                    std::cmp::Ordering::Less => -1.0,
                };
            }
        }
        let inflation = inflation(&ranks(residuals));
        Self {
            statistic,
            variance: plain_variance(values) * inflation,
            inflation,
        }
    }

    /// In standard deviations, corrected for the statistic being a whole number.
    pub(crate) fn z(&self) -> f64 {
        if self.variance <= 0.0 || self.statistic == 0.0 {
            return 0.0;
        }
        (self.statistic - self.statistic.signum()) / self.variance.sqrt()
    }
}

fn plain_variance(values: &[f64]) -> f64 {
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let ties: f64 = sorted
        .chunk_by(|a, b| a == b)
        .map(|same| term(same.len() as f64))
        .sum();
    (term(values.len() as f64) - ties) / 18.0
}

/// n/n* of Hamed and Rao (their equation 13), at least 1.
fn inflation(ranks: &[f64]) -> f64 {
    let n = ranks.len() as f64;
    if n < 4.0 {
        return 1.0;
    }
    let bound = REAL / n.sqrt();
    let mut sum = 0.0;
    for lag in 1..=ranks.len() / LAGS {
        let likeness = correlation(ranks, lag);
        // The first lag that is not real ends it: what a far one shows without those between is chance. That of
        // direct neighbours always counts: with so few windows much of it stays below the bound.
        if lag > 1 && likeness.abs() <= bound {
            break;
        }
        let left = n - lag as f64;
        sum += left * (left - 1.0) * (left - 2.0) * likeness;
    }
    (1.0 + 2.0 / (n * (n - 1.0) * (n - 2.0)) * sum).max(1.0)
}

fn correlation(values: &[f64], lag: usize) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let all: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let both: f64 = values
        .iter()
        .zip(values.iter().skip(lag))
        .map(|(a, b)| (a - mean) * (b - mean))
        .sum();
    if all > 0.0 { both / all } else { 0.0 }
}

/// Ranks from 1; equal values share the middle of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for same in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = before as f64 + (same.len() as f64 + 1.0) / 2.0;
        same.iter().for_each(|index| ranks[*index] = rank);
        before += same.len();
    }
    ranks
}

/// The median; of an even number of values the middle of the two.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    let upper = *values.get(half)?;
    Some(match values.len() % 2 {
        0 => (values.get(half.checked_sub(1)?)? + upper) / 2.0,
        _ => upper,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_the_papers() {
        // Helsel and Hirsch, "Statistical Methods in Water Resources", the variance for ten distinct values: 125.
        let rising: Vec<f64> = (0..10).map(f64::from).collect();
        let test = MannKendall::of(&rising, &[0.0; 10]);
        assert_eq!(
            (test.statistic, test.variance, test.inflation),
            (45.0, 125.0, 1.0)
        );
        assert!((test.z() - 44.0 / 125.0_f64.sqrt()).abs() < 1e-12);
        let tied = [1.0, 1.0, 2.0, 2.0, 2.0, 3.0];
        // (6·5·17 − 2·1·9 − 3·2·11) / 18
        assert!((plain_variance(&tied) - (510.0 - 18.0 - 66.0) / 18.0).abs() < 1e-12);
        assert_eq!(ranks(&tied), [1.5, 1.5, 4.0, 4.0, 4.0, 6.0]);
        assert_eq!(MannKendall::of(&[4.0; 9], &[4.0; 9]).z(), 0.0);
        assert_eq!(
            (median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0])),
            (Some(2.0), Some(2.5))
        );
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn likeness_of_neighbours_widens_and_its_opposite_does_not_narrow() {
        let slow: Vec<f64> = (0..60).map(|at| f64::from(at % 20)).collect();
        assert!(inflation(&ranks(&slow)) > 3.0);
        let alternating: Vec<f64> = (0..60).map(|at| f64::from(at % 2)).collect();
        assert_eq!(inflation(&ranks(&alternating)), 1.0);
    }
}
