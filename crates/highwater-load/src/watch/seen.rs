//! What a watch has seen so far.

use std::cell::Cell;
use std::collections::BTreeMap;

use highwater_model::{CanarySample, PartitionsSample};

/// A question is not called unanswered before this.
const PATIENCE_NS: u64 = 1_000_000_000;

thread_local! {
    /// CPU of this thread that was counted already, in nanoseconds.
    static COUNTED: Cell<u64> = const { Cell::new(0) };
}

/// What was seen of the brokers.
#[derive(Debug, Default)]
pub struct Seen {
    /// Addresses of the brokers by their node id.
    pub brokers: BTreeMap<i32, String>,
    /// Answers, in the order in which they came.
    pub canaries: Vec<CanarySample>,
    /// The partitions whenever they differed.
    pub partitions: Vec<PartitionsSample>,
    /// Times that a partition had fewer in-sync replicas than before.
    pub isr_shrunk: u64,
    /// Times that a partition had another leader or epoch than before.
    pub leader_changed: u64,
    /// CPU that the asking took, in nanoseconds.
    pub cpu_ns: u64,
    /// Whether any broker answered.
    pub answered: bool,
    /// Why the last question for metadata had no answer.
    pub last_error: Option<String>,
    /// Since when an answer of each broker is waited for; empty when the watch has ended.
    pub waiting: BTreeMap<i32, u64>,
}

impl Seen {
    /// Counts what the current thread used since it last did so.
    pub(super) fn count_cpu(&mut self) {
        let now = own_thread_ns();
        let before = COUNTED.replace(now);
        self.cpu_ns += now.saturating_sub(before);
    }

    /// Brings it to its end: open questions are unanswered, and all are in order of time.
    pub(super) fn close(&mut self, now_ns: u64) {
        let late = std::mem::take(&mut self.waiting);
        let late = late
            .into_iter()
            .filter(|(_, due)| now_ns.saturating_sub(*due) > PATIENCE_NS);
        self.canaries.extend(late.map(|(node, at_ns)| CanarySample {
            at_ns,
            node,
            answered_ns: None,
        }));
        self.canaries.sort_by_key(|one| (one.at_ns, one.node));
    }
}

fn own_thread_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}
