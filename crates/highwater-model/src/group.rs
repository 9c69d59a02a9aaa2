use serde::{Deserialize, Serialize};

/// What a consumer group of a scenario did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupReport {
    /// Its name in the scenario.
    pub name: String,
    /// Its members.
    pub members: u32,
    /// Acknowledged records, which it must receive.
    pub expected: u64,
    /// Distinct records of the run that it processed.
    pub received: u64,
    /// Deliveries of what had been processed and not committed when its owner changed: the window.
    pub redelivered: u64,
    /// The most that came again after one change of owners.
    pub widest_window: u64,
    /// Deliveries to a member that had lost its partitions while it was halted and could not know.
    pub by_halted: u64,
    /// Deliveries of what had been committed before the member was given the partition.
    pub outside_window: u64,
    /// Acknowledged records that it never processed, and went on behind.
    pub skipped: u64,
    /// Acknowledged records that it had not come to when waiting for it ended.
    pub behind: u64,
    /// Lag at moments at which the load and the group rested.
    pub lag: Vec<LagReport>,
}

/// The lag of a group in one partition, at rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LagReport {
    /// When: `the load had ended`, `the group had caught up`.
    pub moment: String,
    /// Partition.
    pub partition: i32,
    /// The offset that the group would go on from, read first; none if it never committed there.
    pub committed: Option<i64>,
    /// The end of the partition, read after that.
    pub end: i64,
    /// End − committed: what a monitor says.
    pub lag: i64,
    /// Records that were written to the partition.
    pub produced: u64,
    /// Distinct records of the partition that the group had processed.
    pub consumed: u64,
}

impl LagReport {
    /// Whether the lag is what is left to process, exactly.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        i128::from(self.produced) - i128::from(self.consumed) == i128::from(self.lag)
    }
}

/// A scenario of a suite that can't be done to the target of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRun {
    /// Its name, with the variant after a slash.
    pub name: String,
    /// Why not, and what would make it possible.
    pub reason: String,
}
