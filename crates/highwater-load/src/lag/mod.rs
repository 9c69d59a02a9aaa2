//! How far consumer groups are behind, asked over the protocol. No group is joined and nothing is committed.
//!
//! ```text
//! Survey ─▶ groups ─▶ committed offsets ─▶ ends of what they committed in ─▶ ages ─▶ LagSurvey
//! group_lag ─▶ one group in one topic, through the client library
//! ```
//!
//! Invariant: committed offsets are read first, then the ends, then where logs begin, so that no lag is negative because
//! something was written between two answers. What the readings mean is said by `highwater_measure::lag`.

mod ages;
mod resting;
mod survey;

pub use resting::{LagReading, group_lag};
pub use survey::{Survey, SurveyOptions};
