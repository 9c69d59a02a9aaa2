//! Closing an account: the pass over the ledger, and the words.

use std::collections::BTreeMap;

use highwater_measure::quantity::count;
use highwater_model::{AnomalyExample, AnomalyReport, Outcome, RecordCounts, RecordId};

use super::listing::{Entry, Story, acknowledged, at};
use super::{Account, MOST_LISTED, acknowledged_place};
use crate::{Anomaly, Attempt, Findings, MOST_EXAMPLES, PartitionEnd};

/// What is found missing from the ledger's side.
#[derive(Debug, Default)]
struct Tally {
    attempted: u64,
    acknowledged: u64,
    failed: u64,
    unknown: u64,
    lost: u64,
    unread: u64,
}

/// What became of an acknowledged record that was not found.
enum Missing {
    Lost(String),
    Unread,
    Damaged(Entry),
}

pub(super) fn close(
    mut account: Account<'_>,
    ends: &[PartitionEnd],
    sink: &mut dyn FnMut(&str, &AnomalyExample),
) -> Findings {
    let bounds: BTreeMap<i32, PartitionEnd> = ends.iter().map(|end| (end.partition, *end)).collect();
    let incomplete: Vec<PartitionEnd> = bounds
        .values()
        .copied()
        .filter(|end| !end.is_complete())
        .collect();
    let mut tally = Tally::default();
    let mut lost_examples = Vec::new();
    let mut damaged = Vec::new();

    account.attempts.for_each(&mut |id, attempt, times| {
        tally.count(attempt);
        if times > 0 || attempt.outcome != Outcome::Acknowledged {
            return;
        }
        match account.missing(id, attempt, &bounds, incomplete.is_empty()) {
            Missing::Unread => tally.unread += 1,
            Missing::Damaged(entry) => damaged.push(entry),
            Missing::Lost(detail) => {
                tally.lost += 1;
                let example = AnomalyExample {
                    topic: account.topic.clone(),
                    partition: attempt.partition,
                    offset: attempt.offset,
                    record: id,
                    detail,
                };
                sink(Anomaly::LostWrite.name(), &example);
                if lost_examples.len() < MOST_EXAMPLES {
                    lost_examples.push(example);
                }
            }
        }
    });

    account.attribute_damage(&damaged);
    account.settle_elsewhere();
    let mut anomalies = account.reports(sink);
    if tally.lost > 0 {
        anomalies.push(account.report(Anomaly::LostWrite, tally.lost, 0, lost_examples));
    }
    // Stable by gravity within violations and within the rest.
    anomalies.sort_by_key(|report| (!report.violation, Anomaly::named(&report.name)));

    let listed = |anomaly: Anomaly| account.listings.get(&anomaly).map_or(0, |listing| listing.count);
    Findings {
        contract: account.contract,
        counts: RecordCounts {
            attempted: tally.attempted,
            acknowledged: tally.acknowledged,
            failed: tally.failed,
            unknown: tally.unknown,
            delivered: account.delivered,
            lost: tally.lost,
            duplicated: listed(Anomaly::Duplicate),
            reordered: listed(Anomaly::NonmonotonicSend),
            read_back: !ends.is_empty() && incomplete.is_empty() && tally.unread == 0,
        },
        anomalies,
        unknown_delivered: account.unknown_delivered,
        unread: tally.unread,
        incomplete,
        read_backwards: account.read_backwards,
    }
}

impl Tally {
    fn count(&mut self, attempt: Attempt) {
        self.attempted += 1;
        match attempt.outcome {
            Outcome::Acknowledged => self.acknowledged += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Unknown => self.unknown += 1,
            Outcome::Pending if attempt.handed_over => self.unknown += 1,
            Outcome::Pending => self.failed += 1,
        }
    }
}

