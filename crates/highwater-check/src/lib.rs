//! Pure checking: the account of records, anomalies against a contract, and the verdict.
//!
//! ```text
//!  ledger (attempts) ─┐
//!                     ├─▶ Account ──▶ Findings ─┐
//!  log, read to end ──┘                         ├─▶ judge ──▶ verdict, reasons
//!  faults · thresholds · validity · quiet log ──┘
//! ```
//!
//! Invariant: a record is judged by itself. Totals are never compared with each other, so that a loss and a
//! duplicate can't cancel out. The same evidence gives the same verdict: no clock, no randomness, no I/O.

mod account;
pub mod advice;
mod anomaly;
mod attempts;
pub mod changes;
mod contract;
mod findings;
pub mod history;
pub mod lint;
pub mod members;
pub mod minimise;
pub mod outcome;
pub mod pipeline;
mod standing;
mod verdict;

pub use account::{Account, MOST_LISTED};
pub use anomaly::Anomaly;
pub use attempts::{Attempt, Attempts, Found, Observed, PartitionEnd};
pub use contract::{Contract, ContractError, Delivery};
pub use findings::{Findings, MOST_EXAMPLES};
pub use standing::{Promise, Row, Standing};
pub use verdict::{Evidence, Judgement, Quiet, judge};
