//! The last offset of each key in the part of the log that was not compacted before.
//!
//! Invariant: keys are told apart by 128 bits of two keyed hashes, as a record that is taken for
//! another is lost: with a million keys the odds are one in 10^26.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use highwater_wire::batch::BatchHeader;
use highwater_wire::records::{Record, Records};

use super::super::error::LogError;
use super::super::scan;
use super::super::segment;
use super::survey::Survey;
use super::{CompactionPlan, Planned, is_data};

/// A bug switch that wants another value kept than the last.
pub(crate) trait KeysBug {
    /// A key had a value at `older`, and has its last one at `newer`, in the batch with this header.
    /// Whether to keep the older one.
    fn keeps_older(&mut self, header: &BatchHeader, older: i64, newer: i64) -> Result<bool, LogError>;
}

#[derive(Debug)]
pub(super) struct Keys {
    last: HashMap<u128, i64>,
    hashers: [RandomState; 2],
    /// Behind the last batch whose keys are in.
    end: i64,
    /// What a bug switch removes.
    victim: Option<i64>,
}

impl Keys {
    /// Nothing from here on is to be removed.
    pub(super) fn end(&self) -> i64 {
        self.end
    }

    fn hash(&self, key: &[u8]) -> u128 {
        let [high, low] = &self.hashers;
        u128::from(high.hash_one(key)) << 64 | u128::from(low.hash_one(key))
    }

    /// Whether this is the last record of its key; one without a key has no place in a compacted log.
    pub(super) fn is_last(&self, record: &Record<'_>) -> bool {
        let Some(key) = record.key else { return false };
        let last = self.last.get(&self.hash(key));
        last.is_none_or(|&last| record.offset >= last) && self.victim != Some(record.offset)
    }
}

impl CompactionPlan {
    pub(super) fn keys(&self, survey: &Survey, bug: Option<&mut dyn KeysBug>) -> Result<Keys, LogError> {
        let mut keys = Keys {
            last: HashMap::new(),
            hashers: [RandomState::new(), RandomState::new()],
            end: self.segments.last().map_or(0, |segment| segment.next_offset),
            victim: None,
        };
        let mut pairs = Pairs::new(bug.is_some());
        // The value before the last one may be where compaction has been.
        let from = if bug.is_some() { 0 } else { self.cleaned };
        for segment in self.segments.iter().filter(|segment| segment.next_offset > from) {
            if let Some(full_at) = self.add_segment(segment, survey, &mut keys, &mut pairs)? {
                keys.end = full_at;
                break;
            }
        }
        if let Some(bug) = bug {
            for segment in &self.later {
                each_record(segment, |_, record| pairs.supersede(&keys, record))?;
            }
            pairs.choose(bug, &mut keys)?;
        }
        Ok(keys)
    }

    /// Gives the offset of the first batch that has no room any more.
    fn add_segment(
        &self,
        planned: &Planned,
        survey: &Survey,
        keys: &mut Keys,
        pairs: &mut Pairs,
    ) -> Result<Option<i64>, LogError> {
        let Some(file) = segment::open(&planned.path, planned.length)? else {
            return Ok(None);
        };
        let mut full_at = None;
        scan::each_batch(&file, &planned.path, planned.length, |header, batch| {
            if full_at.is_some() || !is_data(header) || survey.is_aborted(header) {
                return Ok(());
            }
            let more = usize::try_from(header.record_count()).unwrap_or(0);
            if !keys.last.is_empty() && keys.last.len() + more > self.max_keys {
                full_at = Some(header.base_offset());
                return Ok(());
            }
            for record in read(planned, batch)?.iter() {
                let record = record.map_err(|error| damaged(planned, error))?;
                if let Some(key) = record.key {
                    let hash = keys.hash(key);
                    let before = keys.last.insert(hash, record.offset);
                    pairs.see(hash, before, header);
                }
            }
            Ok(())
        })?;
        Ok(full_at)
    }
}

pub(super) fn read(planned: &Planned, batch: &[u8]) -> Result<Records, LogError> {
    Records::of(&Bytes::copy_from_slice(batch)).map_err(|error| damaged(planned, error))
}

pub(super) fn damaged(planned: &Planned, source: highwater_wire::records::RecordsError) -> LogError {
    LogError::Records {
        path: planned.path.clone(),
        source,
    }
}

fn each_record(planned: &Planned, mut see: impl FnMut(&BatchHeader, &Record<'_>)) -> Result<(), LogError> {
    let Some(file) = segment::open(&planned.path, planned.length)? else {
        return Ok(());
    };
    scan::each_batch(&file, &planned.path, planned.length, |header, batch| {
        if is_data(header) {
            for record in read(planned, batch)?.iter().map_while(Result::ok) {
                see(header, &record);
            }
        }
        Ok(())
    })
}

/// For a bug switch: the value before the last one of each key, and the batch of the last one.
struct Pairs(Option<HashMap<u128, (i64, BatchHeader)>>);

impl Pairs {
    fn new(wanted: bool) -> Self {
        Self(wanted.then(HashMap::new))
    }

    fn see(&mut self, hash: u128, before: Option<i64>, header: &BatchHeader) {
        if let (Some(pairs), Some(before)) = (&mut self.0, before) {
            pairs.insert(hash, (before, *header));
        }
    }

    /// A key that has a later value is of no use: nobody would miss the one before.
    fn supersede(&mut self, keys: &Keys, record: &Record<'_>) {
        if let (Some(pairs), Some(key)) = (&mut self.0, record.key) {
            pairs.remove(&keys.hash(key));
        }
    }

    fn choose(self, bug: &mut dyn KeysBug, keys: &mut Keys) -> Result<(), LogError> {
        let newest = |hash: &u128| keys.last.get(hash).copied().unwrap_or(i64::MAX);
        let pairs = self.0.unwrap_or_default();
        let first = pairs.into_iter().min_by_key(|(hash, _)| newest(hash));
        if let Some((hash, (older, header))) = first
            && bug.keeps_older(&header, older, newest(&hash))?
        {
            keys.victim = keys.last.insert(hash, older);
        }
        Ok(())
    }
}
