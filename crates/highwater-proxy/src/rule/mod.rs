//! Rules: where and when a fault happens.
//!
//! ```text
//! RuleSpec (plain data) ─▶ Engine::new (names looked up, faults built) ─▶ asked at every request that a rule wants
//! ```
//! Invariant: with the same seed and the same order of requests the same rules fire. Time is passed in.

pub(crate) mod engine;
pub(crate) mod scope;
pub(crate) mod spec;
mod trigger;
pub(crate) mod watch;

pub use spec::{Direction, Parameters, RuleError, RuleSpec, Scope, Then, Trigger, Watch};
