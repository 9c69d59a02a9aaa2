//! The account of records: every record that was attempted against everything that is in the log.
//!
//! Invariants:
//! - A record is judged by its own row. Totals are only counted, never compared, so that a loss and a duplicate
//!   never cancel out.
//! - One pass over the log and one over the ledger. Beyond the ledger the account holds one sequence for each
//!   producer in each partition, one range for each stretch of the log without gaps, and the anomalies it has
//!   to list ([`MOST_LISTED`] of each kind; further ones are counted).
//!
//! Gaps between offsets are legal in Kafka (control records, compaction) and raise no alarm. An unknown record
//! may be in the log or not. The account does not judge whether the log was quiet; see [`judge`](crate::judge).

mod close;
mod listing;
mod partition;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use highwater_model::{AnomalyExample, Outcome, RecordId};

use crate::{Anomaly, Attempt, Attempts, Contract, Findings, Found, Observed, PartitionEnd};
use listing::{Entry, Listing, Story};
use partition::PartitionLog;

/// Anomalies of one kind that are remembered while the log is read: 64 MiB of them at most. Lost records
/// have no such bound, they are told from the ledger.
pub const MOST_LISTED: usize = 1_000_000;

/// The account of one topic while it is read back.
pub struct Account<'a> {
    topic: String,
    attempts: &'a dyn Attempts,
    contract: Contract,
    partitions: BTreeMap<i32, PartitionLog>,
    listings: BTreeMap<Anomaly, Listing>,
    /// Records found away from their acknowledged offset, and not at it so far.
    elsewhere: BTreeMap<RecordId, Entry>,
    elsewhere_count: u64,
    /// Records found only in partitions they were not sent to, so far.
    strayed: BTreeSet<RecordId>,
    /// Places of records whose identity can't be read.
    damaged: BTreeSet<(i32, i64)>,
    damaged_count: u64,
    delivered: u64,
    unknown_delivered: u64,
    read_backwards: u64,
}

impl<'a> Account<'a> {
    /// Opens the account of a topic. `attempts` must not have records marked as found yet.
    #[must_use]
    pub fn new(topic: &str, attempts: &'a dyn Attempts, contract: Contract) -> Self {
        Self {
            topic: topic.to_owned(),
            attempts,
            contract,
            partitions: BTreeMap::new(),
            listings: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            elsewhere_count: 0,
            strayed: BTreeSet::new(),
            damaged: BTreeSet::new(),
            damaged_count: 0,
            delivered: 0,
            unknown_delivered: 0,
            read_backwards: 0,
        }
    }

    /// Takes in one record of the log. Offsets of a partition ascend; a record at an offset that is not above
    /// the one before is left out of the account and counted in [`Findings::read_backwards`].
    pub fn observe(&mut self, partition: i32, offset: i64, observed: Observed) {
        if !self.partitions.entry(partition).or_default().occupy(offset) {
            self.read_backwards += 1;
            return;
        }
        let place = (partition, offset);
        match observed {
            Observed::Record(id) => match self.sent(id) {
                Some(attempt) => self.found(id, attempt, place),
                None => self.phantom(id, place),
            },
            Observed::Foreign => self.list(Anomaly::Phantom, RecordId::UNSTAMPED, place, Story::Foreign),
            Observed::Corrupt(Some(id)) => {
                self.list(Anomaly::CorruptPayload, id, place, Story::PayloadDamaged);
                if let Some(attempt) = self.sent(id) {
                    self.found(id, attempt, place);
                }
            }
            Observed::Corrupt(None) => {
                self.damaged_count += 1;
                if self.damaged.len() < MOST_LISTED {
                    self.damaged.insert(place);
                }
            }
        }
    }

    /// Closes the account. `ends` are the bounds of every partition of the topic; without any, the log counts
    /// as not read back. The sink gets every anomalous record under the name of its anomaly.
    pub fn finish(self, ends: &[PartitionEnd], sink: &mut dyn FnMut(&str, &AnomalyExample)) -> Findings {
        close::close(self, ends, sink)
    }

