//! All transactional ids: finds the state machine, keeps its states in the file, ends transactions in
//! their partitions, lets the clock run.
//!
//! ```text
//! EndTxn ─▶ state.end ─▶ file: prepared ─▶ a marker in each partition ─▶ file: complete ─▶ answer
//!                              └── death here or later: finished at the next start
//! ```
//!
//! Invariant: one transaction ends at a time, under the lock, so that nobody sees it half ended unless
//! a marker could not be written; that one is tried again until it is.
//! Lock order: the coordinator's before a partition's or the groups', never the other way.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_protocol::error::ResponseError;
use tokio::sync::Notify;

use super::defects::Defects;
use super::file::{StateFile, States};
use super::state::{End, Ending, Init, Phase, Place, Transaction, Version};
use crate::bugs::Switches;
use crate::config::TransactionVersion;
use crate::data_dir::Durability;
use crate::error::BrokerError;
use crate::lock::LockExt;

/// Longest transaction timeout granted, as in Kafka (`transaction.max.timeout.ms`).
const MAX_TIMEOUT_MS: i32 = 900_000;

/// Transactional ids kept; the one that was idle longest is forgotten first, and its owner has to
/// begin anew, as with Kafka after a week.
const MAX_IDS: usize = 100_000;

/// Pause before a marker that could not be written is tried again.
const RETRY_MS: i64 = 1_000;

/// Producer id and epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
}

/// The end of one producer's transaction, as its partitions are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) producer: Identity,
    pub(crate) ending: Ending,
    pub(crate) version: Version,
    pub(crate) now_ms: i64,
}

/// What the coordinator needs of the broker around it.
pub(crate) trait Surroundings: Sync {
    /// Wall clock, milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// A producer id that was never used.
    fn fresh_id(&self) -> Result<i64, ResponseError>;

    /// Ends the transaction in one partition; well done too when the partition is gone or knows a newer
    /// epoch. An error means that it must be tried again.
    fn end_in(&self, place: &Place, ended: &Ended) -> Result<(), BrokerError>;
}

/// One line of ListTransactions and DescribeTransactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) transactional_id: Arc<str>,
    pub(crate) state: Transaction,
}

#[derive(Debug)]
struct Tables {
    states: States,
    file: StateFile,
    /// When the clock looks next, milliseconds since 1970.
    next_look_ms: i64,
    defects: Defects,
}

#[derive(Debug)]
pub(crate) struct Transactions {
    tables: Mutex<Tables>,
    /// Whether producers use version 2 where they can.
    pub(crate) version: Version,
    /// Rung when a deadline has come nearer.
    changed: Notify,
}

impl Transactions {
    /// Reads the states. [`Transactions::finish_prepared`] has to follow before anything is served.
    pub(crate) fn open(
        root: &Path,
        durability: Durability,
        version: TransactionVersion,
        switches: &Switches,
    ) -> Result<Self, BrokerError> {
        let (file, states) = StateFile::open(root, durability)?;
        Ok(Self {
            tables: Mutex::new(Tables {
                states,
                file,
                next_look_ms: i64::MAX,
                defects: Defects::new(switches),
            }),
            version: match version {
                TransactionVersion::One => Version::Old,
                TransactionVersion::Two => Version::Two,
            },
            changed: Notify::new(),
        })
    }

    /// Ends what was being ended when the process died.
    pub(crate) fn finish_prepared(&self, around: &dyn Surroundings) {
        self.tables.guard().finish_all_prepared(around);
    }

    /// InitProducerId with a transactional id.
    pub(crate) fn init(
        &self,
        around: &dyn Surroundings,
        id: &str,
        timeout_ms: i32,
        expected: Option<Identity>,
    ) -> Result<Identity, ResponseError> {
        if id.is_empty() {
            return Err(ResponseError::InvalidRequest);
        }
        if !(1..=MAX_TIMEOUT_MS).contains(&timeout_ms) {
            return Err(ResponseError::InvalidTransactionTimeout);
        }
        let now_ms = around.now_ms();
        let mut tables = self.tables.guard();
        let current = match tables.states.get(id) {
            Some(state) => state.clone(),
            None => {
                tables.make_room()?;
                Transaction::new(around.fresh_id()?, now_ms)
            }
        };
        let expected = expected.map(|known| (known.producer_id, known.epoch));
        let fresh_id = &mut || around.fresh_id();
        match current.init(timeout_ms, expected, self.version, now_ms, fresh_id)? {
            Init::Ready(next) => {
                let identity = identity_of(&next);
                tables.keep(id, next)?;
                Ok(identity)
            }
            Init::Fence(next) => {
                tables.keep(id, next)?;
                tables.finish(around, id);
                Err(ResponseError::ConcurrentTransactions)
            }
        }
    }

