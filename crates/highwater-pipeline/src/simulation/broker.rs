//! A broker's side of one partition: logs, committed offsets, one transaction.

use crate::offset::Run;
use crate::partition::{Commit, Record};
use crate::retry::Attempts;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rec {
    pub(super) offset: i64,
    pub(super) key: Option<[u8; 1]>,
    /// The same in a record that its producer sent twice.
    pub(super) id: i64,
}

impl Record for Rec {
    fn key(&self) -> Option<&[u8]> {
        self.key.as_ref().map(|key| &key[..])
    }

    fn bytes(&self) -> usize {
        100
    }
}

#[derive(Debug, Clone)]
pub(super) struct RetryRec {
    pub(super) rec: Rec,
    pub(super) attempts: Attempts,
}

/// Something that becomes visible: at once, or with its transaction.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Effect(Rec),
    Dead(Rec),
    Retry(RetryRec),
    Offsets(Commit),
}

#[derive(Debug, Default)]
pub(super) struct Broker {
    /// A gap is a marker or a record that was compacted away.
    pub(super) source: Vec<Option<Rec>>,
    pub(super) retry: Vec<RetryRec>,
    pub(super) committed: (i64, String),
    pub(super) committed_retry: (i64, String),
    /// The open transaction.
    pub(super) open: Vec<Op>,
    /// Transactions whose commit is on its way: it may still happen.
    pub(super) in_doubt: Vec<Op>,
}

impl Broker {
    pub(super) fn produce(&mut self, key: Option<[u8; 1]>) {
        let offset = self.source.len() as i64;
        self.source.push(Some(Rec {
            offset,
            key,
            id: offset,
        }));
    }

    /// The producer sends a record again: another offset, the same id.
    pub(super) fn produce_again(&mut self, place: usize) {
        let offset = self.source.len() as i64;
        let again = self
            .source
            .get(place)
            .cloned()
            .flatten()
            .map(|rec| Rec { offset, ..rec });
        self.source.push(again);
    }

    pub(super) fn gap(&mut self) {
        self.source.push(None);
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Rec> {
        self.source.iter().flatten()
    }
}

/// Whether a committed point says that this offset is done.
pub(super) fn covers(point: &(i64, Vec<Run>), offset: i64) -> bool {
    offset < point.0 || point.1.iter().any(|run| run.contains(offset))
}
