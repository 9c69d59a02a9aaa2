//! Two sides compared: which metrics, whether the runs may be compared at all, and what that comes to.
//!
//! ```text
//! reports ─▶ fingerprint: the same machine, broker, settings? ─▶ figures of each metric ─▶ measure::compare ─▶ answer
//! ```
//! Invariant: runs that could not be believed (INVALID, not complete) give no figures, and nothing compared is never
//! an answer.
//!
//! Does not: run anything, or read directories.

mod answer;
mod error;
mod family;
mod figures;
mod fingerprint;
mod verdict;

pub use answer::{CompareOptions, Runs, compare};
pub use error::CompareError;
pub use family::{ChosenMetric, default_family};
