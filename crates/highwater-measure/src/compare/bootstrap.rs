//! The interval of a median, by drawing the figures again and again.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::effect::{Effect, median, middle_of};

/// Draws: enough that the ends of the interval move by less than a figure when the seed changes.
const DRAWS: usize = 2_000;

/// Median of the differences with its percentile bootstrap interval; none without differences.
///
/// `level` is how often such an interval covers the true median, e.g. 0.95. The same seed gives the same interval.
#[must_use]
pub fn median_interval(differences: &[f64], level: f64, seed: u64) -> Option<Effect> {
    let middle = median(differences)?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = vec![0.0; differences.len()];
    let mut medians = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        for slot in &mut drawn {
            *slot = differences[below(&mut random, differences.len())];
        }
        drawn.sort_unstable_by(f64::total_cmp);
        medians.push(middle_of(&drawn)?);
    }
    medians.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - level.clamp(0.0, 1.0)) / 2.0;
    let at = |share: f64| medians[((share * DRAWS as f64) as usize).min(DRAWS - 1)];
    Some(Effect {
        middle,
        low: at(tail),
        high: at(1.0 - tail),
    })
}

/// A whole number below `limit`; the bias of the multiplication is 2⁻⁵⁰ for any limit used here.
fn below(random: &mut ChaCha8Rng, limit: usize) -> usize {
    ((u128::from(random.next_u64()) * limit as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let values = [0.1, -0.2, 0.05, 0.3, 0.0, 0.12, -0.04];
        assert_eq!(
            median_interval(&values, 0.95, 7),
            median_interval(&values, 0.95, 7)
        );
        assert_eq!(median_interval(&[], 0.95, 7), None);
    }

    #[test]
    fn the_interval_of_ten_figures_leaves_out_the_extremes() {
        // The resampled median is below the second of ten in 1.3 % and below the third in 11 % of all draws.
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        let effect = median_interval(&values, 0.95, 1).unwrap();
        assert_eq!(effect.middle, 5.5);
        assert!((2.0..=3.0).contains(&effect.low), "{effect:?}");
        assert!((8.0..=9.0).contains(&effect.high), "{effect:?}");
    }

    #[test]
    fn a_constant_has_no_width() {
        let effect = median_interval(&[0.25; 6], 0.95, 3).unwrap();
        assert_eq!((effect.low, effect.middle, effect.high), (0.25, 0.25, 0.25));
    }
}
