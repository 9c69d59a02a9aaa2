//! The state machine of one transactional id.
//!
//! Invariant: every transition gives a whole new state and changes nothing, so that the coordinator can
//! write it to the file first; the epoch of a producer id never goes down.
//! It knows no files, no partitions and no clock. What is refused is refused with the code that Kafka's
//! TransactionCoordinator gives. Sources: KIP-98, KIP-360, KIP-890.

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use serde::{Deserialize, Serialize};

/// Producer id and epoch of "none".
pub(crate) const NO_ID: i64 = -1;
pub(crate) const NO_EPOCH: i16 = -1;

/// Start of a transaction that has not begun.
const NOT_STARTED: i64 = -1;

/// Epochs from here on are not given to clients, so that fencing always has one left.
const LAST_EPOCH: i16 = i16::MAX - 1;

/// Topic and partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
}

/// How a transaction is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ending {
    Commit,
    Abort,
}

/// Which protocol a client speaks: with version 2 every end raises the epoch (KIP-890).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Version {
    Old,
    Two,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Phase {
    Empty,
    Ongoing,
    Prepare(Ending),
    Complete(Ending),
}

impl Phase {
    /// Kafka's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::Prepare(Ending::Commit) => "PrepareCommit",
            Self::Prepare(Ending::Abort) => "PrepareAbort",
            Self::Complete(Ending::Commit) => "CompleteCommit",
            Self::Complete(Ending::Abort) => "CompleteAbort",
        }
    }
}

/// Everything known of one transactional id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transaction {
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    /// The epoch before, if its owner may go on with the current one after a retry.
    last_epoch: i16,
    /// The id before the current one was given out.
    previous_id: i64,
    /// The id to go on with when this transaction is complete, if epochs are exhausted.
    next_id: i64,
    pub(crate) timeout_ms: i32,
    pub(crate) phase: Phase,
    pub(crate) partitions: BTreeSet<Place>,
    /// Milliseconds since 1970, -1 if there is none.
    pub(crate) started_ms: i64,
    pub(crate) updated_ms: i64,
    version: Version,
}

/// What InitProducerId comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Init {
    /// Answer with the id and epoch of this state.
    Ready(Transaction),
    /// End this prepared transaction of the instance before, and let the client come again.
    Fence(Transaction),
}

/// What EndTxn comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A new prepared state.
    Prepared(Transaction),
    /// It was so already.
    AlreadyDone,
}

/// Gives a producer id that was never used.
pub(crate) type FreshId<'a> = &'a mut dyn FnMut() -> Result<i64, ResponseError>;

impl Transaction {
    /// A transactional id nobody has used before; its epoch is given by [`Transaction::init`].
    pub(crate) fn new(producer_id: i64, now_ms: i64) -> Self {
        Self {
            producer_id,
            producer_epoch: NO_EPOCH,
            last_epoch: NO_EPOCH,
            previous_id: NO_ID,
            next_id: NO_ID,
            timeout_ms: 0,
            phase: Phase::Empty,
            partitions: BTreeSet::new(),
            started_ms: NOT_STARTED,
            updated_ms: now_ms,
            version: Version::Old,
        }
    }

    fn is_exhausted(&self) -> bool {
        self.producer_epoch >= LAST_EPOCH
    }

    /// When the transaction is aborted if nothing happens, milliseconds since 1970.
    pub(crate) fn deadline_ms(&self) -> Option<i64> {
        (self.phase == Phase::Ongoing).then(|| self.started_ms.saturating_add(i64::from(self.timeout_ms)))
    }

