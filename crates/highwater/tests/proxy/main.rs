//! Every fault of the proxy with clients that nobody here wrote: what the client is told, what is in the log, and what
//! the history says of it.
//!
//! ```text
//! client ─▶ Behind (proxy with rules, history kept in memory) ─▶ Arm (dev broker │ Apache Kafka)
//! test   ─────────────────── makes topics, reads logs ──────────▶
//! ```
//! Invariant: logs are read past the proxy, so that no fault can hide what it did. Nothing is skipped: what is missing
//! fails the test and says what to install.
//!
//! It measures nothing but what a fault promises: a delay, a rate.

#[macro_use]
mod arm;
mod answers;
mod behind;
#[path = "../clients/children.rs"]
#[expect(dead_code, reason = "shared with the tests of clients")]
mod children;
mod clients;
mod coordinators;
mod frozen;
mod held;
mod java;
#[path = "../clients/jvm.rs"]
mod jvm;
mod leaders;
mod links;
mod log;
mod shaped;
mod triggers;