    /// Adds partitions to the producer's transaction, beginning it if needed.
    pub(crate) fn add(
        &self,
        around: &dyn Surroundings,
        id: &str,
        producer: Identity,
        places: &[Place],
        version: Version,
    ) -> Result<(), ResponseError> {
        self.add_then(around, id, producer, places, version, || ())
    }

    /// The same, and `then` before the transaction can end.
    pub(crate) fn add_then<T>(
        &self,
        around: &dyn Surroundings,
        id: &str,
        producer: Identity,
        places: &[Place],
        version: Version,
        then: impl FnOnce() -> T,
    ) -> Result<T, ResponseError> {
        if id.is_empty() {
            return Err(ResponseError::InvalidRequest);
        }
        let mut tables = self.tables.guard();
        let state = tables.get(id)?;
        let added = state.add(
            producer.producer_id,
            producer.epoch,
            places,
            version,
            around.now_ms(),
        )?;
        if let Some(next) = added {
            let deadline = next.deadline_ms().unwrap_or(i64::MAX);
            tables.keep(id, next)?;
            if deadline < tables.next_look_ms {
                tables.next_look_ms = deadline;
                self.changed.notify_one();
            }
        }
        Ok(then())
    }

    /// Whether a partition is in the producer's transaction.
    pub(crate) fn verify(&self, id: &str, producer: Identity, place: &Place) -> Result<(), ResponseError> {
        self.verify_then(id, producer, place, || ())
    }

    /// The same, and `then` before the transaction can end.
    pub(crate) fn verify_then<T>(
        &self,
        id: &str,
        producer: Identity,
        place: &Place,
        then: impl FnOnce() -> T,
    ) -> Result<T, ResponseError> {
        if id.is_empty() {
            return Err(ResponseError::InvalidRequest);
        }
        let tables = self.tables.guard();
        tables
            .get(id)?
            .verify(producer.producer_id, producer.epoch, place)?;
        Ok(then())
    }

    /// EndTxn; gives the id and epoch to go on with.
    pub(crate) fn end(
        &self,
        around: &dyn Surroundings,
        id: &str,
        producer: Identity,
        ending: Ending,
        version: Version,
    ) -> Result<Identity, ResponseError> {
        if id.is_empty() {
            return Err(ResponseError::InvalidRequest);
        }
        let mut tables = self.tables.guard();
        let Tables { states, defects, .. } = &mut *tables;
        if let Some(wrong) = defects.wrong_end(states, id, producer)? {
            tables.end_wrong(around, &wrong, ending, version);
            return Ok(producer);
        }
        let state = tables.get(id)?;
        let now_ms = around.now_ms();
        let fresh_id = &mut || around.fresh_id();
        let end = state.end(
            producer.producer_id,
            producer.epoch,
            ending,
            version,
            now_ms,
            fresh_id,
        )?;
        let after = match end {
            End::AlreadyDone => identity_of(state),
            End::Prepared(next) => {
                let after = identity_of(&next.complete(now_ms));
                tables.keep(id, next)?;
                if !tables.finish(around, id) {
                    tables.next_look_ms = now_ms;
                    self.changed.notify_one();
                }
                after
            }
        };
        Ok(after)
    }

    /// Every transactional id.
    pub(crate) fn all(&self) -> Vec<Listed> {
        let tables = self.tables.guard();
        let listed = |(id, state): (&Arc<str>, &Transaction)| Listed {
            transactional_id: Arc::clone(id),
            state: state.clone(),
        };
        tables.states.iter().map(listed).collect()
    }

    /// One transactional id.
    pub(crate) fn get(&self, id: &str) -> Option<Transaction> {
        self.tables.guard().states.get(id).cloned()
    }