    /// The row of a record that can be in the log: an acknowledged one was handed over whatever the row says.
    fn sent(&self, id: RecordId) -> Option<Attempt> {
        self.attempts
            .attempt(id)
            .filter(|attempt| attempt.handed_over || attempt.outcome == Outcome::Acknowledged)
    }

    fn phantom(&mut self, id: RecordId, place: (i32, i64)) {
        let story = if self.attempts.attempt(id).is_some() {
            Story::NeverHandedOver
        } else {
            Story::NoSuchRecord
        };
        self.list(Anomaly::Phantom, id, place, story);
    }

    fn found(&mut self, id: RecordId, attempt: Attempt, place: (i32, i64)) {
        let found = self.attempts.mark_found(id, place.0, place.1);
        if found.times_before == 0 {
            self.found_first(id, attempt, place);
        } else {
            self.found_again(id, attempt, place, found);
        }
        if self.stands_for_order(id, attempt, place, found)
            && let Some(log) = self.partitions.get_mut(&place.0)
            && let Some(sequence) = log.later_than(id)
        {
            self.list(Anomaly::NonmonotonicSend, id, place, Story::Behind { sequence });
        }
    }

    /// Whether this copy of a record is the one that has a place in the order: the first one in the partition it
    /// was sent to. Further copies and strayed ones are duplicates, and late by nature.
    fn stands_for_order(&mut self, id: RecordId, attempt: Attempt, place: (i32, i64), found: Found) -> bool {
        let at_home = attempt.partition < 0 || attempt.partition == place.0;
        if found.times_before == 0 {
            if !at_home && self.strayed.len() < MOST_LISTED {
                self.strayed.insert(id);
            }
            return at_home;
        }
        at_home && self.strayed.remove(&id)
    }

    fn found_first(&mut self, id: RecordId, attempt: Attempt, place: (i32, i64)) {
        self.delivered += 1;
        match attempt.outcome {
            Outcome::Unknown | Outcome::Pending => self.unknown_delivered += 1,
            Outcome::Failed => {
                self.list(Anomaly::ClientMisclassification, id, place, Story::ReportedFailed);
            }
            Outcome::Acknowledged => {
                if let Some(promised) = acknowledged_place(attempt)
                    && promised != place
                {
                    self.found_elsewhere(id, place, promised);
                }
            }
        }
    }

    fn found_again(&mut self, id: RecordId, attempt: Attempt, place: (i32, i64), found: Found) {
        let elsewhere = self.elsewhere.get(&id).map(|entry| entry.place);
        let kept = found.first_offset.map(|offset| (found.first_partition, offset));
        // A ledger that keeps the promise instead of the first place: it was there, unless it was elsewhere.
        let first_place = kept.or(elsewhere).or(acknowledged_place(attempt));
        if found.times_before == 1 {
            let story = Story::AlsoAt {
                partition: first_place.map_or(found.first_partition, |(partition, _)| partition),
                offset: first_place.map(|(_, offset)| offset),
            };
            self.list(Anomaly::Duplicate, id, place, story);
        }
        let was_elsewhere = kept.map_or(elsewhere.is_some(), |first_place| first_place != place);
        if acknowledged_place(attempt) == Some(place) && was_elsewhere {
            self.elsewhere.remove(&id);
            self.elsewhere_count -= 1;
        }
    }

    fn found_elsewhere(&mut self, id: RecordId, place: (i32, i64), promised: (i32, i64)) {
        self.elsewhere_count += 1;
        if self.elsewhere.len() < MOST_LISTED {
            let story = Story::AcknowledgedAs {
                partition: promised.0,
                offset: promised.1,
            };
            self.elsewhere.insert(id, Entry { id, place, story });
        }
    }

    fn list(&mut self, anomaly: Anomaly, id: RecordId, place: (i32, i64), story: Story) {
        self.listings
            .entry(anomaly)
            .or_default()
            .add(Entry { id, place, story });
    }
}

/// Where an acknowledgement says that the record is, if it says so.
fn acknowledged_place(attempt: Attempt) -> Option<(i32, i64)> {
    match (attempt.outcome, attempt.offset) {
        (Outcome::Acknowledged, Some(offset)) if offset >= 0 && attempt.partition >= 0 => {
            Some((attempt.partition, offset))
        }
        _ => None,
    }
}
