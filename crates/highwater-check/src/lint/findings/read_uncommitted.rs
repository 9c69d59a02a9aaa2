use highwater_model::history::{FetchedPartition, Isolation, MarkerFact, RequestFacts, ResponseFacts};
use highwater_model::{LintGuarantee, LintLevel};

use super::place::{is_internal, moment};
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::Tally;
use crate::lint::wire::{Answered, Wire};

static KIND: Kind = Kind {
    name: "read-uncommitted",
    level: LintLevel::Error,
    title: "reads transactions that may be aborted",
    evidence: "a Fetch with isolation level read_uncommitted whose answer holds transactional batches",
    risk: "records of transactions that are aborted later are processed, and those of retries again",
    remedy: Remedy::ReadCommitted,
    breaks: &[LintGuarantee::ExactlyOnce],
};

/// A reader that takes uncommitted records of transactions.
#[derive(Debug, Default)]
pub(super) struct ReadUncommitted(Tally);

fn transactional_offset(partition: &FetchedPartition) -> Option<(i64, bool)> {
    let aborted = partition
        .batches
        .iter()
        .any(|batch| batch.marker == Some(MarkerFact::Abort));
    let batch = partition
        .batches
        .iter()
        .find(|batch| batch.transactional && batch.marker.is_none())?;
    Some((batch.base_offset, aborted))
}

impl Check for ReadUncommitted {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn answered(&mut self, answered: &Answered<'_>, wire: &Wire) {
        let (RequestFacts::Fetch(fetch), ResponseFacts::Fetched { partitions, .. }) =
            (&answered.asked.facts, answered.facts)
        else {
            return;
        };
        // Followers copy everything; share groups have their isolation level on the broker.
        if fetch.isolation != Isolation::ReadUncommitted
            || fetch.replica_id >= 0
            || fetch.share_group.is_some()
        {
            return;
        }
        for partition in partitions
            .iter()
            .filter(|partition| !is_internal(&partition.topic))
        {
            let Some((offset, aborted)) = transactional_offset(partition) else {
                continue;
            };
            let spot = answered.asked.spot;
            self.0.add(wire, spot, || {
                format!(
                    "Fetch of {}-{} with read_uncommitted at {} got the transactional batch at offset {offset}{}, {}",
                    partition.topic,
                    partition.partition,
                    moment(spot.at_ns),
                    if aborted { ", and an abort marker" } else { "" },
                    wire.client(spot.connection)
                )
            });
        }
    }

    fn finish(self: Box<Self>, _wire: &Wire, outcome: &mut Outcome) {
        self.0.report(&KIND, None, outcome);
    }
}
