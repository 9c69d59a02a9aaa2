//! What can be asked of the bank: balances, statements, daily totals, in SQLite.
//!
//! ```text
//!  events ─▶ batch ─▶ one SQLite transaction: rows + positions ─▶ readers
//!                                                    └─▶ progress ─▶ those who wait for a version
//! ```
//!
//! Invariant: rows and the position in the log that they come from change together, so that every read is of a moment
//! that was, and no event counts twice whatever is delivered twice. In every read, what accounts hold and what is under
//! way between them is what was put in.
//! Not here: anything that decides. Projections may be deleted at any time; they are made again from the log.

mod reading;
mod rows;
mod schema;
mod store;
mod views;

pub use reading::{AccountRow, DayRow, Line, Reader, Totals};
pub use schema::SCHEMA_VERSION;
pub use store::{Applied, Placed, Projection, ProjectionError};
pub use views::{Building, Views};

#[cfg(test)]
mod tests;
