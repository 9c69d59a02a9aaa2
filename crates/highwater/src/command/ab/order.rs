//! In which order the runs of a job are done.
//!
//! ```text
//! round   1      2     3      4        control: a second run of A beside the first
//!       A A B | B A | A A B | B A
//! ```
//! Each side is first in every other round, so that what the machine does over minutes hits both alike. Every two
//! runs of A that follow each other are a comparison of equal sides.

/// A run of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A, beside the A of a round.
    Control,
    /// A of a round, counted from 0.
    A(u32),
    /// B of a round.
    B(u32),
}

/// Every run of a job of so many rounds, in order.
pub(super) fn order(rounds: u32) -> Vec<Part> {
    (0..rounds)
        .flat_map(|round| match round % 2 {
            0 => vec![Part::Control, Part::A(round), Part::B(round)],
            _ => vec![Part::B(round), Part::A(round)],
        })
        .collect()
}

/// Places in the order whose runs follow each other and have the settings of A.
pub(super) fn equal_neighbours(order: &[Part]) -> Vec<(usize, usize)> {
    let is_a = |part: &Part| !matches!(part, Part::B(_));
    (1..order.len())
        .filter(|place| is_a(&order[place - 1]) && is_a(&order[*place]))
        .map(|place| (place - 1, place))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_take_turns_and_equal_ones_meet() {
        let four = order(4);
        let letters: String = four
            .iter()
            .map(|part| match part {
                Part::Control => 'c',
                Part::A(_) => 'A',
                Part::B(_) => 'B',
            })
            .collect();
        assert_eq!(letters, "cABBAcABBA");
        assert_eq!(equal_neighbours(&four), [(0, 1), (4, 5), (5, 6)]);
        assert_eq!(equal_neighbours(&order(10)).len(), 9);
        assert_eq!(equal_neighbours(&order(1)), [(0, 1)]);
    }
}
