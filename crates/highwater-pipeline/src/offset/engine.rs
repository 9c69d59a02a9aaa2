//! The offset engine of one partition.

use std::collections::VecDeque;

use super::metadata::{self, Encoded, METADATA_PAUSE_BYTES, METADATA_RESUME_BYTES, MetadataError};
use super::runs::{Run, append};
use crate::flaw::{self, Flaw};

/// How many changes may pass before the metadata is measured again, once it is near its limit.
const CHANGES_BETWEEN_MEASUREMENTS: u32 = 64;

/// The name of a delivered record inside its engine. One from before a rewind is recognised and ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What the engine says to a record that the client delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Delivery {
    /// Not seen in this assignment: run it, then complete its ticket.
    New(Ticket),
    /// Done before this assignment, by the metadata of the commit: do not run it.
    DoneBefore,
    /// Seen already in this assignment, or below where it started: the client stepped back (a leader changed, a seek
    /// raced). Do not run it. When the log was cut below the committed offset and the client was reset to its start,
    /// everything looks like this: start the partition again from there ([`OffsetEngine::rewind`]).
    Repeated,
    /// Behind what was seen, and the log did not have it when it was passed: the log was rewritten under the
    /// reader (a truncation). Start the partition again from its committed offset.
    Rewritten,
}

/// Where a partition starts: the committed offset and what its metadata says is done above it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resume {
    offset: i64,
    done: Vec<Run>,
}

impl Resume {
    /// Nothing was ever committed: the first delivered record says where the partition starts.
    #[must_use]
    pub fn fresh() -> Self {
        Self::default()
    }

    /// Starts at an offset with nothing done above it.
    #[must_use]
    pub fn at(offset: i64) -> Self {
        Self {
            offset,
            done: Vec::new(),
        }
    }

    /// Starts at a committed offset. Metadata that is not ours, or broken, is left out and told: the records above
    /// the offset run again, which at-least-once allows.
    #[must_use]
    pub fn committed(offset: i64, metadata: &str) -> (Self, Option<MetadataError>) {
        match metadata::decode(offset, metadata) {
            Ok(done) => (Self { offset, done }, None),
            Err(error) => (Self::at(offset), Some(error)),
        }
    }

    /// The first offset to fetch.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.offset
    }
}

/// What may be committed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitPoint {
    /// The lowest incomplete offset, or one past the last record when nothing is incomplete.
    pub offset: i64,
    /// What is done above the offset, for the metadata of the commit; empty when nothing is.
    pub metadata: String,
    /// Records whose completion did not fit into the metadata. They would run again after a crash: a window that
    /// must be exactly-once is not closed on such a point.
    pub left_out: u64,
}

/// What an engine has seen that is worth a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EngineCounts {
    /// Records delivered again within one assignment.
    pub repeated: u64,
    /// Records that the metadata of the commit had as done.
    pub done_before: u64,
    /// Records delivered where the log had none before.
    pub rewritten: u64,
    /// Completions for records of before a rewind, or given twice.
    pub late: u64,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    offset: i64,
    done: bool,
}

/// Follows the records of one partition from their delivery to their completion.
///
/// Delivered records stand in a ring in the order of their offsets, and a ticket is a place in it: delivery and
/// completion cost a few instructions and, once the ring has its size, no allocation. Offsets may have gaps; the
/// ring holds what was delivered and never counts.
///
/// ```
/// use highwater_pipeline::offset::{Delivery, OffsetEngine, Resume};
///
/// let mut engine = OffsetEngine::new(Resume::at(10));
/// let Delivery::New(ten) = engine.deliver(10) else { unreachable!() };
/// let Delivery::New(twelve) = engine.deliver(12) else { unreachable!() }; // 11 is a marker
/// engine.complete(twelve);
/// assert_eq!(engine.offset(), 10);
/// engine.complete(ten);
/// assert_eq!(engine.offset(), 13);
/// ```
#[derive(Debug, Clone)]
pub struct OffsetEngine {
    slots: VecDeque<Slot>,
    /// The ticket of the first slot.
    head: u64,
    offset: i64,
    /// One past the highest offset seen.
    next: i64,
    incomplete: usize,
    /// Done before this assignment and not delivered yet, in order.
    resumed: VecDeque<Run>,
    changed: bool,
    changes_since_measured: u32,
    measured_bytes: usize,
    metadata_full: bool,
    counts: EngineCounts,
}

impl OffsetEngine {
    /// An engine for a partition that was just assigned.
    #[must_use]
    pub fn new(resume: Resume) -> Self {
        Self {
            slots: VecDeque::new(),
            head: 0,
            offset: resume.offset,
            next: resume.offset,
            incomplete: 0,
            resumed: resume.done.into(),
            changed: false,
            changes_since_measured: CHANGES_BETWEEN_MEASUREMENTS,
            measured_bytes: 0,
            metadata_full: false,
            counts: EngineCounts::default(),
        }
    }

    /// Starts again, as after an aborted transaction. Tickets given out before are ignored from now on.
    pub fn rewind(&mut self, resume: Resume) {
        let head = self.head + self.slots.len() as u64;
        let counts = self.counts;
        *self = Self {
            head,
            counts,
            ..Self::new(resume)
        };
    }

    /// Takes a record that the client delivered.
    pub fn deliver(&mut self, offset: i64) -> Delivery {
        if offset < self.next && !flaw::planted(Flaw::AcceptRepeated) {
            return self.stepped_back(offset);
        }
        let done = self.was_done_before(offset);
        self.next = offset + 1;
        self.changed |= done;
        if self.slots.is_empty() {
            self.offset = if done { offset + 1 } else { offset };
            if done {
                return Delivery::DoneBefore;
            }
        }
        let ticket = Ticket(self.head + self.slots.len() as u64);
        self.slots.push_back(Slot { offset, done });
        if done {
            return Delivery::DoneBefore;
        }
        self.incomplete += 1;
        Delivery::New(ticket)
    }

