//! Pure measuring: schedules, latency histograms, thresholds, and the arithmetic of a stall.
//!
//! ```text
//!  schedule ──▶ due times ──▶ (load) ──▶ histogram ──▶ quantiles ──▶ threshold
//!                                          │
//!                                steady · recovery · stall · trend
//!
//!  readings of a group ──▶ lag ──▶ ok · slowing · stalled · at-risk · …
//!  figures of two sides ──▶ compare ──▶ regressed · improved · equivalent · inconclusive
//! ```
//!
//! Invariant: the same input gives the same output. There is no clock, no socket, no file and no source of
//! randomness in here; moments, seeds and figures are passed in. Words for people are built only where a
//! message of this crate needs a quantity (see [`quantity`]).

pub mod compare;
pub mod histogram;
pub mod knee;
pub mod lag;
pub mod quantity;
pub mod recovery;
pub mod schedule;
pub mod stall;
pub mod steady;
pub mod threshold;
pub mod trend;

pub use histogram::Latency;
pub use schedule::{DueTimes, Schedule, ScheduleError, Shape, Step};
pub use threshold::{Threshold, ThresholdError};
