//! Suites and scenarios: parsed, planned, and driven into one ordered event stream.
//!
//! ```text
//! scenario file ─▶ config ─▶ plan ─▶ run ─┬▶ drive | startup ─▶ session (facts)
//!   + --set                               │     ├ load, receivers     │
//!                                         │     ├ fault on the clock  ▼
//!                                         │     └ read-back      assemble ─▶ scenario report
//!                                         └▶ events.jsonl, observer (live view)
//! ```
//! Invariant: what can be wrong with a scenario is found before anything is started, and whatever goes wrong
//! after the first event ends in a report.
//!
//! Not here: timing and statistics (`highwater-measure`), judging (`highwater-check`), processes
//! (`highwater-target`), formats for people (`highwater-report`).

mod assemble;
mod bursts;
mod calibrate;
mod cluster;
pub mod compare;
pub mod config;
mod connector;
mod context;
mod drive;
mod events;
mod fault;
mod groups;
mod hooks;
pub mod knee;
mod links;
mod measured;
mod metrics;
mod observation;
mod phases;
mod plan;
pub mod prove;
mod readback;
mod resources;
mod run;
mod session;
mod startup;
pub mod suites;
mod trends;
mod trouble;
mod validity;
mod wire;

pub use calibrate::calibrate;
pub use events::Observer;
pub use hooks::HOOKS;
pub use plan::Plan;
pub use run::{Run, RunError, RunOptions, planned};
pub use trouble::trouble_in_words;
