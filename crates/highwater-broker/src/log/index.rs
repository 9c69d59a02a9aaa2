//! A sparse index of one segment: where to begin looking for an offset or a timestamp.
//!
//! Invariant: entries are in order of offset, position and (running) timestamp. Between two entries
//! there are fewer bytes than the interval plus one batch; the interval doubles when there are
//! [`MAX_ENTRIES`], so that an index is never larger than 400 kB.

use highwater_wire::batch::BatchHeader;

/// Bytes between entries: a reader looks through about this much to find its batch.
pub(crate) const INTERVAL_BYTES: u64 = 16 << 10;

/// Entries of one segment: 256 MiB at the smallest interval, more with a larger one.
pub(crate) const MAX_ENTRIES: usize = 16 << 10;

/// An entry in a file: three numbers of eight bytes.
pub(crate) const ENTRY_BYTES: usize = 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    offset: i64,
    position: u64,
    /// Largest timestamp of this batch and all before it in the segment.
    max_timestamp: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentIndex {
    entries: Vec<Entry>,
    interval: u64,
    max_timestamp: Option<i64>,
}

impl Default for SegmentIndex {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            interval: INTERVAL_BYTES,
            max_timestamp: None,
        }
    }
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
            .is_none_or(|last| position - last.position >= self.interval);
        if !due {
            return;
        }
        if self.entries.len() == MAX_ENTRIES {
            let mut index = 0;
            self.entries.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.interval *= 2;
        }
        self.entries.push(Entry {
            offset: header.base_offset(),
            position,
            max_timestamp,
        });
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

    /// Where to begin looking for the first batch with a timestamp of at least `timestamp`.
    pub(crate) fn position_before_timestamp(&self, timestamp: i64) -> u64 {
        let first = self
            .entries
            .partition_point(|entry| entry.max_timestamp < timestamp);
        first
            .checked_sub(1)
            .map_or(0, |index| self.entries[index].position)
    }

    /// The entries as bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.entries.len() * ENTRY_BYTES);
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.offset.to_be_bytes());
            bytes.extend_from_slice(&entry.position.to_be_bytes());
            bytes.extend_from_slice(&entry.max_timestamp.to_be_bytes());
        }
        bytes
    }

    /// An index that no batch will be added to any more, from what [`SegmentIndex::encode`] gave.
    pub(crate) fn decode(bytes: &[u8], max_timestamp: Option<i64>) -> Self {
        let entries = bytes
            .as_chunks::<ENTRY_BYTES>()
            .0
            .iter()
            .map(|entry| {
                let number = |at: usize| {
                    let mut field = [0; 8];
                    field.copy_from_slice(&entry[at..at + 8]);
                    i64::from_be_bytes(field)
                };
                Entry {
                    offset: number(0),
                    position: number(8).cast_unsigned(),
                    max_timestamp: number(16),
                }
            })
            .collect();
        Self {
            entries,
            interval: INTERVAL_BYTES,
            max_timestamp,
        }
    }
}
