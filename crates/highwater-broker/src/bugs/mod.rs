//! The planted defects, one small place each, and the journal in which they own up.
//!
//! Invariant: with no switch on, a [`Defects`] does nothing; every place that asks it is marked by a
//! call to one of its methods in [`crate::partition`].

pub(crate) mod ack_before_append;
pub(crate) mod append_retry_twice;
pub(crate) mod end_another;
pub(crate) mod forget_committed;
pub(crate) mod forget_last_batch;
pub(crate) mod hide_from_lagging;
pub(crate) mod ignore_generation;
pub(crate) mod ignore_producer_epoch;
pub(crate) mod ignore_sequences;
pub(crate) mod journal;
pub(crate) mod keeps_older;
pub(crate) mod lost_batches;
pub(crate) mod marker_in_one;
pub(crate) mod reassign_offsets;
pub(crate) mod regress_committed;
pub(crate) mod serve_aborted;
pub(crate) mod spurious_offset_zero;
pub(crate) mod stable_offset_off_by_one;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::bug::Bug;

use self::ack_before_append::Deferred;
use self::append_retry_twice::RetryTwice;
use self::hide_from_lagging::HideFromLagging;
use self::ignore_producer_epoch::IgnoreEpoch;
use self::ignore_sequences::IgnoreSequences;
use self::journal::Journal;
use self::lost_batches::LostBatches;
use self::serve_aborted::ServeAborted;
use self::spurious_offset_zero::SpuriousZero;
use self::stable_offset_off_by_one::StableOffsetOffByOne;

/// Topic and partition, as the journal names them.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
}

/// Which bugs are on, and where they own up.
#[derive(Debug, Clone)]
pub(crate) struct Switches {
    pub(crate) on: BTreeSet<Bug>,
    /// There whenever a bug is on.
    pub(crate) journal: Option<Arc<Journal>>,
}

impl Switches {
    /// The journal if this bug is on.
    pub(crate) fn journal_of(&self, bug: Bug) -> Option<&Arc<Journal>> {
        self.journal.as_ref().filter(|_| self.on.contains(&bug))
    }
}

/// The state that the bugs keep for one partition.
#[derive(Debug, Default)]
pub(crate) struct Defects {
    pub(crate) deferred: Option<Deferred>,
    pub(crate) retry_twice: Option<RetryTwice>,
    pub(crate) spurious_zero: Option<SpuriousZero>,
    pub(crate) hide_from_lagging: Option<HideFromLagging>,
    pub(crate) ignore_sequences: Option<IgnoreSequences>,
    pub(crate) ignore_epoch: Option<IgnoreEpoch>,
    pub(crate) stable_offset: Option<StableOffsetOffByOne>,
    pub(crate) serve_aborted: Option<ServeAborted>,
    pub(crate) lost: LostBatches,
    /// Of `compaction-keeps-older`.
    pub(crate) keeps_older: Option<Arc<Journal>>,
}

impl Defects {
    /// Turns on the bugs around sequences, epochs and isolation.
    pub(crate) fn break_transactions(&mut self, switches: &Switches, place: &Place) {
        let journal_of = |bug| switches.journal_of(bug).map(Arc::clone);
        let place = || place.clone();
        self.ignore_sequences =
            journal_of(Bug::IgnoreSequences).map(|journal| IgnoreSequences::new(journal, place()));
        self.ignore_epoch =
            journal_of(Bug::IgnoreProducerEpoch).map(|journal| IgnoreEpoch::new(journal, place()));
        self.stable_offset = journal_of(Bug::LastStableOffsetOffByOne)
            .map(|journal| StableOffsetOffByOne::new(journal, place()));
        self.serve_aborted =
            journal_of(Bug::ServeAbortedBatches).map(|journal| ServeAborted::new(journal, place()));
    }
}
