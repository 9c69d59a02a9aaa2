//! Delta debugging: the shortest list of parts that still shows something.
//!
//! Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002), `ddmin`: take away ever smaller
//! pieces, keep what still shows it.
//!
//! Invariant: what comes out was seen to show it (or is the whole list, of which the caller said so), and its parts are
//! in their order. If nothing ran out, no single part of it can be left out.
//!
//! It has no clock: the caller says when time is up.

/// What a test of a shorter list said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It shows it.
    Yes,
    /// It does not show it.
    No,
    /// Neither: the test did not come to an end. Counts as [`No`](Self::No): nothing is built on it.
    Unclear,
}

impl From<bool> for Shown {
    fn from(shown: bool) -> Self {
        if shown { Self::Yes } else { Self::No }
    }
}

/// When to stop although there may be a shorter list.
pub struct Budget<'a> {
    /// Tests at most.
    pub tests: u64,
    /// Asked before each test; true ends the search.
    pub time_is_up: &'a mut dyn FnMut() -> bool,
}

/// Why the search came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// No single part can be left out.
    Minimal,
    /// All tests were used up.
    OutOfTests,
    /// Time was up.
    OutOfTime,
}

/// The shortest list that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimised<T> {
    /// What still shows it, in order. Empty if it shows without any part.
    pub parts: Vec<T>,
    /// Tests made.
    pub tests: u64,
    /// Tests that did not come to an end.
    pub unclear: u64,
    /// Why there were no more.
    pub end: End,
}

struct Search<'a, 'b, T> {
    still_shows: &'a mut dyn FnMut(&[T]) -> Shown,
    budget: Budget<'b>,
    tests: u64,
    unclear: u64,
}

impl<T> Search<'_, '_, T> {
    fn test(&mut self, parts: &[T]) -> Result<bool, End> {
        if self.tests == self.budget.tests {
            return Err(End::OutOfTests);
        }
        if (self.budget.time_is_up)() {
            return Err(End::OutOfTime);
        }
        self.tests += 1;
        let shown = (self.still_shows)(parts);
        self.unclear += u64::from(shown == Shown::Unclear);
        Ok(shown == Shown::Yes)
    }
}

/// The shortest part of a list that still shows something.
///
/// That the whole list shows it is taken from the caller, who has just seen it. The first test is the empty list: what
/// shows without any part has another cause.
pub fn minimise<T: Clone>(
    parts: &[T],
    still_shows: &mut dyn FnMut(&[T]) -> Shown,
    budget: Budget<'_>,
) -> Minimised<T> {
    let mut search = Search {
        still_shows,
        budget,
        tests: 0,
        unclear: 0,
    };
    let mut kept = parts.to_vec();
    let end = shorten(&mut kept, &mut search).err().unwrap_or(End::Minimal);
    Minimised {
        parts: kept,
        tests: search.tests,
        unclear: search.unclear,
        end,
    }
}

