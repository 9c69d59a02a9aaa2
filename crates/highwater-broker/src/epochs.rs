//! Where each leader epoch of a log begins: what a consumer asks after to see whether its past is the
//! log's past (KIP-101, KIP-320).
//!
//! Invariant: epochs and start offsets both go up strictly; an epoch in which nothing was written leaves
//! no entry when the next one begins. Rebuilt from the batches, which carry their epoch.

use highwater_wire::batch::BatchHeader;
use serde::{Deserialize, Serialize};

use crate::log::SnapshotError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    epoch: i32,
    start_offset: i64,
}

/// The length of the epochs in front of a snapshot.
const LENGTH_BYTES: usize = 4;

/// The history of one log's epochs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Epochs {
    entries: Vec<Entry>,
}

impl Epochs {
    /// Notes a batch of the log, in order.
    pub(crate) fn note(&mut self, header: &BatchHeader) {
        let begins = self
            .entries
            .last()
            .is_none_or(|last| header.leader_epoch() > last.epoch);
        if begins && header.leader_epoch() >= 0 {
            self.begin(header.leader_epoch(), header.base_offset());
        }
    }

    /// An epoch begins at the end of the log.
    pub(crate) fn begin(&mut self, epoch: i32, end_offset: i64) {
        let written = |entry: &Entry| entry.epoch < epoch && entry.start_offset < end_offset;
        while self.entries.last().is_some_and(|last| !written(last)) {
            self.entries.pop();
        }
        self.entries.push(Entry {
            epoch,
            start_offset: end_offset,
        });
    }

    /// The epochs in front of what else is kept with a segment.
    pub(crate) fn snapshot_with(&self, rest: Vec<u8>) -> Option<Vec<u8>> {
        let own = serde_json::to_vec(self).ok()?;
        let length = u32::try_from(own.len()).ok()?;
        Some([length.to_be_bytes().to_vec(), own, rest].concat())
    }

    /// Takes the epochs off the front of a snapshot.
    pub(crate) fn restore(snapshot: &[u8]) -> Result<(Self, &[u8]), SnapshotError> {
        let damaged = |what: &str| SnapshotError(what.to_owned());
        let (length, rest) = snapshot
            .split_first_chunk::<LENGTH_BYTES>()
            .ok_or_else(|| damaged("too short"))?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (own, rest) = rest
            .split_at_checked(length)
            .ok_or_else(|| damaged("shorter than its epochs"))?;
        let epochs = serde_json::from_slice(own).map_err(|error| SnapshotError(error.to_string()))?;
        Ok((epochs, rest))
    }

    /// The epoch that new batches belong to; 0 before any began.
    pub(crate) fn current(&self) -> i32 {
        self.entries.last().map_or(0, |last| last.epoch)
    }

    /// The epoch in which the record at `offset` was written.
    pub(crate) fn at(&self, offset: i64) -> Option<i32> {
        let after = self.entries.partition_point(|entry| entry.start_offset <= offset);
        after.checked_sub(1).map(|index| self.entries[index].epoch)
    }

    /// The newest epoch that is not newer than `epoch`, and where it ends; `None` for an epoch of the
    /// future. An epoch older than all that is left ends where the oldest one begins.
    pub(crate) fn end_of(&self, epoch: i32, log_end: i64) -> Option<(i32, i64)> {
        let after = self.entries.partition_point(|entry| entry.epoch <= epoch);
        match (after.checked_sub(1), self.entries.get(after)) {
            (Some(last), None) => (self.entries[last].epoch == epoch).then_some((epoch, log_end)),
            (Some(index), Some(next)) => Some((self.entries[index].epoch, next.start_offset)),
            (None, Some(first)) => Some((epoch, first.start_offset)),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(begun: &[(i32, i64)]) -> Epochs {
        let mut epochs = Epochs::default();
        for &(epoch, end_offset) in begun {
            epochs.begin(epoch, end_offset);
        }
        epochs
    }

    #[test]
    fn an_epoch_ends_where_the_next_one_begins() {
        let epochs = history(&[(0, 0), (2, 10), (3, 25)]);
        let cases = [
            ("the first", 0, Some((0, 10))),
            ("one that never was, between two", 1, Some((0, 10))),
            ("the second", 2, Some((2, 25))),
            ("the current one", 3, Some((3, 40))),
            ("one of the future", 4, None),
        ];
        for (name, epoch, expected) in cases {
            assert_eq!(epochs.end_of(epoch, 40), expected, "{name}");
        }
        assert_eq!(
            history(&[(4, 7)]).end_of(2, 9),
            Some((2, 7)),
            "older than the log"
        );
        assert_eq!(Epochs::default().end_of(0, 0), None);
    }

    #[test]
    fn a_snapshot_gives_back_what_it_took() {
        let epochs = history(&[(0, 0), (3, 5)]);
        let snapshot = epochs.snapshot_with(b"more".to_vec()).expect("a snapshot");
        let (restored, rest) = Epochs::restore(&snapshot).expect("restores");
        assert_eq!((restored, rest), (epochs, b"more".as_slice()));
        for length in 0..snapshot.len() - 4 {
            assert!(Epochs::restore(&snapshot[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn epochs_without_records_leave_nothing() {
        let epochs = history(&[(0, 0), (1, 5), (2, 5), (3, 5)]);
        assert_eq!(epochs, history(&[(0, 0), (3, 5)]));
        assert_eq!(
            (epochs.at(4), epochs.at(5), epochs.current()),
            (Some(0), Some(3), 3)
        );
        assert_eq!(history(&[(3, 5)]).at(4), None);
    }
}
