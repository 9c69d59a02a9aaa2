//! The transactional side of a partition: who may write, markers, what committed readers see.
//!
//! Invariant: a batch that begins a transaction here is appended only after the coordinator has said
//! that the partition is in it, with no marker written in between.

use std::time::Duration;

use highwater_wire::batch::{BatchError, BatchHeader};
use highwater_wire::control::Marker;
use kafka_protocol::error::ResponseError;

use super::{AppendError, Partition, State};
use crate::bugs::journal::JournalError;
use crate::lock::LockExt;
use crate::log::LogError;
use crate::producers::{Aborted, Known, MarkerRefusal};

/// How a producer's batch gets in.
pub(crate) enum Admission<'a> {
    /// It belongs to no transaction.
    Plain,
    /// It belongs to one.
    Transactional {
        /// Whether its producer speaks version 2, where a first batch has sequence 0.
        first_is_zero: bool,
        /// Asks the coordinator; called without the partition's lock.
        ask: &'a dyn Fn() -> Result<(), ResponseError>,
    },
}

/// A marker to be appended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MarkerOrder {
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) marker: Marker,
    /// Whether the epoch was raised for it (KIP-890).
    pub(crate) raised_epoch: bool,
    pub(crate) timestamp_ms: i64,
}

/// Why a marker is not in the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MarkerError {
    #[error("a marker of an old epoch: {0:?}")]
    Refused(MarkerRefusal),
    #[error("the topic was deleted")]
    Closed,
    #[error("write to the log")]
    Storage(#[from] LogError),
    #[error("encode the marker")]
    Encode(#[from] BatchError),
}

impl Partition {
    /// Asks the coordinator where it must be asked, and gives the lock under which the batch may be
    /// appended.
    pub(super) fn admit(
        &self,
        header: &BatchHeader,
        admission: &Admission<'_>,
    ) -> Result<std::sync::MutexGuard<'_, State>, AppendError> {
        let mut state = self.state.guard();
        let Admission::Transactional { first_is_zero, ask } = admission else {
            return Ok(state);
        };
        while !state.producers.is_in_transaction(header) {
            let before = state.markers;
            drop(state);
            let answer = ask();
            state = self.state.guard();
            if let Err(error) = answer {
                if state
                    .defects
                    .ignore_epoch
                    .as_ref()
                    .is_some_and(|bug| bug.ignores(error))
                {
                    break;
                }
                state.unadmitted.note(header);
                return Err(AppendError::NotAdmitted(error));
            }
            if state.markers == before {
                break;
            }
        }
        if let Some(expected) = state.unadmitted.is_behind(header) {
            return Err(AppendError::OutOfOrder {
                producer_id: header.producer_id(),
                found: header.base_sequence(),
                expected,
            });
        }
        if *first_is_zero && header.base_sequence() != 0 && !state.producers.knows(header.producer_id()) {
            return Err(AppendError::OutOfOrder {
                producer_id: header.producer_id(),
                found: header.base_sequence(),
                expected: 0,
            });
        }
        Ok(state)
    }

    /// Appends a marker and wakes who waits for the last stable offset.
    pub(crate) fn append_marker(&self, order: &MarkerOrder, now: Duration) -> Result<(), MarkerError> {
        let batch = order
            .marker
            .encode(order.producer_id, order.producer_epoch, order.timestamp_ms);
        let header = BatchHeader::parse(&batch)?;
        {
            let mut state = self.state.guard();
            if state.closed {
                return Err(MarkerError::Closed);
            }
            state
                .producers
                .judge_marker(
                    order.producer_id,
                    order.producer_epoch,
                    order.marker.coordinator_epoch,
                    order.raised_epoch,
                )
                .map_err(MarkerError::Refused)?;
            let offset = state.put(&header, &batch, now)?;
            state.markers += 1;
            state.producers.record_marker(&header, order.marker, offset);
            let start_offset = state.log.start_offset();
            state.producers.forget_aborted_before(start_offset);
        }
        self.waiters.wake();
        Ok(())
    }

    /// The aborted transactions with records in `from..to`, for committed readers.
    pub(crate) fn aborted_in(&self, from: i64, to: i64) -> Result<Vec<Aborted>, JournalError> {
        let mut state = self.state.guard();
        let aborted = state.producers.aborted_in(from, to);
        match &mut state.defects.serve_aborted {
            Some(bug) => bug.show(&aborted),
            None => Ok(aborted),
        }
    }

    /// Every producer known here.
    pub(crate) fn known_producers(&self) -> Vec<Known> {
        self.state.guard().producers.known()
    }
}
