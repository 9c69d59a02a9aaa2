//! Many questions at once.

/// p values adjusted over their family after Benjamini and Hochberg (1995), in the order given: those at most
/// 0.05 are discoveries of which 5 % are expected to be false.
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let many = p_values.len() as f64;
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*b].total_cmp(&p_values[*a]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut smallest: f64 = 1.0;
    for (from_last, place) in order.into_iter().enumerate() {
        smallest = smallest.min(p_values[place] * many / (many - from_last as f64));
        adjusted[place] = smallest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_paper_rejects_four() {
        // Section 3.2: fifteen p values, four at or below their limit at 5 %.
        let paper = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
            0.6528, 0.7590, 1.0000,
        ];
        let adjusted = benjamini_hochberg(&paper);
        assert_eq!(adjusted.iter().filter(|p| **p <= 0.05).count(), 4);
        assert!((adjusted[3] - 0.0095 * 15.0 / 4.0).abs() < 1e-12);
    }

    #[test]
    fn the_order_is_kept_and_equal_values_stay_equal() {
        assert_eq!(benjamini_hochberg(&[]), Vec::<f64>::new());
        assert_eq!(benjamini_hochberg(&[0.04]), [0.04]);
        assert_eq!(benjamini_hochberg(&[0.5, 0.01, 0.01]), [0.5, 0.015, 0.015]);
        assert_eq!(benjamini_hochberg(&[0.03, 0.04]), [0.04, 0.04]);
    }
}
