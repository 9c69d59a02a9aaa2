//! The end of the account: what never arrived, and everything in the form of findings.

use highwater_model::{AnomalyExample, AnomalyReport, RecordCounts};

use super::{ChangeAccount, ChangeEnd, ChangeSummary, Operation, describe};
use crate::{Anomaly, Findings, MOST_EXAMPLES};

impl ChangeAccount<'_> {
    /// Closes the account: `ends` says how far each partition was read, `topic_of` in which topic a table's events
    /// stand. Every listed anomaly goes to `sink`. Without all partitions read to their ends nothing counts as lost.
    pub fn finish(
        mut self,
        ends: &[ChangeEnd],
        topic_of: &dyn Fn(&str) -> String,
        sink: &mut dyn FnMut(&str, &AnomalyExample),
    ) -> (Findings, ChangeSummary) {
        let incomplete: Vec<_> = ends
            .iter()
            .map(|end| end.end)
            .filter(|end| end.read_to < end.high_watermark)
            .collect();
        let whole = incomplete.is_empty() && !ends.is_empty();
        let mut counts = RecordCounts {
            attempted: self.history.changes().len() as u64,
            acknowledged: self.history.changes().len() as u64,
            read_back: whole,
            duplicated: self.duplicated,
            ..RecordCounts::default()
        };
        let mut unread = 0;
        for key in 0..self.history.keys() as u32 {
            for in_key in 0..self.history.changes_of(key) {
                let place = self.history.place(key, in_key);
                let delivery = self.deliveries[place];
                if in_key < self.covered_of(key) {
                    self.summary.in_snapshot += u64::from(delivery.first.is_none());
                    counts.delivered += 1;
                } else if delivery.first.is_some() || delivery.damaged {
                    counts.delivered += u64::from(delivery.first.is_some());
                } else if whole {
                    counts.lost += 1;
                    self.lose(key, in_key, topic_of);
                } else {
                    unread += 1;
                }
            }
            self.summary.tombstones_missing += u64::from(self.keys[key as usize].tombstone_due);
        }
        let reordered = self.listings.get(&Anomaly::PipelineReorder);
        counts.reordered = reordered.map_or(0, |listing| listing.count);
        let mut anomalies: Vec<AnomalyReport> = self
            .listings
            .iter()
            .map(|(anomaly, listing)| {
                for example in &listing.examples {
                    sink(anomaly.name(), example);
                }
                AnomalyReport {
                    name: anomaly.name().to_owned(),
                    violation: anomaly.violates(self.contract),
                    count: listing.count,
                    explanation: anomaly.explanation(self.contract),
                    examples: listing.examples.iter().take(MOST_EXAMPLES).cloned().collect(),
                }
            })
            .collect();
        anomalies.sort_by_key(|anomaly| !anomaly.violation);
        let findings = Findings {
            contract: self.contract,
            counts,
            anomalies,
            unknown_delivered: 0,
            unread,
            incomplete,
            read_backwards: self.read_backwards,
        };
        (findings, self.summary)
    }

    /// How many changes of a key need no event: those before its row of the snapshot; without one those up to a
    /// delete that may have been committed before the snapshot was taken, unless one of them arrived.
    fn covered_of(&self, key: u32) -> u32 {
        let state = &self.keys[key as usize];
        let Some(snapshot_at) = self.snapshot_at.filter(|_| state.snapshot.is_none()) else {
            return state.covered;
        };
        let all = self.history.changes_of(key);
        let arrived = (0..all)
            .find(|in_key| self.deliveries[self.history.place(key, *in_key)].first.is_some())
            .unwrap_or(all);
        (0..arrived)
            .rev()
            .find(|in_key| {
                let change = &self.history.changes()[self.history.place(key, *in_key)];
                change.operation == Operation::Delete && change.wal_position < snapshot_at
            })
            .map_or(state.covered, |last| state.covered.max(last + 1))
    }

    fn lose(&mut self, key: u32, in_key: u32, topic_of: &dyn Fn(&str) -> String) {
        let change = &self.history.changes()[self.history.place(key, in_key)];
        let before = self.snapshot_at.is_some_and(|at| change.wal_position < at);
        let partition = self.keys[key as usize]
            .home
            .and_then(|home| self.named(home))
            .map_or(-1, |(_, partition)| partition);
        let why = match before && self.keys[key as usize].snapshot.is_none() {
            true => "before the snapshot, which has no such row",
            false => "has no event",
        };
        let example = AnomalyExample {
            topic: topic_of(&change.table),
            partition,
            offset: None,
            record: change.record,
            detail: format!("{}, {why}", describe::change(change)),
        };
        let listing = self.listings.entry(Anomaly::PipelineLoss).or_default();
        listing.count += 1;
        if listing.examples.len() < super::account::MOST_LISTED {
            listing.examples.push(example);
        }
    }
}
