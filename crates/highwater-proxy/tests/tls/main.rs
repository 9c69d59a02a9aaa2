//! TLS at the proxy. Brokers with TLS are played by a second proxy in front of the dev broker, so each test that
//! opens TLS towards the broker tests both sides.
#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

mod certificates;
mod client;
mod ends;
mod passes;
mod refusals;
mod secured;
mod setup;
