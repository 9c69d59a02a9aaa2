//! The outcome of an account.

use highwater_model::{AnomalyReport, RecordCounts};

use crate::{Contract, PartitionEnd};

/// Examples of each anomaly that a report carries; all of them go to the sink of the account.
pub const MOST_EXAMPLES: usize = 20;

/// What an account found.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// What was promised.
    pub contract: Contract,
    /// The account of records.
    pub counts: RecordCounts,
    /// Anomalies that occurred, violations first, gravest first.
    pub anomalies: Vec<AnomalyReport>,
    /// Records with an unknown outcome that are in the log.
    pub unknown_delivered: u64,
    /// Acknowledged records that were not found, and that may stand where the log was not read.
    pub unread: u64,
    /// Partitions that were not read to their high watermark.
    pub incomplete: Vec<PartitionEnd>,
    /// Records that were read at an offset not above the one before; they are not part of the account.
    pub read_backwards: u64,
}

impl Findings {
    /// Anomalies that the contract forbids.
    pub fn violations(&self) -> impl Iterator<Item = &AnomalyReport> {
        self.anomalies.iter().filter(|anomaly| anomaly.violation)
    }
}
