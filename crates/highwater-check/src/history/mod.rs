//! Checking a history: what clients did, what the log holds, what groups agreed on.
//!
//! ```text
//!  wire history ─┐
//!  Jepsen's EDN ─┼─▶ Step, Step, … ─▶ checkers (one file for each family) ─▶ findings ─▶ contract ─▶ verdict
//!  Verifiable…  ─┘   ids from Names
//! ```
//!
//! Invariant: one pass over the steps, in the order in which they became known; what a checker keeps grows at most
//! with the records of the history. Names of partitions, values and processes are numbers here ([`Names`] says them).
//!
//! It reads no files and no clock, and compares no totals.

mod checker;
mod finding;
mod names;
mod step;

pub use checker::{Checker, Options};
pub use finding::{Finding, Record};
pub use names::Names;
pub use step::{
    Action, Group, GroupStep, Isolation, Kind, LogRecord, LogStep, Member, Operation, Outcome, Partition,
    Process, Producer, Read, Step, Value, What,
};
