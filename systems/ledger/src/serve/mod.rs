//! One instance of the bank: threads around the pure part.
//!
//! ```text
//!  HTTP ─▶ bank ─▶ partition (a thread each: fence, replay, windows) ─▶ Kafka ─▶ projector ─▶ SQLite ─▶ HTTP
//!            └───▶ 307 to the instance that has the account
//!  membership ─▶ partitions come and go, legs
//!  owners     ─▶ who has which partition
//! ```
//!
//! Invariant: a client is told "done" after the commit and never before; told nothing, it may send the same request id
//! again, to any instance, and gets the first answer.

mod answers;
mod bank;
mod delay;
mod http;
mod metrics;
mod owners;
mod partition;
mod projector;
mod running;
mod settings;

pub use crate::kafka::TopicsError;
pub use running::{ServeError, serve};
pub use settings::Settings;
