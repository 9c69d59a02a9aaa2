//! A sparse index of one segment, in memory: where to begin looking for an offset or a timestamp.
//!
//! Invariant: entries are in order of offset, position and (running) timestamp; between two entries
//! there are fewer than [`INTERVAL_BYTES`] plus one batch. It is rebuilt when the log is opened.

use highwater_wire::batch::BatchHeader;

/// Bytes between entries: a reader looks through at most this much to find its batch, and a gigabyte
/// of small batches costs 65,536 entries of 24 bytes.
pub(crate) const INTERVAL_BYTES: u64 = 16 << 10;

#[derive(Debug, Clone, Copy)]
struct Entry {
    offset: i64,
    position: u64,
    /// Largest timestamp of this batch and all before it in the segment.
    max_timestamp: i64,
}

#[derive(Debug, Default)]
pub(crate) struct SegmentIndex {
    entries: Vec<Entry>,
    max_timestamp: Option<i64>,
}

impl SegmentIndex {
    /// Notes a batch that begins at `position`.
    pub(crate) fn add(&mut self, header: &BatchHeader, position: u64) {
        let max_timestamp = self.max_timestamp.map_or(header.max_timestamp(), |before| {
            before.max(header.max_timestamp())
        });
        self.max_timestamp = Some(max_timestamp);
        let due = self
            .entries
            .last()
            .is_none_or(|last| position - last.position >= INTERVAL_BYTES);
        if due {
            self.entries.push(Entry {
                offset: header.base_offset(),
                position,
                max_timestamp,
            });
        }
    }

    /// Forgets every entry at or behind `position`, after a cut there.
    ///
    /// The largest timestamp stays as a bound from above; lookups by time look at the batches anyway.
    pub(crate) fn truncate(&mut self, position: u64) {
        self.entries.retain(|entry| entry.position < position);
    }

    /// Where to begin looking for the batch with `offset`.
    pub(crate) fn position_before(&self, offset: i64) -> u64 {
        let after = self.entries.partition_point(|entry| entry.offset <= offset);
        after
            .checked_sub(1)
            .map_or(0, |index| self.entries[index].position)
    }

    /// Where to begin looking for the first batch with a timestamp of at least `timestamp`; `None` when
    /// no batch of the segment is that late.
    pub(crate) fn position_before_timestamp(&self, timestamp: i64) -> Option<u64> {
        self.max_timestamp.filter(|&max| max >= timestamp)?;
        let first = self
            .entries
            .partition_point(|entry| entry.max_timestamp < timestamp);
        Some(
            first
                .checked_sub(1)
                .map_or(0, |index| self.entries[index].position),
        )
    }

    /// The largest timestamp of the segment.
    pub(crate) fn max_timestamp(&self) -> Option<i64> {
        self.max_timestamp
    }
}
