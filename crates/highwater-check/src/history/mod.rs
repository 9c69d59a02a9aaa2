//! Checking a history: what clients did, what the log holds, what groups agreed on.
//!
//! ```text
//!  wire history ─┐                    ┌─▶ Index ─┐ lent at the end
//!  Jepsen's EDN ─┼─▶ Step, Step, … ──┤          ▼
//!  Verifiable…  ─┘   ids from Names   └─▶ checkers (one file for each family) ─▶ findings ─▶ contract ─▶ verdict
//! ```
//!
//! Invariant: one pass over the steps, in the order in which they became known; what a checker keeps grows at most
//! with the records of the history. Names of partitions, values and processes are numbers here ([`Names`] says them).
//!
//! It reads no files and no clock, and compares no totals.

mod aborted;
mod analysis;
mod checker;
mod compaction;
mod coverage;
mod cycles;
mod epochs;
mod fencing;
mod finding;
mod fractured;
mod groups;
mod hanging;
pub mod index;
mod judgement;
mod log;
mod lost;
mod names;
mod outputs;
mod polls;
pub mod read;
mod scc;
mod sends;
mod shorten;
mod step;
mod summary;
#[cfg(test)]
mod tests;
mod torn;
mod unended;
pub mod wire;

pub use analysis::{Analysis, check};
pub use checker::{Checker, Options};
pub use coverage::Coverage;
use finding::skipped;
pub use finding::{Edge, Finding, MOST_SKIPPED, Record};
pub use judgement::judge;
pub use names::Names;
pub use shorten::shorten;
pub use step::{
    Action, Group, GroupStep, Isolation, Kind, LogRecord, LogStep, Member, Operation, Outcome, Partition,
    Process, Producer, Read, Step, Value, What,
};
pub use summary::{MOST_FINDINGS, Summary};
