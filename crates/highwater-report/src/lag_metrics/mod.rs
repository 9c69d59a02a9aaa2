//! The lag of groups for monitoring: one table of metrics, from which the page for Prometheus, the alert rules, the
//! dashboard and the documentation are made.
//!
//! Invariant: a rule or a panel names metrics of the table and no others (a test holds them against it); a value that
//! is not known is left out, and never 0 or -1.

mod compat;
mod dashboard;
mod exposition;
mod rules;
mod table;

pub use compat::Compat;
pub use dashboard::lag_dashboard;
pub use exposition::{SurveyCounts, lag_exposition};
pub use rules::lag_rules;
pub use table::lag_metrics_markdown;
