//! How far one producer is: its ledger with counters beside it, shared by the threads that work on it.
//!
//! Invariant: each counter is written by one thread, named at the field, except those of failures, which are
//! rare and added up atomically.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use highwater_model::Outcome;

use crate::interval::ResponseCounters;
use crate::{Clock, Ledger};

/// A counter on a cache line of its own, so that two threads counting don't slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Counts one; to be called by one thread only.
    pub(crate) fn count(&self) {
        self.0.store(self.0.load(Relaxed) + 1, Relaxed);
    }

    /// Counts one; may be called by several threads.
    fn count_shared(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) clock: Clock,
    pub(crate) ledger: Arc<Ledger>,
    /// Handed to the client; counted by the offering thread.
    pub(crate) handed_over: Counter,
    /// Acknowledged; counted by the polling thread, like the response times.
    acknowledged: Counter,
    responses: ResponseCounters,
    failed: Counter,
    unknown: Counter,
    /// Failed without ever having been handed over.
    failed_before: Counter,
    /// No record before this one is pending.
    settled_up_to: AtomicU64,
    /// Nothing more will become due.
    pub(crate) offering_done: AtomicBool,
}

impl Progress {
    pub(crate) fn new(clock: Clock, producer: u32) -> Self {
        Self {
            clock,
            ledger: Arc::new(Ledger::new(producer)),
            handed_over: Counter::default(),
            acknowledged: Counter::default(),
            responses: ResponseCounters::new(),
            failed: Counter::default(),
            unknown: Counter::default(),
            failed_before: Counter::default(),
            settled_up_to: AtomicU64::new(0),
            offering_done: AtomicBool::new(false),
        }
    }

    /// For the polling thread.
    pub(crate) fn acknowledge(&self, sequence: u64, partition: i32, offset: i64) {
        let at_ns = self.clock.now_ns();
        if let Some(response_ns) = self.ledger.acknowledge(sequence, at_ns, partition, offset) {
            self.responses.count(response_ns);
            self.acknowledged.count();
        }
    }

    /// For a record that the client had taken.
    pub(crate) fn give_up(&self, sequence: u64, outcome: Outcome) {
        if self.ledger.settle(sequence, outcome) {
            match outcome {
                Outcome::Failed => self.failed.count_shared(),
                Outcome::Pending | Outcome::Acknowledged | Outcome::Unknown => self.unknown.count_shared(),
            }
        }
    }

    /// For a record that the client never took.
    pub(crate) fn fail_before_hand_over(&self, sequence: u64) {
        if self.ledger.settle(sequence, Outcome::Failed) {
            self.failed.count_shared();
            self.failed_before.count_shared();
        }
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.get()
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed.get()
    }

    pub(crate) fn unknown(&self) -> u64 {
        self.unknown.get()
    }

    pub(crate) fn responses(&self) -> &ResponseCounters {
        &self.responses
    }

    /// Records due without an outcome.
    pub(crate) fn pending(&self) -> u64 {
        let settled = self.acknowledged() + self.failed() + self.unknown();
        self.ledger.len().saturating_sub(settled)
    }

    /// Records that the client has and that have no outcome.
    pub(crate) fn in_flight(&self) -> u64 {
        let failed_after = self.failed().saturating_sub(self.failed_before.get());
        let settled = self.acknowledged() + self.unknown() + failed_after;
        self.handed_over.get().saturating_sub(settled)
    }

    /// When the oldest record without an outcome was due.
    pub(crate) fn oldest_pending_intent(&self) -> Option<u64> {
        let from = self.settled_up_to.load(Relaxed);
        let pending = self.ledger.first_pending(from);
        self.settled_up_to.fetch_max(pending, Relaxed);
        self.ledger.intended_ns(pending)
    }

    /// Settles what is left when nobody will hear of it any more.
    pub(crate) fn settle_the_rest(&self) {
        let from = self.settled_up_to.load(Relaxed);
        for sequence in from..self.ledger.len() {
            if self.ledger.outcome(sequence) != Some(Outcome::Pending) {
                continue;
            }
            if self.ledger.is_handed_over(sequence) {
                self.give_up(sequence, Outcome::Unknown);
            } else {
                self.fail_before_hand_over(sequence);
            }
        }
    }
}
