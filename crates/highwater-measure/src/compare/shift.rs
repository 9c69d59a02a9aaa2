//! By how much one set of runs lies above another.

use super::effect::{Effect, median};
use super::judge::MOST_FIGURES;
use super::rank_sum::choices;

/// The shift of Hodges and Lehmann (1963) from `base` to `candidate`, the median of all differences between the
/// two, with the exact interval of Moses, which inverts the test of Mann and Whitney.
///
/// None if a set is empty or both together have more than [`MOST_FIGURES`], or if they are so small that no interval
/// of this level exists: 0.95 needs four on each side, or two against eight.
#[must_use]
pub fn shift(base: &[f64], candidate: &[f64], level: f64) -> Option<Effect> {
    if base.len() + candidate.len() > MOST_FIGURES {
        return None;
    }
    let mut differences: Vec<f64> = candidate
        .iter()
        .flat_map(|candidate| base.iter().map(move |base| candidate - base))
        .collect();
    differences.sort_by(f64::total_cmp);
    let left_out = outside(base.len(), candidate.len(), (1.0 - level) / 2.0)?;
    Some(Effect {
        middle: median(&differences)?,
        low: *differences.get(left_out)?,
        high: *differences.get(differences.len().checked_sub(left_out + 1)?)?,
    })
}

/// How many differences may be left out at each end; none if not even the whole range is wide enough.
fn outside(base: usize, candidate: usize, tail: f64) -> Option<usize> {
    let ranks: Vec<usize> = (1..=base + candidate).collect();
    let ways = choices(&ranks, candidate);
    let all: f64 = ways.iter().sum();
    let least: usize = (1..=candidate).sum();
    let mut sum = 0.0;
    let significant = ways
        .get(least..)?
        .iter()
        .take_while(|ways| {
            sum += **ways;
            sum / all <= tail
        })
        .count();
    significant.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_inverts_the_exact_test() {
        // With 8 and 8, U of 13 is the last that is significant at 5 %: 13 differences are left out at each end.
        let base: Vec<f64> = (0..8).map(f64::from).collect();
        let candidate: Vec<f64> = (0..8).map(|n| f64::from(n) * 10.0).collect();
        let mut all: Vec<f64> = candidate
            .iter()
            .flat_map(|b| base.iter().map(move |a| b - a))
            .collect();
        all.sort_by(f64::total_cmp);
        let effect = shift(&base, &candidate, 0.95).unwrap();
        assert_eq!((effect.low, effect.high), (all[13], all[64 - 14]));
        assert_eq!(effect.middle, 31.5);
    }

    #[test]
    fn three_a_side_have_no_interval() {
        assert_eq!(shift(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], 0.95), None);
        assert_eq!(shift(&[], &[4.0], 0.95), None);
        let four = shift(&[1.0, 2.0, 3.0, 4.0], &[11.0, 12.0, 13.0, 14.0], 0.95).unwrap();
        assert_eq!((four.low, four.middle, four.high), (7.0, 10.0, 13.0));
    }
}
