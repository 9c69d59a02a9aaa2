use super::index::Index;
use super::{Group, Isolation, Member, Partition, Process, Producer, Value};
use crate::Anomaly;

/// A record that a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// Partition.
    pub partition: Partition,
    /// Offset, if it has or had one.
    pub offset: Option<i64>,
    /// The record, if known.
    pub value: Option<Value>,
}

/// Records that a skip names at most.
pub const MOST_SKIPPED: usize = 100;

/// The records between two offsets, as many as a finding names.
pub(super) fn skipped(
    index: &Index,
    partition: Partition,
    isolation: Isolation,
    after: i64,
    before: i64,
) -> Vec<Value> {
    index.order(partition).map_or_else(Vec::new, |order| {
        order
            .records_between(isolation, after, before)
            .take(MOST_SKIPPED)
            .map(|(_, record)| index.name(record).1)
            .collect()
    })
}

/// One occurrence of an anomaly: what exactly, and which steps show it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Which.
    pub anomaly: Anomaly,
    /// The records, in the order in which the story is told.
    pub records: Vec<Record>,
    /// Indices of the steps that show it, in the order in which the story is told.
    pub steps: Vec<u64>,
    /// Distance, where the anomaly has one (polls and sends: later place minus earlier place in the order).
    pub delta: Option<i64>,
    /// Records that were passed over, for skips: the first [`MOST_SKIPPED`]; `delta` counts all.
    pub skipped: Vec<Value>,
    /// Clients involved.
    pub processes: Vec<Process>,
    /// Group and members involved.
    pub group: Option<(Group, Vec<Member>)>,
    /// Producers involved.
    pub producers: Vec<Producer>,
    /// What connects the steps, for cycles: as many as steps, from each to the next, the last to the first.
    pub edges: Vec<Edge>,
}

/// Why one transaction comes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edge {
    /// It wrote the record right before the other's.
    WriteWrite(Partition, Value, Value),
    /// It wrote what the other read.
    WriteRead(Partition, Value),
}

impl Finding {
    /// Nothing known but which one.
    #[must_use]
    pub fn new(anomaly: Anomaly) -> Self {
        Self {
            anomaly,
            records: Vec::new(),
            steps: Vec::new(),
            delta: None,
            skipped: Vec::new(),
            processes: Vec::new(),
            group: None,
            producers: Vec::new(),
            edges: Vec::new(),
        }
    }

    /// With a record more.
    #[must_use]
    pub fn record(mut self, partition: Partition, offset: Option<i64>, value: Option<Value>) -> Self {
        self.records.push(Record {
            partition,
            offset,
            value,
        });
        self
    }

    /// With steps that show it.
    #[must_use]
    pub fn steps(mut self, steps: impl IntoIterator<Item = u64>) -> Self {
        self.steps.extend(steps);
        self
    }
}