    /// Says that no record below this offset will be delivered any more: the client is at the end of the partition,
    /// behind markers that are no records.
    pub fn pass(&mut self, next: i64) {
        if next <= self.next {
            return;
        }
        self.next = next;
        while self.resumed.front().is_some_and(|run| run.end <= next) {
            self.resumed.pop_front();
        }
        if self.slots.is_empty() {
            self.offset = next;
            self.changed = true;
        }
    }

    /// Marks a record as done. False, and counted, when its ticket is from before a rewind or was completed before.
    pub fn complete(&mut self, ticket: Ticket) -> bool {
        let slot = ticket
            .0
            .checked_sub(self.head)
            .and_then(|place| usize::try_from(place).ok())
            .and_then(|place| self.slots.get_mut(place));
        match slot {
            Some(slot) if !slot.done => slot.done = true,
            _ => {
                self.counts.late += 1;
                return false;
            }
        }
        self.incomplete -= 1;
        self.changed = true;
        self.changes_since_measured = self.changes_since_measured.saturating_add(1);
        if ticket.0 == self.head {
            self.advance();
        }
        true
    }

    /// The offset that may be committed: the lowest incomplete one, or one past the last record.
    #[must_use]
    pub fn offset(&self) -> i64 {
        if flaw::planted(Flaw::CommitHighest) {
            return self.next;
        }
        self.offset
    }

    /// The record that holds the offset back.
    #[must_use]
    pub fn lowest_incomplete(&self) -> Option<i64> {
        self.slots.front().map(|slot| slot.offset)
    }

    /// The highest offset that is behind the reader: seen in this assignment, or below where it started.
    #[must_use]
    pub fn highest_seen(&self) -> Option<i64> {
        (self.next > 0).then(|| self.next - 1)
    }

    /// One past the highest offset seen: where the client reads on.
    #[must_use]
    pub fn next(&self) -> i64 {
        self.next
    }

    /// Records delivered and not yet done.
    #[must_use]
    pub fn incomplete(&self) -> usize {
        self.incomplete
    }

    /// What this engine has seen that is worth a metric.
    #[must_use]
    pub fn counts(&self) -> EngineCounts {
        self.counts
    }

    /// What is done above the offset, in order.
    #[must_use]
    pub fn done_above(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut open: Option<Run> = None;
        for slot in &self.slots {
            if slot.done {
                let end = slot.offset + 1;
                // What lies between two records that are done is no record: the run goes on over it.
                open = Some(Run {
                    start: open.map_or(slot.offset, |run| run.start),
                    end,
                });
            } else if let Some(run) = open.take() {
                append(&mut runs, run);
            }
        }
        if let Some(run) = open {
            append(&mut runs, run);
        }
        if !flaw::planted(Flaw::ForgetResumed) {
            for run in &self.resumed {
                // What was delivered of it stands in a slot, or lies below the offset.
                let rest = Run {
                    start: run.start.max(self.next),
                    end: run.end,
                };
                if rest.start < rest.end {
                    append(&mut runs, rest);
                }
            }
        }
        runs
    }

    /// What may be committed, when that changed since the last time it was asked for.
    pub fn take_commit(&mut self) -> Option<CommitPoint> {
        if !self.changed {
            return None;
        }
        self.changed = false;
        let encoded = self.encode();
        Some(CommitPoint {
            offset: self.offset(),
            metadata: encoded.text,
            left_out: encoded.left_out,
        })
    }

    /// The last commit point did not reach the broker: it is handed out again.
    pub fn commit_failed(&mut self) {
        self.changed = true;
    }

    /// Whether the metadata is so full that no more records should be taken in: from 75 % of its limit on, until it
    /// is below 50 %.
    pub fn metadata_full(&mut self) -> bool {
        let limit = if self.metadata_full {
            METADATA_RESUME_BYTES
        } else {
            METADATA_PAUSE_BYTES
        };
        if metadata::surely_below(self.next.saturating_sub(self.offset), limit) {
            self.metadata_full = false;
            return false;
        }
        if self.changes_since_measured >= CHANGES_BETWEEN_MEASUREMENTS {
            self.encode();
        }
        self.metadata_full = self.measured_bytes >= limit;
        self.metadata_full
    }

    fn encode(&mut self) -> Encoded {
        let encoded = metadata::encode(self.offset, &self.done_above());
        self.measured_bytes = if encoded.left_out > 0 {
            metadata::METADATA_LIMIT_BYTES
        } else {
            encoded.text.len()
        };
        self.changes_since_measured = 0;
        encoded
    }

    fn advance(&mut self) {
        while self.slots.front().is_some_and(|slot| slot.done) {
            self.slots.pop_front();
            self.head += 1;
        }
        self.offset = self.slots.front().map_or(self.next, |slot| slot.offset);
    }

    fn was_done_before(&mut self, offset: i64) -> bool {
        while let Some(run) = self.resumed.front() {
            if offset < run.start {
                return false;
            }
            if offset < run.end {
                self.counts.done_before += 1;
                return true;
            }
            self.resumed.pop_front();
        }
        false
    }

    #[cold]
    fn stepped_back(&mut self, offset: i64) -> Delivery {
        let known = offset < self.offset
            || self
                .slots
                .binary_search_by_key(&offset, |slot| slot.offset)
                .is_ok();
        if known {
            self.counts.repeated += 1;
            Delivery::Repeated
        } else {
            self.counts.rewritten += 1;
            Delivery::Rewritten
        }
    }
}

#[cfg(test)]
mod tests;
