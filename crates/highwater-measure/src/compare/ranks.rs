//! Ranks of figures, doubled so that the middle of tied ranks is a whole number.

/// Twice the rank of each value, in the order given; ties have the mean of their ranks.
pub(super) fn doubled(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let tied = |place: &usize| values[*place] == values[order[from]];
        let many = order[from..].iter().take_while(|place| tied(place)).count();
        // Ranks from+1 to from+many: twice their mean.
        for place in &order[from..from + many] {
            ranks[*place] = 2 * from + many + 1;
        }
        from += many;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::doubled;

    #[test]
    fn ties_share_the_mean_of_their_ranks() {
        assert!(doubled(&[]).is_empty());
        assert_eq!(doubled(&[3.0, 1.0, 2.0]), [6, 2, 4]);
        assert_eq!(doubled(&[1.0, 5.0, 1.0, 5.0, 5.0]), [3, 8, 3, 8, 8]);
    }
}
