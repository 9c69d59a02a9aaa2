//! One partition: its log, its producers, the fetches that wait for it.
//!
//! Invariant: the high watermark is the end of what is written (or of what `ack-before-append` claims
//! is), and it moves only under the lock, so every reader sees a prefix of one history.
//! It knows no topics' settings and no protocol messages; time is passed in.

mod append;
mod maintenance;
mod recovery;
mod transactions;
mod unadmitted;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use highwater_wire::batch::BatchHeader;
use kafka_protocol::error::ResponseError;

use crate::bug::Bug;
use crate::bugs::ack_before_append::{self, Deferred};
use crate::bugs::append_retry_twice::RetryTwice;
use crate::bugs::hide_from_lagging::HideFromLagging;
use crate::bugs::journal::{JournalEntry, JournalError};
use crate::bugs::lost_batches::LostBatches;
use crate::bugs::spurious_offset_zero::SpuriousZero;
use crate::bugs::{Defects, Place, Switches, forget_last_batch, reassign_offsets};
use crate::epochs::Epochs;
use crate::error::BrokerError;
use crate::leadership::Leadership;
use crate::lock::LockExt;
use crate::log::{Log, LogConfig, LogError, ReadPlan};
use crate::producers::Producers;
use crate::waiters::Waiters;

use self::append::Taken;
pub(crate) use self::maintenance::DeleteError;
use self::recovery::Recovered;
pub(crate) use self::transactions::{Admission, MarkerError, MarkerOrder};
use self::unadmitted::Unadmitted;

/// Why a batch was not appended, or not answered with success.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    #[error("sequence {found} of producer {producer_id}, expected {expected}")]
    OutOfOrder {
        producer_id: i64,
        found: i32,
        expected: i32,
    },
    #[error("epoch {found} of producer {producer_id}, the current one is {current}")]
    FencedEpoch {
        producer_id: i64,
        found: i16,
        current: i16,
    },
    #[error("not in a transaction, from a producer that is in one in this partition")]
    InTransaction,
    #[error("the coordinator does not have the partition in the producer's transaction: {0:?}")]
    NotAdmitted(ResponseError),
    #[error("the topic was deleted")]
    Closed,
    /// A bug switch says so; the batch is in the log.
    #[error("appended, but not replicated to enough nodes")]
    NotReplicated,
    #[error("write to the log")]
    Storage(#[from] LogError),
    #[error("write to the journal of the bug switches")]
    Journal(#[from] JournalError),
}

/// Where an acknowledged batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Offset of its first record.
    pub(crate) base_offset: i64,
    /// The timestamp with which it was appended before, if it was, milliseconds since 1970.
    pub(crate) known_since_ms: Option<i64>,
}

/// Why nothing can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("offset {offset} is outside of {start}..={end}")]
    OutOfRange { offset: i64, start: i64, end: i64 },
    #[error("the topic was deleted")]
    Closed,
    #[error("read from the log")]
    Storage(#[from] LogError),
    #[error("write to the journal of the bug switches")]
    Journal(#[from] JournalError),
}

/// Where a partition begins and ends for readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) start_offset: i64,
    pub(crate) high_watermark: i64,
    /// Below it no transaction is open.
    pub(crate) last_stable_offset: i64,
}

/// What a reader wants to see of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// All records.
    Uncommitted,
    /// Nothing of open transactions.
    Committed,
}

impl Bounds {
    /// Where a reader has to stop.
    pub(crate) fn end(&self, isolation: Isolation) -> i64 {
        match isolation {
            Isolation::Uncommitted => self.high_watermark,
            Isolation::Committed => self.last_stable_offset,
        }
    }
}

/// Where the batches from some offset on can be had.
#[derive(Debug)]
pub(crate) enum Readable {
    File(ReadPlan),
    Memory(Bytes),
}