fn shorten<T: Clone>(kept: &mut Vec<T>, search: &mut Search<'_, '_, T>) -> Result<(), End> {
    if kept.is_empty() {
        return Ok(());
    }
    if search.test(&[])? {
        kept.clear();
        return Ok(());
    }
    let mut length = kept.len().div_ceil(2);
    while kept.len() > 1 {
        if length > 1 && one_piece_is_enough(kept, length, search)? {
            length = kept.len().div_ceil(2);
            continue;
        }
        let shorter = leave_out(kept, length, search)?;
        if length > 1 {
            length = length.div_ceil(2).min(kept.len());
        } else if !shorter {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether one piece of that length shows it alone; then the others are gone.
fn one_piece_is_enough<T: Clone>(
    kept: &mut Vec<T>,
    length: usize,
    search: &mut Search<'_, '_, T>,
) -> Result<bool, End> {
    // Halves are tried as what is left of each other.
    if kept.len() <= 2 * length {
        return Ok(false);
    }
    for start in (0..kept.len()).step_by(length) {
        let piece = &kept[start..kept.len().min(start + length)];
        if search.test(piece)? {
            *kept = piece.to_vec();
            return Ok(true);
        }
    }
    Ok(false)
}

/// Leaves out pieces of that length wherever it still shows without; whether one was.
fn leave_out<T: Clone>(
    kept: &mut Vec<T>,
    length: usize,
    search: &mut Search<'_, '_, T>,
) -> Result<bool, End> {
    let before = kept.len();
    let mut start = 0;
    while start < kept.len() && kept.len() > length {
        let end = kept.len().min(start + length);
        let rest = [&kept[..start], &kept[end..]].concat();
        if search.test(&rest)? {
            *kept = rest;
        } else {
            start = end;
        }
    }
    Ok(kept.len() < before)
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;

    use super::*;

    fn never() -> impl FnMut() -> bool {
        || false
    }

    fn run(parts: &[u32], tests: u64, shows: impl Fn(&[u32]) -> bool) -> (Minimised<u32>, Vec<Vec<u32>>) {
        let mut seen = Vec::new();
        let mut time = never();
        let mut still_shows = |parts: &[u32]| {
            let shown = shows(parts);
            if shown {
                seen.push(parts.to_vec());
            }
            Shown::from(shown)
        };
        let budget = Budget {
            tests,
            time_is_up: &mut time,
        };
        let minimised = minimise(parts, &mut still_shows, budget);
        (minimised, seen)
    }

    #[test]
    fn two_parts_that_must_come_together() {
        let parts: Vec<u32> = (0..1_000).collect();
        let (found, _) = run(&parts, u64::MAX, |parts| {
            parts.contains(&17) && parts.contains(&900)
        });
        assert_eq!(found.parts, [17, 900]);
        assert_eq!(found.end, End::Minimal);
        assert!(found.tests < 200, "{} tests", found.tests);
    }

    #[test]
    fn what_shows_without_any_part_needs_one_test() {
        let (found, _) = run(&[1, 2, 3], u64::MAX, |_| true);
        assert_eq!((found.parts, found.tests), (vec![], 1));
    }

    #[test]
    fn nothing_is_built_on_a_test_that_did_not_end() {
        let mut time = never();
        let mut still_shows = |parts: &[u32]| match parts.len() {
            3 => Shown::Unclear,
            length => Shown::from(length > 3),
        };
        let budget = Budget {
            tests: 100,
            time_is_up: &mut time,
        };
        let found = minimise(&[1, 2, 3, 4, 5, 6], &mut still_shows, budget);
        assert_eq!(found.parts.len(), 4);
        assert!(found.unclear > 0);
    }

    #[test]
    fn time_ends_the_search_with_what_was_found_so_far() {
        let parts: Vec<u32> = (0..64).collect();
        let mut asked = 0;
        let mut time = || {
            asked += 1;
            asked > 4
        };
        let mut still_shows = |parts: &[u32]| Shown::from(parts.contains(&63));
        let budget = Budget {
            tests: 100,
            time_is_up: &mut time,
        };
        let found = minimise(&parts, &mut still_shows, budget);
        assert_eq!((found.end, found.tests), (End::OutOfTime, 4));
        assert!(found.parts.contains(&63) && found.parts.len() < 64);
    }

    proptest! {
        // Shown by any one of several sets of parts: not monotonic in pieces, as races are.
        #[test]
        fn the_result_shows_it_and_no_part_of_it_can_go(
            length in 1_u32..40,
            causes in vec(btree_set(0_u32..40, 1..5), 1..4),
            parity in any::<bool>(),
            tests in prop_oneof![Just(u64::MAX), 0_u64..60],
        ) {
            let parts: Vec<u32> = (0..length).collect();
            let shows = |parts: &[u32]| {
                let there = causes.iter().any(|cause| cause.iter().all(|part| parts.contains(part)));
                there && !(parity && parts.len() % 3 == 2)
            };
            prop_assume!(shows(&parts));
            let (found, seen) = run(&parts, tests, shows);
            prop_assert!(shows(&found.parts));
            prop_assert!(found.parts == parts || seen.contains(&found.parts));
            prop_assert!(found.parts.is_sorted());
            prop_assert!(found.tests <= tests);
            if tests == u64::MAX {
                prop_assert_eq!(found.end, End::Minimal);
                for left_out in 0..found.parts.len() {
                    let mut rest = found.parts.clone();
                    rest.remove(left_out);
                    prop_assert!(!shows(&rest), "{rest:?} of {:?}", found.parts);
                }
            }
        }
    }
}
