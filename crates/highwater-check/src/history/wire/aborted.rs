//! What a reader of committed records leaves out of the answer to a fetch.

use std::collections::BTreeSet;

use highwater_model::history::{BatchFacts, FetchedPartition, Isolation, MarkerFact};

/// The batches of an answer that a client of this isolation level hands out, in order: no control batches, and of
/// aborted transactions none if it reads committed records only. Records in front of the fetch position are still in
/// them.
///
/// As Kafka's own consumer does it: the transactions of the aborted list begin at their first offset, and end with
/// their marker.
pub(super) fn visible(facts: &FetchedPartition, isolation: Isolation) -> Vec<&BatchFacts> {
    if isolation == Isolation::ReadUncommitted {
        return facts
            .batches
            .iter()
            .filter(|batch| batch.marker.is_none())
            .collect();
    }
    let mut starts: Vec<_> = facts.aborted.iter().collect();
    starts.sort_by_key(|aborted| aborted.first_offset);
    let mut starts = starts.into_iter().peekable();
    let mut aborted = BTreeSet::new();
    let mut visible = Vec::with_capacity(facts.batches.len());
    for batch in &facts.batches {
        let last = last_offset(batch);
        while let Some(start) = starts.next_if(|start| start.first_offset <= last) {
            aborted.insert(start.producer_id);
        }
        match batch.marker {
            Some(MarkerFact::Abort) => {
                aborted.remove(&batch.producer_id);
            }
            Some(MarkerFact::Commit | MarkerFact::Other) => {}
            None if batch.transactional && aborted.contains(&batch.producer_id) => {}
            None => visible.push(batch),
        }
    }
    visible
}

pub(super) fn last_offset(batch: &BatchFacts) -> i64 {
    batch
        .base_offset
        .saturating_add(i64::from(batch.last_offset_delta))
}
