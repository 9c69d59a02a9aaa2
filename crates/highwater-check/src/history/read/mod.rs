//! Histories of other tools, read as steps.
//!
//! ```text
//!  bytes ─▶ forms, lines ─▶ what the tool meant ─▶ Step, Step, …
//! ```
//!
//! Invariant: one pass, one form at a time, of bounded size; what is not understood is an error with the line and what
//! to do, and what does not belong to the workload is passed over and counted.
//!
//! It opens no files.

mod edn;
mod error;
mod form;
mod format;
mod maps;
mod verifiable;

pub use edn::edn;
pub use error::ReadError;
pub use format::Format;
pub use verifiable::verifiable;

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Operations, and other steps.
    pub steps: u64,
    /// Entries that are no part of the workload.
    pub passed_over: u64,
    /// Operations that began and never ended; they are unknown.
    pub unfinished: u64,
}
