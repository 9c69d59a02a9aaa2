//! What equal sides differ by.
//!
//! The noise floor is the difference that a comparison of this size would show between equal sides in one of twenty
//! cases: 1.96 standard errors of a median, from a spread that single outliers don't move.

use super::effect::median;

/// From the median of absolute deviations to the standard deviation of a normal distribution.
const OF_NORMAL: f64 = 1.482_602_218_505_602;
/// Standard error of a median over that of a mean: √(π / 2).
const MEDIAN_OVER_MEAN: f64 = 1.253_314_137_315_5;
/// Two-sided 5 % of a normal distribution.
const Z: f64 = 1.959_963_984_540_054;
/// Fewer than this say nothing about a spread.
const MIN_DIFFERENCES: usize = 3;

/// The floor for the median of `rounds` differences, from differences between runs with the same settings; none if
/// there are fewer than three.
#[must_use]
pub fn paired_floor(same: &[f64], rounds: usize) -> Option<f64> {
    if same.len() < MIN_DIFFERENCES || rounds == 0 {
        return None;
    }
    let sizes: Vec<f64> = same.iter().map(|difference| difference.abs()).collect();
    // Their centre is known: equal sides differ by nothing.
    let spread = OF_NORMAL * median(&sizes)?;
    Some(Z * MEDIAN_OVER_MEAN * spread / (rounds as f64).sqrt())
}

/// The floor for the shift between two sets of runs, from the spread within each; none if one has fewer than three.
///
/// The larger spread counts for both.
#[must_use]
pub fn unpaired_floor(base: &[f64], candidate: &[f64]) -> Option<f64> {
    let spread = spread(base)?.max(spread(candidate)?);
    let error = (1.0 / base.len() as f64 + 1.0 / candidate.len() as f64).sqrt();
    Some(Z * MEDIAN_OVER_MEAN * spread * error)
}

fn spread(values: &[f64]) -> Option<f64> {
    if values.len() < MIN_DIFFERENCES {
        return None;
    }
    let middle = median(values)?;
    let away: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    Some(OF_NORMAL * median(&away)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_rounds_lower_the_floor() {
        let same = [0.02, -0.04, 0.03, -0.01, 0.05];
        let ten = paired_floor(&same, 10).unwrap();
        assert!((ten - Z * MEDIAN_OVER_MEAN * OF_NORMAL * 0.03 / 10_f64.sqrt()).abs() < 1e-12);
        assert!((paired_floor(&same, 40).unwrap() - ten / 2.0).abs() < 1e-12);
    }

    #[test]
    fn an_outlier_does_not_move_it_and_two_runs_are_not_enough() {
        let calm = paired_floor(&[0.02, -0.02, 0.02, -0.02, 0.02], 10).unwrap();
        let with_outlier = paired_floor(&[0.02, -0.02, 0.02, -0.02, 3.0], 10).unwrap();
        assert!((calm - with_outlier).abs() < 1e-12);
        assert_eq!(paired_floor(&[0.1, 0.2], 10), None);
        assert_eq!(unpaired_floor(&[0.1, 0.2], &[0.1, 0.2, 0.3]), None);
        assert!(unpaired_floor(&[1.0, 1.1, 0.9], &[1.0, 1.2, 0.8]).is_some_and(|floor| floor > 0.2));
    }
}
