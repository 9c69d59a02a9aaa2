//! The fault proxy: stands between clients and brokers, sees every frame, writes down what really happened, and
//! breaks exactly what a rule names.
//!
//! ```text
//! client ─▶ listener ─▶ connection ─▶ broker       a listener for each broker; addresses in answers are rewritten
//!                        │   ▲
//!                        │   └ engine: rules, asked at every request that one of them wants
//!                        ▼
//!                     recorder ─▶ history (a thread, behind a bounded queue)
//! ```
//! Invariant: bytes that no rule wants go on as they came, apart from broker addresses. It knows no scenario, no
//! report and no process, and formats nothing for people.

mod address_book;
mod api_set;
mod bypass;
mod clock;
mod connection;
mod counters;
mod error;
mod fault;
mod identity;
mod listening;
mod probe;
mod proxy;
mod recorder;
mod rule;
mod shared;
mod tls;
mod topics;

pub use counters::Snapshot;
pub use error::ProxyError;
pub use fault::{Entry, Point, catalogue};
pub use proxy::{Proxy, ProxyOptions, Summary};
pub use recorder::Observer;
pub use rule::engine::RuleCount;
pub use rule::{Direction, Parameters, RuleError, RuleSpec, Scope, Then, Trigger, Watch};
pub use tls::{BrokerTls, Certificate, ClientTls, PassListener, Tls, TlsError, Trust};

/// Checks rules without starting anything.
///
/// # Errors
/// The place of the first rule that can't be used, and why.
pub fn check_rules(rules: &[RuleSpec]) -> Result<(), (usize, RuleError)> {
    rule::engine::Engine::new(rules, 0).map(|_| ())
}
