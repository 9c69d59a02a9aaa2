//! Whether one side is worse than another, and how sure that is.
//!
//! ```text
//! figures of both sides ─▶ d = ln(candidate / base) ─┬▶ effect: median and interval      bootstrap | shift
//!                                                    ├▶ exact p value                    signed_rank | rank_sum
//! figures of equal sides ─▶ noise floor ─▶ margin ───┴▶ class, after adjustment over the family
//! ```
//!
//! Two designs. *Paired*: both sides were run in each of several rounds, close in time; the median of the
//! differences with a seeded bootstrap interval (Efron and Tibshirani, 1993, chapter 13), Wilcoxon's signed-rank test
//! in its exact form. *Unpaired*: two sets of runs; the shift of Hodges and Lehmann with the interval of Moses,
//! and the exact test of Mann and Whitney. Many metrics are one family: p values are adjusted after Benjamini and
//! Hochberg (1995). "No difference" is only said when the whole interval lies within a margin, as in the two
//! one-sided tests of Schuirmann (1987); a test that finds nothing says nothing.
//!
//! Invariant: differences are logarithms of ratios, so that twice and half are equally far; an answer other than
//! *inconclusive* needs as many figures as the exact test can reach its level with.
//!
//! Does not: know what a metric means, or read runs; that is `highwater-scenario`.

mod adjust;
mod bootstrap;
mod effect;
mod judge;
mod noise;
mod rank_sum;
mod ranks;
mod shift;
mod signed_rank;
#[cfg(test)]
mod simulated;

pub use adjust::benjamini_hochberg;
pub use bootstrap::median_interval;
pub use effect::{Effect, median};
pub use judge::{Figures, Judged, MIN_ROUNDS, MIN_RUNS, MOST_FIGURES, Question, Settings, judge};
pub use noise::{paired_floor, unpaired_floor};
pub use rank_sum::rank_sum;
pub use shift::shift;
pub use signed_rank::signed_rank;
