//! What is under way on one connection: pure, no sockets, no clock.
//!
//! ```text
//! client's order:  slot 7 │ slot 8 │ slot 9     an answer goes to the client only when its slot is the first
//! broker's order:  8, 9, 7                      a held request reaches the broker later than its successors
//! ```
//! Kafka's brokers answer each connection in the order of its requests, and clients count on it. So an answer
//! from upstream belongs to the request that was forwarded first, and clients get answers in their own order,
//! whatever rules do in between.
//!
//! Invariant: every slot is filled once; nothing passes a slot that was closed.

use std::collections::VecDeque;

use bytes::Bytes;
use highwater_model::history::{ExchangeId, RequestFacts};

use crate::api_set::ApiSet;

/// Produce, OffsetCommit, CreateTopics, DeleteTopics, DeleteRecords, InitProducerId, AddPartitionsToTxn,
/// AddOffsetsToTxn, EndTxn, TxnOffsetCommit, ShareAcknowledge: what is applied or not.
const CHANGES: ApiSet = ApiSet::of(&[0, 8, 19, 20, 21, 22, 24, 25, 26, 28, 79]);

/// Place of an answer in the client's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(u64);

/// A request that was forwarded and is not answered.
#[derive(Debug, Clone)]
pub(crate) struct InFlight {
    pub(crate) exchange: ExchangeId,
    /// Where its answer goes; none for the second copy of a request.
    pub(crate) slot: Option<Slot>,
    pub(crate) api_key: i16,
    pub(crate) api_version: i16,
    pub(crate) correlation_id: i32,
    /// The rule that fired at it, if its fault looks at the answer.
    pub(crate) rule: Option<u16>,
    /// What it asked, if the answer will be judged.
    pub(crate) facts: Option<Box<RequestFacts>>,
}

#[derive(Debug)]
enum State {
    Waiting,
    Ready(Vec<Bytes>),
    /// Never answered: everything behind waits for ever.
    Closed,
}

/// An answer that belongs to no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the broker answered request {got} when {expected:?} was the next")]
pub(crate) struct OutOfStep {
    pub(crate) got: i32,
    pub(crate) expected: Option<i32>,
}

/// The state of a connection.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    slots: VecDeque<State>,
    first: u64,
    upstream: VecDeque<InFlight>,
    held: usize,
}

impl Wire {
    /// Takes the next place in the client's order.
    pub(crate) fn open_slot(&mut self) -> Slot {
        self.slots.push_back(State::Waiting);
        Slot(self.first + self.slots.len() as u64 - 1)
    }

    /// A request is about to go to the broker.
    pub(crate) fn forward(&mut self, request: InFlight) {
        self.upstream.push_back(request);
    }

    /// The request that the next answer of the broker belongs to.
    pub(crate) fn answered(&mut self, correlation_id: i32) -> Result<InFlight, OutOfStep> {
        let expected = self.upstream.front().map(|request| request.correlation_id);
        if expected != Some(correlation_id) {
            return Err(OutOfStep {
                got: correlation_id,
                expected,
            });
        }
        self.upstream.pop_front().ok_or(OutOfStep {
            got: correlation_id,
            expected,
        })
    }

    /// Whether an answer for this slot may go to the client while it arrives.
    pub(crate) fn is_first(&self, slot: Slot) -> bool {
        slot.0 == self.first && matches!(self.slots.front(), Some(State::Waiting))
    }

    /// The answer of the first slot went to the client while it arrived.
    pub(crate) fn streamed(&mut self, slot: Slot) {
        debug_assert!(self.is_first(slot));
        self.slots.pop_front();
        self.first += 1;
    }

    /// Frames for the client, to be sent when their turn comes.
    pub(crate) fn fill(&mut self, slot: Slot, frames: Vec<Bytes>) {
        self.set(slot, State::Ready(frames));
    }

    /// The answer was taken away: the client waits for it, and for everything behind it.
    pub(crate) fn close(&mut self, slot: Slot) {
        self.set(slot, State::Closed);
    }

    /// The frames whose turn has come.
    pub(crate) fn due(&mut self) -> Vec<Bytes> {
        let mut due = Vec::new();
        while let Some(State::Ready(_)) = self.slots.front() {
            if let Some(State::Ready(frames)) = self.slots.pop_front() {
                due.extend(frames);
            }
            self.first += 1;
        }
        due
    }

    /// Bytes that wait for their turn.
    pub(crate) fn waiting_bytes(&self) -> usize {
        let bytes = |state: &State| match state {
            State::Ready(frames) => frames.iter().map(Bytes::len).sum(),
            State::Waiting | State::Closed => 0,
        };
        self.slots.iter().map(bytes).sum()
    }

    /// Whether the answer to something that changes a log, a group or a transaction is still to come.
    pub(crate) fn awaits_a_change(&self) -> bool {
        self.upstream
            .iter()
            .any(|request| CHANGES.contains(request.api_key))
    }

    /// Takes everything that the broker will not answer any more.
    pub(crate) fn abandon(&mut self) -> Vec<InFlight> {
        self.upstream.drain(..).collect()
    }

    pub(crate) fn hold(&mut self) {
        self.held += 1;
    }

    pub(crate) fn let_go(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// Frames that rules keep back.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    fn set(&mut self, slot: Slot, state: State) {
        let at = slot
            .0
            .checked_sub(self.first)
            .and_then(|at| usize::try_from(at).ok());
        let closed = |state: &State| matches!(state, State::Closed);
        let blocked = at.is_some_and(|at| self.slots.iter().take(at).any(closed));
        // What can never be delivered need not be kept.
        let state = if blocked { State::Ready(Vec::new()) } else { state };
        let place = at.and_then(|at| self.slots.get_mut(at));
        debug_assert!(matches!(place, Some(State::Waiting)), "a slot is filled once");
        if let Some(place) = place {
            *place = state;
        }
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