impl Account<'_> {
    fn missing(
        &self,
        id: RecordId,
        attempt: Attempt,
        bounds: &BTreeMap<i32, PartitionEnd>,
        all_complete: bool,
    ) -> Missing {
        let acknowledged = acknowledged(attempt.acknowledged_at_ns);
        let Some(place) = acknowledged_place(attempt) else {
            return if all_complete && !bounds.is_empty() {
                Missing::Lost(format!("{acknowledged} without an offset; in no partition"))
            } else {
                Missing::Unread
            };
        };
        if self.damaged.contains(&place) {
            let story = Story::StampDamagedOf {
                acknowledged_at_ns: attempt.acknowledged_at_ns,
            };
            return Missing::Damaged(Entry { id, place, story });
        }
        match bounds.get(&place.0) {
            // Its own place was read and does not hold it, or everything was: then it is lost.
            Some(end) if end.is_complete() || place.1 < end.read_to => Missing::Lost(format!(
                "{acknowledged} as offset {}; {}",
                at(place.1),
                self.what_is_there(place, *end)
            )),
            _ => Missing::Unread,
        }
    }

    /// What the log says at the place of a lost record.
    fn what_is_there(&self, (partition, offset): (i32, i64), end: PartitionEnd) -> String {
        let ends = format!("the log ends at {}", at(end.high_watermark));
        if offset < end.log_start {
            return format!("the log now starts at {}", at(end.log_start));
        }
        if offset >= end.high_watermark {
            return ends;
        }
        match self.partitions.get(&partition).map(|log| log.holds(offset)) {
            Some(Some(true)) => format!("that offset was reused and now holds another record, {ends}"),
            Some(Some(false)) | None => format!("that offset holds no record, {ends}"),
            Some(None) => ends,
        }
    }

    /// Names the records whose damaged remains were found at the offset they were acknowledged as.
    fn attribute_damage(&mut self, named: &[Entry]) {
        let mut unnamed = std::mem::take(&mut self.damaged);
        let unlisted = self.damaged_count - unnamed.len() as u64;
        for entry in named {
            unnamed.remove(&entry.place);
        }
        let unnamed = unnamed.into_iter().map(|place| Entry {
            id: RecordId::UNSTAMPED,
            place,
            story: Story::StampDamaged,
        });
        if self.damaged_count == 0 {
            return;
        }
        let listing = self.listings.entry(Anomaly::CorruptPayload).or_default();
        for entry in named.iter().copied().chain(unnamed) {
            listing.add(entry);
        }
        listing.count += unlisted;
    }

    fn settle_elsewhere(&mut self) {
        if self.elsewhere_count == 0 {
            return;
        }
        let listing = self.listings.entry(Anomaly::InconsistentOffsets).or_default();
        listing.count = self.elsewhere_count;
        listing.entries = std::mem::take(&mut self.elsewhere).into_values().collect();
    }

    fn reports(&self, sink: &mut dyn FnMut(&str, &AnomalyExample)) -> Vec<AnomalyReport> {
        let mut reports = Vec::new();
        for (anomaly, listing) in &self.listings {
            let mut examples = Vec::new();
            for entry in &listing.entries {
                let example = entry.example(&self.topic);
                sink(anomaly.name(), &example);
                if examples.len() < MOST_EXAMPLES {
                    examples.push(example);
                }
            }
            let unlisted = listing.count.saturating_sub(listing.entries.len() as u64);
            reports.push(self.report(*anomaly, listing.count, unlisted, examples));
        }
        reports
    }

    fn report(
        &self,
        anomaly: Anomaly,
        records: u64,
        unlisted: u64,
        examples: Vec<AnomalyExample>,
    ) -> AnomalyReport {
        let mut explanation = anomaly.explanation(self.contract);
        if unlisted > 0 {
            explanation.push_str(&format!("; the first {} are listed", count(MOST_LISTED as u64)));
        }
        AnomalyReport {
            name: anomaly.name().to_owned(),
            violation: anomaly.violates(self.contract),
            count: records,
            explanation,
            examples,
        }
    }
}
