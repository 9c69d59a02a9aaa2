//! The test of Mann and Whitney for two sets of runs, exact.

use super::judge::MOST_FIGURES;
use super::ranks::doubled;

/// Two-sided exact p value that neither set tends to larger values; none if one is empty, or if both together have
/// more than [`MOST_FIGURES`].
///
/// The distribution is that of the ranks at hand, ties included: every choice of as many of them is equally likely.
#[must_use]
pub fn rank_sum(base: &[f64], candidate: &[f64]) -> Option<f64> {
    let all: Vec<f64> = base.iter().chain(candidate).copied().collect();
    if base.is_empty() || candidate.is_empty() || all.len() > MOST_FIGURES {
        return None;
    }
    let ranks = doubled(&all);
    let seen: usize = ranks[base.len()..].iter().sum();
    let ways = choices(&ranks, candidate.len());
    let total: f64 = ways.iter().sum();
    let below: f64 = ways[..=seen].iter().sum();
    let above: f64 = ways[seen..].iter().sum();
    Some((2.0 * below.min(above) / total).min(1.0))
}

/// In how many ways `chosen` of the ranks give each sum; relative, so that large sets don't overflow.
pub(super) fn choices(ranks: &[usize], chosen: usize) -> Vec<f64> {
    let most: usize = ranks.iter().sum();
    let mut ways = vec![vec![0.0; most + 1]; chosen + 1];
    ways[0][0] = 1.0;
    for (done, rank) in ranks.iter().enumerate() {
        for many in (1..=chosen.min(done + 1)).rev() {
            let (fewer, rest) = ways.split_at_mut(many);
            let (from, into) = (&fewer[many - 1], &mut rest[0]);
            for sum in *rank..=most {
                into[sum] += from[sum - rank];
            }
        }
    }
    ways.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn p_values_are_those_of_the_tables() {
        // Mann and Whitney (1947), and counted: ways with at most this U, of all, twice.
        let cases: [(&str, &[f64], &[f64], f64); 5] = [
            ("3 and 3, U 0: 1 of 20", &[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], 0.1),
            (
                "4 and 4, U 0: 1 of 70",
                &[1.0, 2.0, 3.0, 4.0],
                &[5.0, 6.0, 7.0, 8.0],
                2.0 / 70.0,
            ),
            (
                "5 and 5, U 2: 4 of 252",
                &[1.0, 2.0, 3.0, 4.0, 7.0],
                &[5.0, 6.0, 8.0, 9.0, 10.0],
                8.0 / 252.0,
            ),
            ("2 and 3, U 0: 1 of 10", &[1.0, 2.0], &[3.0, 4.0, 5.0], 0.2),
            ("all alike", &[1.0; 4], &[1.0; 4], 1.0),
        ];
        for (name, base, candidate, expected) in cases {
            let p = rank_sum(base, candidate).unwrap();
            assert!((p - expected).abs() < 1e-12, "{name}: {p}");
            assert_eq!(rank_sum(candidate, base), Some(p), "{name}, the other way");
        }
        assert_eq!(rank_sum(&[], &[1.0]), None);
        assert_eq!(rank_sum(&vec![1.0; MOST_FIGURES], &[1.0]), None);
    }

    #[test]
    fn the_critical_value_for_eight_and_eight_is_13() {
        // The largest U that is significant at 5 % with 8 figures a side, in every printed table.
        let with_u = |u: usize| {
            let ways = choices(&(1..=16).map(|rank| 2 * rank).collect::<Vec<_>>(), 8);
            let least = 2 * (1..=8).sum::<usize>();
            2.0 * ways[..=least + 2 * u].iter().sum::<f64>() / ways.iter().sum::<f64>()
        };
        assert!(with_u(13) <= 0.05 && with_u(14) > 0.05);
    }

    proptest! {
        #[test]
        fn agrees_with_counting_every_choice(
            values in prop::collection::vec((0_u8..5).prop_map(f64::from), 2..10),
            cut in 1_usize..9,
        ) {
            let cut = cut.min(values.len() - 1);
            let ranks = doubled(&values);
            let chosen = values.len() - cut;
            let seen: usize = ranks[cut..].iter().sum();
            let (mut below, mut above, mut all) = (0.0, 0.0, 0.0);
            for choice in (0_u32..1 << values.len()).filter(|bits| bits.count_ones() as usize == chosen) {
                let sum: usize = ranks.iter().enumerate().filter(|(i, _)| choice >> i & 1 == 1).map(|(_, r)| r).sum();
                all += 1.0;
                below += f64::from(u8::from(sum <= seen));
                above += f64::from(u8::from(sum >= seen));
            }
            let counted = (2.0 * f64::min(below, above) / all).min(1.0);
            prop_assert!((rank_sum(&values[..cut], &values[cut..]).unwrap() - counted).abs() < 1e-12);
        }
    }
}
