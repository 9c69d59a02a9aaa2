//! `kind = "connector"`: rows change in PostgreSQL, Debezium tells of it, and one of them is ended meanwhile.
//!
//! ```text
//! topics ─▶ PostgreSQL, Connect ─▶ rows there ─▶ rows change ─▶ connector: snapshot, then stream
//!                                                   │ warm-up · steady · fault · recovery ─▶ drain
//!                          history table, topics, flushed offsets ─▶ read-back ─▶ check::changes
//! ```
//! Invariant: what must have arrived is what the database's own history says. Everything that the run made is gone at
//! its end, on every way out.

mod clear;
mod drive;
mod fault;
mod following;
mod judge;
mod parts;

pub(crate) use drive::{Ground, drive};