impl Readable {
    pub(crate) fn available(&self) -> u64 {
        match self {
            Self::File(plan) => plan.available(),
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Whole batches, see [`ReadPlan::read`].
    pub(crate) fn read(&self, max_bytes: usize, first_whole: bool) -> Result<Bytes, LogError> {
        match self {
            Self::File(plan) => plan.read(max_bytes, first_whole),
            Self::Memory(bytes) => Ok(bytes.clone()),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) place: Place,
    pub(crate) waiters: Arc<Waiters>,
    /// Changed only while `state` is locked, so that the epoch and what was written in it agree.
    leadership: Mutex<Leadership>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    log: Log,
    epochs: Epochs,
    producers: Producers,
    defects: Defects,
    /// Markers appended since the start.
    markers: u64,
    unadmitted: Unadmitted,
    closed: bool,
}

impl Partition {
    /// Opens the partition's log and rebuilds what memory needs.
    pub(crate) fn open(
        dir: &Path,
        place: Place,
        config: LogConfig,
        leadership: Leadership,
        switches: &Switches,
        journal_entries: &[JournalEntry],
    ) -> Result<Self, BrokerError> {
        let forget = switches.journal_of(Bug::ForgetLastBatchOnRestart);
        let mut recovered = Recovered {
            one_batch_late: forget.is_some(),
            ..Recovered::default()
        };
        let mut log = Log::open(dir, config, &mut recovered)?;
        let Recovered {
            mut producers,
            mut epochs,
            held_back,
            ..
        } = recovered;
        let mut defects = Defects::default();
        if let Some(journal) = &switches.journal {
            defects.lost = LostBatches::recall(journal, journal_entries, &place);
        }
        if let Some(journal) = forget {
            let lost = forget_last_batch::cut(journal, &place, &mut log)?;
            defects.lost.add(lost);
        } else if let Some((last, marker)) = held_back {
            producers.rebuild(&last, marker);
        }
        if let Some(journal) = switches.journal_of(Bug::AckBeforeAppend) {
            let lost = ack_before_append::own_up(journal, journal_entries, &place, &log)?;
            defects.lost.add(lost);
            defects.deferred = Some(Deferred::new(Arc::clone(journal), place.clone()));
        }
        if let Some(journal) = switches.journal_of(Bug::AppendRetryTwice) {
            defects.retry_twice = Some(RetryTwice::new(Arc::clone(journal), place.clone()));
        }
        defects.break_transactions(switches, &place);
        defects.keeps_older = switches.journal_of(Bug::CompactionKeepsOlder).cloned();
        if let Some(journal) = switches.journal_of(Bug::SpuriousOffsetZero) {
            defects.spurious_zero = Some(SpuriousZero::new(Arc::clone(journal), place.clone()));
        }
        if let Some(journal) = switches.journal_of(Bug::HideFromLaggingReaders) {
            defects.hide_from_lagging = Some(HideFromLagging::new(Arc::clone(journal), place.clone()));
        }
        if let Some(journal) = switches.journal_of(Bug::ReassignOffsetsOnRestart) {
            reassign_offsets::swap_last_two(journal, journal_entries, &place, &mut log)?;
        }
        if !defects.lost.is_empty() {
            producers.forgive_gaps();
        }
        if log.cut_bytes() > 0 {
            tracing::warn!(
                topic = %place.topic,
                partition = place.partition,
                bytes = log.cut_bytes(),
                "cut a torn batch from the end of the log"
            );
        }
        epochs.begin(leadership.epoch, log.end_offset());
        Ok(Self {
            place,
            waiters: Arc::default(),
            leadership: Mutex::new(leadership),
            state: Mutex::new(State {
                log,
                epochs,
                producers,
                defects,
                markers: 0,
                unadmitted: Unadmitted::default(),
                closed: false,
            }),
        })
    }

    /// Appends one checked batch, unless it was there before.
    pub(crate) fn append(
        &self,
        header: &BatchHeader,
        batch: &Bytes,
        now: Duration,
        admission: &Admission<'_>,
    ) -> Result<Placed, AppendError> {
        let mut state = self.admit(header, admission)?;
        if state.closed {
            return Err(AppendError::Closed);
        }
        let base_offset = match state.take(header, batch, now)? {
            Taken::Known(first) => {
                return Ok(Placed {
                    base_offset: first.base_offset,
                    known_since_ms: Some(first.max_timestamp),
                });
            }
            Taken::Appended(base_offset) => base_offset,
        };
        let provokes_retry = match &mut state.defects.retry_twice {
            Some(bug) => bug.provokes_retry(header),
            None => false,
        };
        let answered = match &mut state.defects.spurious_zero {
            Some(bug) => bug.answer(header, base_offset)?,
            None => base_offset,
        };
        drop(state);
        self.waiters.wake();
        if provokes_retry {
            return Err(AppendError::NotReplicated);
        }
        Ok(Placed {
            base_offset: answered,
            known_since_ms: None,
        })
    }

    /// What a reader at `offset` is shown of the records that it would get.
    pub(crate) fn show(&self, offset: i64, records: Bytes) -> Result<Bytes, JournalError> {
        let mut state = self.state.guard();
        let end_offset = state.log.end_offset();
        match &mut state.defects.hide_from_lagging {
            Some(bug) => bug.show(offset, end_offset, records),
            None => Ok(records),
        }
    }

    /// Who leads the partition, in which epoch.
    pub(crate) fn leadership(&self) -> Leadership {
        self.leadership.guard().clone()
    }

    /// Changes who leads; waiting fetches look again.
    pub(crate) fn lead(&self, leadership: Leadership) {
        let mut state = self.state.guard();
        if leadership.epoch != state.epochs.current() {
            let end_offset = state.bounds().high_watermark;
            state.epochs.begin(leadership.epoch, end_offset);
        }
        *self.leadership.guard() = leadership;
        drop(state);
        self.waiters.wake();
    }

    /// See [`Epochs::end_of`].
    pub(crate) fn epoch_end(&self, epoch: i32) -> Option<(i32, i64)> {
        let state = self.state.guard();
        state.epochs.end_of(epoch, state.bounds().high_watermark)
    }

    /// The leader epoch of the record at `offset`.
    pub(crate) fn epoch_at(&self, offset: i64) -> Option<i32> {
        self.state.guard().epochs.at(offset)
    }

    /// Where readers may read.
    pub(crate) fn bounds(&self) -> Bounds {
        self.state.guard().bounds()
    }

    /// Where the batches from `offset` on are; `None` at the end of what the reader may see.
    pub(crate) fn plan_read(
        &self,
        offset: i64,
        isolation: Isolation,
    ) -> Result<(Bounds, Option<Readable>), ReadError> {
        let mut state = self.state.guard();
        if state.closed {
            return Err(ReadError::Closed);
        }
        let bounds = state.shown_bounds(isolation)?;
        if offset < bounds.start_offset || offset > bounds.high_watermark {
            return Err(ReadError::OutOfRange {
                offset,
                start: bounds.start_offset,
                end: bounds.high_watermark,
            });
        }
        let end = bounds.end(isolation);
        if offset >= end {
            return Ok((bounds, None));
        }
        if let Some(plan) = state.log.plan_read(offset)? {
            return Ok((bounds, Some(Readable::File(plan.up_to(end)))));
        }
        let deferred = state
            .defects
            .deferred
            .as_ref()
            .filter(|_| offset < bounds.high_watermark);
        Ok((bounds, deferred.map(|bug| Readable::Memory(bug.read(offset)))))
    }

    /// Writes what `ack-before-append` holds back for long enough.
    pub(crate) fn write_deferred(&self, now: Duration) -> Result<(), LogError> {
        let mut state = self.state.guard();
        let State { log, defects, .. } = &mut *state;
        match &mut defects.deferred {
            Some(deferred) => deferred.write_due(log, now),
            None => Ok(()),
        }
    }

    /// Ends appends and reads because the topic is deleted.
    pub(crate) fn close(&self) {
        self.state.guard().closed = true;
        self.waiters.wake();
    }
}

impl State {
    fn bounds(&self) -> Bounds {
        let end = match &self.defects.deferred {
            Some(deferred) => deferred.end_offset(&self.log),
            None => self.log.end_offset(),
        };
        let first_unstable = self.producers.first_unstable_offset();
        let start_offset = self.log.start_offset();
        Bounds {
            start_offset,
            high_watermark: end,
            last_stable_offset: first_unstable.map_or(end, |offset| offset.min(end).max(start_offset)),
        }
    }

    /// What the reader is told, which a bug switch may have changed.
    fn shown_bounds(&mut self, isolation: Isolation) -> Result<Bounds, JournalError> {
        let mut bounds = self.bounds();
        if isolation == Isolation::Committed
            && let Some(bug) = &mut self.defects.stable_offset
            && let Some((offset, producer_id)) = self.producers.first_open()
            && offset < bounds.high_watermark
        {
            bounds.last_stable_offset = bug.raise(offset, producer_id)?;
        }
        Ok(bounds)
    }

    fn append_new(&mut self, header: &BatchHeader, batch: &Bytes, now: Duration) -> Result<i64, AppendError> {
        let base_offset = self.put(header, batch, now)?;
        self.unadmitted.forget(header);
        self.producers.record(header, base_offset);
        self.defects.lost.appended(header, base_offset)?;
        Ok(base_offset)
    }

    fn put(&mut self, header: &BatchHeader, batch: &Bytes, now: Duration) -> Result<i64, LogError> {
        let epoch = self.epochs.current();
        match &mut self.defects.deferred {
            Some(deferred) => deferred.accept(&mut self.log, header, batch, epoch, now),
            None => self.log.append(batch, epoch, || {
                self.epochs.snapshot_with(self.producers.snapshot()?)
            }),
        }
    }
}
