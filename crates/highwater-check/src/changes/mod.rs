//! Change events of a connector against the history of the rows they come from.
//!
//! ```text
//! history table ─▶ RowHistory ─┐   each committed row change: key, operation, before, after, transaction
//!                              ├─▶ ChangeAccount ─▶ Findings, ChangeSummary
//! topics ─▶ envelope ──────────┘   each event: key, operation (r: snapshot), before, after, position in the WAL
//! restarts, flushed offsets ─▶ Window: which repeats are allowed
//! ```
//!
//! Invariant: a change is judged by itself, found by its key and its transaction, and compared field by field. What
//! must have arrived is what the history says, never what the events say.
//!
//! Not here: reading a database or a topic, and what restarts there were.

mod account;
mod close;
mod describe;
pub mod envelope;
mod event;
mod history;
mod repeat;
mod row;
mod snapshot;
mod summary;
#[cfg(test)]
mod tests;
mod window;

pub use account::ChangeAccount;
pub use event::{At, ChangeEvent, Observed, Position};
pub use history::{RowChange, RowHistory};
pub use row::{Column, Field, FieldError, Operation, Row, Table};
pub use summary::{ChangeEnd, ChangeSummary};
pub use window::{Flushed, Interruption, Window};