    /// InitProducerId; `expected` is what the client believes it has (KIP-360).
    pub(crate) fn init(
        &self,
        timeout_ms: i32,
        expected: Option<(i64, i16)>,
        server: Version,
        now_ms: i64,
        fresh_id: FreshId<'_>,
    ) -> Result<Init, ResponseError> {
        let may_go_on = expected.is_none_or(|(id, epoch)| {
            self.producer_epoch == NO_EPOCH
                || id == self.producer_id
                || (id == self.previous_id && epoch >= LAST_EPOCH)
        });
        if !may_go_on {
            return Err(ResponseError::ProducerFenced);
        }
        match self.phase {
            Phase::Prepare(_) => Err(ResponseError::ConcurrentTransactions),
            Phase::Ongoing => Ok(Init::Fence(self.fence(server, now_ms))),
            Phase::Empty | Phase::Complete(_) => {
                let expected_epoch = expected.map(|(_, epoch)| epoch);
                let mut next = self.clone();
                if self.is_exhausted() && expected_epoch.is_none_or(|epoch| epoch == self.producer_epoch) {
                    next.producer_id = fresh_id()?;
                    next.producer_epoch = 0;
                    next.last_epoch = expected_epoch.map_or(NO_EPOCH, |_| self.producer_epoch);
                } else {
                    next.raise_for_init(expected_epoch)?;
                }
                next.previous_id = self.producer_id;
                next.next_id = NO_ID;
                next.timeout_ms = timeout_ms;
                next.phase = Phase::Empty;
                next.partitions.clear();
                next.started_ms = NOT_STARTED;
                next.updated_ms = now_ms;
                Ok(Init::Ready(next))
            }
        }
    }

    fn raise_for_init(&mut self, expected_epoch: Option<i16>) -> Result<(), ResponseError> {
        let raised = self.producer_epoch.saturating_add(1);
        match expected_epoch {
            None => {
                self.producer_epoch = raised;
                self.last_epoch = NO_EPOCH;
                Ok(())
            }
            Some(epoch) if epoch == self.producer_epoch || self.producer_epoch == NO_EPOCH => {
                self.last_epoch = self.producer_epoch;
                self.producer_epoch = raised;
                Ok(())
            }
            // The answer to the same request was lost: the epoch is given again.
            Some(epoch) if epoch == self.last_epoch => Ok(()),
            Some(_) => Err(ResponseError::ProducerFenced),
        }
    }

    fn check_owner(&self, producer_id: i64, epoch: i16) -> Result<(), ResponseError> {
        if self.producer_id != producer_id {
            Err(ResponseError::InvalidProducerIdMapping)
        } else if self.producer_epoch != epoch {
            Err(ResponseError::ProducerFenced)
        } else if matches!(self.phase, Phase::Prepare(_)) {
            Err(ResponseError::ConcurrentTransactions)
        } else {
            Ok(())
        }
    }

    /// Adds partitions; `None` when they are all there.
    pub(crate) fn add(
        &self,
        producer_id: i64,
        epoch: i16,
        places: &[Place],
        version: Version,
        now_ms: i64,
    ) -> Result<Option<Self>, ResponseError> {
        self.check_owner(producer_id, epoch)?;
        if self.phase == Phase::Ongoing && places.iter().all(|place| self.partitions.contains(place)) {
            return Ok(None);
        }
        let mut next = self.clone();
        if self.phase != Phase::Ongoing {
            next.started_ms = now_ms;
            next.partitions.clear();
        }
        next.phase = Phase::Ongoing;
        next.partitions.extend(places.iter().cloned());
        next.updated_ms = now_ms;
        next.previous_id = self.producer_id;
        next.version = version;
        Ok(Some(next))
    }

    /// Whether the partition is in this producer's transaction (KIP-890, part 1).
    pub(crate) fn verify(&self, producer_id: i64, epoch: i16, place: &Place) -> Result<(), ResponseError> {
        self.check_owner(producer_id, epoch)?;
        if self.partitions.contains(place) {
            Ok(())
        } else {
            Err(ResponseError::TransactionAbortable)
        }
    }

    /// EndTxn by a client.
    pub(crate) fn end(
        &self,
        producer_id: i64,
        epoch: i16,
        ending: Ending,
        version: Version,
        now_ms: i64,
        fresh_id: FreshId<'_>,
    ) -> Result<End, ResponseError> {
        match version {
            Version::Old => self.end_old(producer_id, epoch, ending, now_ms),
            Version::Two => self.end_two(producer_id, epoch, ending, now_ms, fresh_id),
        }
    }

