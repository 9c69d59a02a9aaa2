//! What a pass has to know before it looks at keys: each producer's last batch, and which transactions
//! were aborted. Only headers and markers are read.

use std::collections::HashMap;

use highwater_wire::batch::{BatchHeader, NO_PRODUCER_ID};
use highwater_wire::control::{Marker, MarkerKind};

use super::super::error::LogError;
use super::super::scan::{self, Depth};
use super::super::segment;
use super::{CompactionPlan, Planned};

/// Producers that are told apart; of further ones every batch stays, if need be without records.
const MAX_PRODUCERS: usize = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Base offset of the last data batch of each producer.
    last_batches: HashMap<i64, i64>,
    /// First offset and marker of each aborted transaction, in order, by producer.
    aborted: HashMap<i64, Vec<(i64, i64)>>,
    /// First offsets of transactions that have no marker yet.
    open: HashMap<i64, i64>,
}

impl Survey {
    fn see(&mut self, header: &BatchHeader, marker: Option<Marker>) {
        let producer = header.producer_id();
        if producer == NO_PRODUCER_ID {
            return;
        }
        if let Some(marker) = marker {
            if let Some(first) = self.open.remove(&producer)
                && marker.kind == MarkerKind::Abort
            {
                let ranges = self.aborted.entry(producer).or_default();
                ranges.push((first, header.base_offset()));
            }
            return;
        }
        if header.is_control() {
            return;
        }
        if header.is_transactional() {
            self.open.entry(producer).or_insert(header.base_offset());
        }
        if self.last_batches.len() < MAX_PRODUCERS || self.last_batches.contains_key(&producer) {
            self.last_batches.insert(producer, header.base_offset());
        }
    }

    /// Only what ends the transactions that are open.
    fn see_later(&mut self, header: &BatchHeader, marker: Option<Marker>) {
        if marker.is_some() {
            self.see(header, marker);
        }
    }

    /// Whether the sequence of a producer would be lost with this batch.
    pub(super) fn is_needed(&self, header: &BatchHeader) -> bool {
        header.producer_id() != NO_PRODUCER_ID
            && self
                .last_batches
                .get(&header.producer_id())
                .is_none_or(|&last| last == header.base_offset())
    }

    pub(super) fn is_aborted(&self, header: &BatchHeader) -> bool {
        if !header.is_transactional() {
            return false;
        }
        let Some(ranges) = self.aborted.get(&header.producer_id()) else {
            return false;
        };
        let offset = header.base_offset();
        let after = ranges.partition_point(|&(first, _)| first <= offset);
        let range = after.checked_sub(1).map(|position| ranges[position]);
        range.is_some_and(|(_, marker)| offset < marker)
    }
}

impl CompactionPlan {
    pub(super) fn survey(&self) -> Result<Survey, LogError> {
        let mut survey = Survey::default();
        for segment in &self.segments {
            each_header(segment, |header, marker| survey.see(header, marker))?;
        }
        for segment in &self.later {
            if survey.open.is_empty() {
                break;
            }
            each_header(segment, |header, marker| survey.see_later(header, marker))?;
        }
        Ok(survey)
    }
}

fn each_header(planned: &Planned, mut see: impl FnMut(&BatchHeader, Option<Marker>)) -> Result<(), LogError> {
    let Some(file) = segment::open(&planned.path, planned.length)? else {
        return Ok(());
    };
    let visit = |header: &BatchHeader, _: u64, control: Option<&[u8]>| {
        see(header, control.and_then(|batch| Marker::decode(batch).ok()));
        Ok(())
    };
    scan::scan(&file, &planned.path, planned.length, Depth::Headers, visit)?;
    Ok(())
}
