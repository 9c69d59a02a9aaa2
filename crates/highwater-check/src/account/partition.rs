//! What is remembered of one partition while it is read.

use std::collections::BTreeMap;

use highwater_model::RecordId;

/// Stretches without gaps that are remembered; beyond it, the detail of a lost record no longer says whether
/// its offset was given to another one. A gap needs a control record, so a load of our own has few.
const MOST_RUNS: usize = 100_000;

#[derive(Debug, Default)]
pub(super) struct PartitionLog {
    next_offset: i64,
    /// Stretches of offsets that hold a record, ascending, first and one past the last.
    runs: Vec<(i64, i64)>,
    /// There were more than [`MOST_RUNS`].
    runs_cut: bool,
    /// Latest sequence of each producer.
    latest: BTreeMap<u32, u64>,
}

impl PartitionLog {
    /// Notes that an offset holds a record; false if the read went backwards.
    pub(super) fn occupy(&mut self, offset: i64) -> bool {
        if offset < self.next_offset {
            return false;
        }
        self.next_offset = offset.saturating_add(1);
        if let Some((_, end)) = self.runs.last_mut()
            && *end == offset
        {
            *end = self.next_offset;
        } else if self.runs.len() < MOST_RUNS {
            self.runs.push((offset, self.next_offset));
        } else {
            self.runs_cut = true;
        }
        true
    }

    /// Notes a record at its first place; the later sequence it stands behind, if it does.
    pub(super) fn later_than(&mut self, id: RecordId) -> Option<u64> {
        let latest = self.latest.entry(id.producer).or_insert(id.sequence);
        if id.sequence < *latest {
            return Some(*latest);
        }
        *latest = id.sequence;
        None
    }

    /// Whether an offset holds a record; `None` if that is no longer known.
    pub(super) fn holds(&self, offset: i64) -> Option<bool> {
        let place = self.runs.partition_point(|(_, end)| *end <= offset);
        match self.runs.get(place) {
            Some((start, _)) if *start <= offset => Some(true),
            _ => (!self.runs_cut).then_some(false),
        }
    }
}