    fn end_old(
        &self,
        producer_id: i64,
        epoch: i16,
        ending: Ending,
        now_ms: i64,
    ) -> Result<End, ResponseError> {
        if self.producer_id != producer_id {
            return Err(ResponseError::InvalidProducerIdMapping);
        }
        if self.producer_epoch != epoch {
            return Err(ResponseError::ProducerFenced);
        }
        match self.phase {
            Phase::Ongoing => {
                let mut next = self.prepared(ending, Version::Old, now_ms);
                next.last_epoch = self.last_epoch;
                Ok(End::Prepared(next))
            }
            Phase::Complete(done) if done == ending => Ok(End::AlreadyDone),
            Phase::Prepare(prepared) if prepared == ending => Err(ResponseError::ConcurrentTransactions),
            Phase::Empty | Phase::Complete(_) | Phase::Prepare(_) => Err(ResponseError::InvalidTxnState),
        }
    }

    /// The same epoch after a completed transaction means the next one, so a retry is known by the
    /// epoch before.
    fn end_two(
        &self,
        producer_id: i64,
        epoch: i16,
        ending: Ending,
        now_ms: i64,
        fresh_id: FreshId<'_>,
    ) -> Result<End, ResponseError> {
        let over_rotation =
            self.previous_id == producer_id && epoch == LAST_EPOCH && self.producer_epoch == 0;
        // Kafka compares with the current epoch alone, and so answers a fenced instance with success when
        // its successor, in the old protocol, has ended a transaction the same way.
        let over_bump = self.last_epoch == epoch && i32::from(self.producer_epoch) == i32::from(epoch) + 1;
        if self.producer_id != producer_id && !over_rotation {
            return Err(ResponseError::InvalidProducerIdMapping);
        }
        let is_current = epoch == self.producer_epoch;
        let is_retry = over_bump || over_rotation;
        let known = match self.phase {
            Phase::Ongoing | Phase::Empty => is_current,
            Phase::Prepare(_) => over_bump,
            Phase::Complete(_) => is_retry || is_current,
        };
        if !known {
            return Err(ResponseError::ProducerFenced);
        }
        match self.phase {
            Phase::Ongoing => {}
            Phase::Prepare(prepared) if prepared == ending => {
                return Err(ResponseError::ConcurrentTransactions);
            }
            Phase::Complete(done) if is_retry && done == ending => return Ok(End::AlreadyDone),
            // A client may abort what it thinks it has begun; that raises its epoch.
            Phase::Empty | Phase::Complete(_) if !is_retry && ending == Ending::Abort => {}
            Phase::Empty | Phase::Complete(_) | Phase::Prepare(_) => {
                return Err(ResponseError::InvalidTxnState);
            }
        }
        let next_id = if self.is_exhausted() { fresh_id()? } else { NO_ID };
        let mut next = self.prepared(ending, Version::Two, now_ms);
        next.next_id = next_id;
        Ok(End::Prepared(next))
    }

    /// The transaction of an instance that is gone is aborted, and that instance locked out: because it
    /// took too long, or because a new one has come.
    pub(crate) fn fence(&self, server: Version, now_ms: i64) -> Self {
        let mut next = self.prepared(Ending::Abort, server, now_ms);
        if server == Version::Old {
            next.producer_epoch = self.producer_epoch.saturating_add(1);
            next.last_epoch = NO_EPOCH;
        }
        next
    }

    fn prepared(&self, ending: Ending, version: Version, now_ms: i64) -> Self {
        let mut next = self.clone();
        if version == Version::Two {
            next.producer_epoch = self.producer_epoch.saturating_add(1);
            next.last_epoch = self.producer_epoch;
        }
        if self.phase != Phase::Ongoing {
            next.started_ms = now_ms;
            next.partitions.clear();
        }
        next.phase = Phase::Prepare(ending);
        next.previous_id = self.producer_id;
        next.next_id = NO_ID;
        next.updated_ms = now_ms;
        next.version = version;
        next
    }

    /// A prepared transaction, when its markers are written.
    pub(crate) fn complete(&self, now_ms: i64) -> Self {
        let mut next = self.clone();
        if let Phase::Prepare(ending) = self.phase {
            next.phase = Phase::Complete(ending);
        }
        next.previous_id = self.producer_id;
        if self.version == Version::Two && self.next_id != NO_ID {
            next.producer_id = self.next_id;
            next.producer_epoch = 0;
        }
        next.next_id = NO_ID;
        next.partitions.clear();
        next.updated_ms = now_ms;
        next
    }

    /// Which rule a marker of this prepared transaction is held to.
    pub(crate) fn version(&self) -> Version {
        self.version
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
