//! Rows that are inserted, changed and deleted at a steady rate, in transactions, from intent.
//!
//! ```text
//! schedule ─▶ RowLoad: writers ── transactions ─▶ videos · users · comments ── trigger ─▶ history table
//!                 └▶ ledger: due → begun → committed                                        │ same transaction
//!                                                     history::read ◀───────────────────────┘
//! ```
//!
//! Invariant: the history is written by the database, in the transaction of the change, after the row is locked:
//! what is committed is in it, what is rolled back is not, and the changes of a row stand in the order of their
//! commits, whichever writer made them.
//!
//! Nothing is judged here. Servers are started elsewhere.

mod choice;
mod database;
mod error;
pub mod history;
mod load;
mod schema;
mod writer;

pub use database::Database;
pub use error::RowError;
pub use load::{RolledBack, RowCounts, RowLoad, RowSettings, Tracker};
pub use schema::{ColumnKind, HISTORY, REVISION, TABLES, TableSpec};
pub use writer::{record_of, revision_of};
