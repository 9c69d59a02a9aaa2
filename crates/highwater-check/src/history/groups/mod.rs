//! Groups: what was given to whom, delivered, and committed.
//!
//! ```text
//!  Assigned · Left ──▶ ownership (dual-ownership)
//!  Delivered ────────▶ covered ─▶ skip (group-skip) · ahead (commit-ahead)
//!  Committed · Positioned ─▶ committed ─▶ regression (commit-regression) · redelivery (redelivery-outside-window)
//! ```
//!
//! Invariant: a commit of which nobody knows whether it landed may have landed, at any time; neither is held against
//! anybody. What is kept grows with groups, members and holes in what was delivered, not with the history.

mod ahead;
mod committed;
mod covered;
mod ownership;
mod redelivery;
mod regression;
mod skip;
#[cfg(test)]
mod tests;

pub(super) use ahead::Ahead;
pub(super) use ownership::Ownership;
pub(super) use redelivery::Redelivery;
pub(super) use regression::Regression;
pub(super) use skip::Skip;
