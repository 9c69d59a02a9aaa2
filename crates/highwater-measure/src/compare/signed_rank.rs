//! Wilcoxon's signed-rank test, exact.

use super::judge::MOST_FIGURES;
use super::ranks::doubled;

/// Two-sided exact p value that the differences lie around zero; none without a difference, or with more than
/// [`MOST_FIGURES`].
///
/// Zeros are treated after Pratt (1959): they are ranked with the others and then left out, so that a zero is
/// evidence for "no difference" and not nothing. Ties have the mean of their ranks, and the distribution is that of
/// the ranks at hand: every way to give them signs is equally likely.
#[must_use]
pub fn signed_rank(differences: &[f64]) -> Option<f64> {
    if differences.is_empty() || differences.len() > MOST_FIGURES {
        return None;
    }
    let sizes: Vec<f64> = differences.iter().map(|difference| difference.abs()).collect();
    let ranks: Vec<(usize, f64)> = doubled(&sizes)
        .into_iter()
        .zip(differences.iter().copied())
        .filter(|(_, difference)| *difference != 0.0)
        .collect();
    let positive: usize = ranks
        .iter()
        .filter(|(_, difference)| *difference > 0.0)
        .map(|(rank, _)| rank)
        .sum();
    let ways = distribution(ranks.iter().map(|(rank, _)| *rank));
    let below: f64 = ways[..=positive].iter().sum();
    let above: f64 = ways[positive..].iter().sum();
    Some((2.0 * below.min(above)).min(1.0))
}

/// Probability of each sum of the ranks that get a plus.
fn distribution(ranks: impl Iterator<Item = usize>) -> Vec<f64> {
    let mut ways = vec![1.0];
    for rank in ranks {
        let mut next = vec![0.0; ways.len() + rank];
        for (sum, probability) in ways.iter().enumerate() {
            next[sum] += probability / 2.0;
            next[sum + rank] += probability / 2.0;
        }
        ways = next;
    }
    ways
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Differences 1, 2, …, n of which those named are negative.
    fn with_negative(n: usize, negative: &[usize]) -> Vec<f64> {
        let sign = |rank: &usize| if negative.contains(rank) { -1.0 } else { 1.0 };
        (1..=n).map(|rank| sign(&rank) * rank as f64).collect()
    }

    #[test]
    fn p_values_are_those_of_the_tables() {
        // Wilcoxon and Wilcox, "Some rapid approximate statistical procedures" (1964), and counted by hand: the sum
        // of negative ranks, and the share of the 2^n signs that give at most as much, twice.
        let cases: [(&str, usize, &[usize], f64); 8] = [
            ("n 5, T 0: 1 of 32", 5, &[], 0.0625),
            ("n 6, T 0: 1 of 64", 6, &[], 0.03125),
            ("n 7, T 2: 3 of 128", 7, &[2], 0.046875),
            ("n 8, T 3: 5 of 256", 8, &[3], 0.039_062_5),
            ("n 8, T 4: 7 of 256", 8, &[4], 0.054_687_5),
            ("n 10, T 0: 1 of 1024", 10, &[], 0.001_953_125),
            ("n 10, T 8: 25 of 1024", 10, &[8], 0.048_828_125),
            ("n 10, T 9: 33 of 1024", 10, &[9], 0.064_453_125),
        ];
        for (name, n, negative, expected) in cases {
            assert_eq!(signed_rank(&with_negative(n, negative)), Some(expected), "{name}");
        }
    }

    #[test]
    fn zeros_are_ranked_and_left_out() {
        // Ranks 1 and 2 belong to the zeros; 3 to 6 all point one way: 1 of 16.
        assert_eq!(signed_rank(&[0.0, 0.0, 1.0, 2.0, 3.0, 4.0]), Some(0.125));
        assert_eq!(signed_rank(&[0.0; 8]), Some(1.0));
        // Left out before ranking, the same would give 5 of 16, twice.
        assert_eq!(signed_rank(&[0.0, 0.0, 0.0, -1.0, -2.0, 3.0, 4.0]), Some(0.75));
    }

    #[test]
    fn too_little_and_too_much_have_no_answer() {
        assert_eq!(signed_rank(&[]), None);
        assert_eq!(signed_rank(&vec![1.0; MOST_FIGURES + 1]), None);
        assert!(signed_rank(&vec![1.0; MOST_FIGURES]).is_some_and(|p| p < 1e-30));
    }

    /// Every way to give signs, one by one.
    fn counted(differences: &[f64]) -> f64 {
        let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
        let ranks = doubled(&sizes);
        let nonzero: Vec<usize> = (0..ranks.len()).filter(|i| differences[*i] != 0.0).collect();
        let seen: usize = nonzero
            .iter()
            .filter(|i| differences[**i] > 0.0)
            .map(|i| ranks[*i])
            .sum();
        let (mut below, mut above, all) = (0.0, 0.0, 1_u32 << nonzero.len());
        for signs in 0..all {
            let plus = nonzero
                .iter()
                .enumerate()
                .filter(|(bit, _)| signs >> bit & 1 == 1);
            let sum: usize = plus.map(|(_, i)| ranks[*i]).sum();
            below += f64::from(u8::from(sum <= seen));
            above += f64::from(u8::from(sum >= seen));
        }
        (2.0 * f64::min(below, above) / f64::from(all)).min(1.0)
    }

    proptest! {
        #[test]
        fn agrees_with_counting_every_way(differences in prop::collection::vec((-4_i8..=4).prop_map(f64::from), 1..10)) {
            let p = signed_rank(&differences).unwrap();
            prop_assert!((p - counted(&differences)).abs() < 1e-12);
        }
    }
}