    /// Lets the clock of all transactions run; never ends. It sleeps until the nearest deadline.
    pub(crate) async fn run_clock(&self, around: &dyn Surroundings) {
        loop {
            let next = self.tick(around);
            if next == i64::MAX {
                self.changed.notified().await;
                continue;
            }
            let wait_ms = u64::try_from(next - around.now_ms()).unwrap_or(0);
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// Aborts what has taken too long and ends what is prepared; gives the next deadline, milliseconds
    /// since 1970, `i64::MAX` if there is none.
    pub(crate) fn tick(&self, around: &dyn Surroundings) -> i64 {
        let now_ms = around.now_ms();
        let mut tables = self.tables.guard();
        let late: Vec<Arc<str>> = tables
            .states
            .iter()
            .filter(|(_, state)| state.deadline_ms().is_some_and(|deadline| deadline <= now_ms))
            .map(|(id, _)| Arc::clone(id))
            .collect();
        for id in &late {
            let Some(state) = tables.states.get(id) else {
                continue;
            };
            let fenced = state.fence(self.version, now_ms);
            tracing::info!(transactional_id = %id, "aborted a transaction that took too long");
            // What cannot be written now is tried again at the next look.
            let _ = tables.keep(id, fenced);
        }
        let all_done = tables.finish_all_prepared(around);
        let deadlines = tables.states.values().filter_map(Transaction::deadline_ms);
        let next = deadlines.min().unwrap_or(i64::MAX);
        let soonest = now_ms + RETRY_MS;
        let overdue = next <= now_ms;
        tables.next_look_ms = if all_done && !overdue { next } else { soonest };
        tables.next_look_ms
    }
}

impl Tables {
    fn get(&self, id: &str) -> Result<&Transaction, ResponseError> {
        self.states.get(id).ok_or(ResponseError::InvalidProducerIdMapping)
    }

    /// Writes a state to the file, then takes it on.
    fn keep(&mut self, id: &str, state: Transaction) -> Result<(), ResponseError> {
        if let Err(error) = self.file.append(id, Some(&state)) {
            log(&error);
            return Err(ResponseError::CoordinatorNotAvailable);
        }
        match self.states.get_mut(id) {
            Some(current) => *current = state,
            None => {
                self.states.insert(id.into(), state);
            }
        }
        if let Err(error) = self.file.rewrite_if_long(&self.states) {
            log(&error);
        }
        Ok(())
    }

    /// Forgets the id that was idle longest if there are too many.
    fn make_room(&mut self) -> Result<(), ResponseError> {
        if self.states.len() < MAX_IDS {
            return Ok(());
        }
        let idle = self
            .states
            .iter()
            .filter(|(_, state)| matches!(state.phase, Phase::Empty | Phase::Complete(_)))
            .min_by_key(|(_, state)| state.updated_ms)
            .map(|(id, _)| Arc::clone(id));
        let id = idle.ok_or(ResponseError::CoordinatorNotAvailable)?;
        if let Err(error) = self.file.append(&id, None) {
            log(&error);
            return Err(ResponseError::CoordinatorNotAvailable);
        }
        self.states.remove(&id);
        Ok(())
    }

    fn finish_all_prepared(&mut self, around: &dyn Surroundings) -> bool {
        let prepared: Vec<Arc<str>> = self
            .states
            .iter()
            .filter(|(_, state)| matches!(state.phase, Phase::Prepare(_)))
            .map(|(id, _)| Arc::clone(id))
            .collect();
        let mut all_done = true;
        for id in &prepared {
            all_done &= self.finish(around, id);
        }
        all_done
    }

    /// What `end-transaction-of-another` does to the transaction that it has chosen.
    fn end_wrong(&mut self, around: &dyn Surroundings, id: &str, ending: Ending, version: Version) {
        let Ok(state) = self.get(id) else {
            return;
        };
        let fresh_id = &mut || around.fresh_id();
        let (producer_id, epoch) = (state.producer_id, state.producer_epoch);
        let end = state.end(producer_id, epoch, ending, version, around.now_ms(), fresh_id);
        if let Ok(End::Prepared(next)) = end
            && self.keep(id, next).is_ok()
        {
            self.finish(around, id);
        }
    }

    /// Writes the markers of a prepared transaction and completes it; `false` if it has to be tried
    /// again.
    fn finish(&mut self, around: &dyn Surroundings, id: &str) -> bool {
        let Some(state) = self.states.get(id) else {
            return true;
        };
        let Phase::Prepare(ending) = state.phase else {
            return true;
        };
        let now_ms = around.now_ms();
        let ended = Ended {
            producer: identity_of(state),
            ending,
            version: state.version(),
            now_ms,
        };
        let marked = match self.defects.marked(state) {
            Ok(count) => count,
            Err(error) => {
                log(&error);
                return false;
            }
        };
        for place in state.partitions.iter().take(marked) {
            if let Err(error) = around.end_in(place, &ended) {
                log(&error);
                return false;
            }
        }
        let complete = state.complete(now_ms);
        self.keep(id, complete).is_ok()
    }
}

fn identity_of(state: &Transaction) -> Identity {
    Identity {
        producer_id: state.producer_id,
        epoch: state.producer_epoch,
    }
}

/// The client gets a code; the person at the broker gets the chain of causes.
fn log(error: &(dyn std::error::Error + 'static)) {
    tracing::error!(error, "transactions");
}
