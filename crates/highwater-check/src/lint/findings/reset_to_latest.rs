use std::collections::{BTreeMap, BTreeSet};

use highwater_model::LintLevel;
use highwater_model::history::{RequestFacts, ResponseFacts};

use super::place::moment;
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::{Spot, Tally};
use crate::lint::wire::{Answered, Asked, Wire};

static KIND: Kind = Kind {
    name: "reset-to-latest",
    level: LintLevel::Note,
    title: "starts at the end where nothing is committed",
    evidence: "no committed offset for a partition, a ListOffsets for its end, and a Fetch from there, above 0",
    risk: "records written before, while committed offsets were lost, or to new partitions are skipped without a word",
    remedy: Remedy::ResetEarliest,
    breaks: &[],
};

const LATEST: i64 = -1;

type Place = (String, String, i32);

/// Partitions whose reading began at their end.
#[derive(Debug, Default)]
pub(super) struct ResetToLatest {
    /// Partitions by application, whose group has committed nothing.
    uncommitted: BTreeSet<Place>,
    ends: BTreeMap<Place, i64>,
    tally: Tally,
}

impl ResetToLatest {
    fn start(&mut self, place: &Place, offset: i64, spot: Spot, wire: &Wire) {
        if !self.uncommitted.remove(place) || self.ends.get(place) != Some(&offset) || offset <= 0 {
            return;
        }
        let (_, topic, partition) = place;
        self.tally.add(wire, spot, || {
            format!(
                "no offset committed for {topic}-{partition}, first Fetch from its end, {offset}, at {}, {}",
                moment(spot.at_ns),
                wire.client(spot.connection)
            )
        });
    }
}

impl Check for ResetToLatest {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        let RequestFacts::Fetch(fetch) = asked.facts else {
            return;
        };
        if fetch.share_group.is_some() {
            return;
        }
        let application = wire.application(asked.spot.connection);
        for position in &fetch.positions {
            let place = (application.to_owned(), position.topic.clone(), position.partition);
            self.start(&place, position.offset, asked.spot, wire);
        }
    }

    fn answered(&mut self, answered: &Answered<'_>, wire: &Wire) {
        let application = wire.application(answered.asked.spot.connection).to_owned();
        match (&answered.asked.facts, answered.facts) {
            (RequestFacts::OffsetFetch { .. }, ResponseFacts::CommittedOffsets { groups, .. }) => {
                for offset in groups.iter().flat_map(|(_, offsets)| offsets) {
                    let place = (application.clone(), offset.topic.clone(), offset.partition);
                    if offset.offset < 0 {
                        self.uncommitted.insert(place);
                    }
                }
            }
            (RequestFacts::ListOffsets { partitions, .. }, ResponseFacts::Partitions { results, .. }) => {
                for result in results.iter().filter(|result| result.error == 0) {
                    let latest = partitions.iter().any(|(topic, partition, timestamp)| {
                        *topic == result.topic && *partition == result.partition && *timestamp == LATEST
                    });
                    let place = (application.clone(), result.topic.clone(), result.partition);
                    if latest {
                        self.ends.insert(place, result.offset);
                    } else {
                        // Its beginning or a time was asked for: it does not start at the end.
                        self.uncommitted.remove(&place);
                    }
                }
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _wire: &Wire, outcome: &mut Outcome) {
        self.tally.report(&KIND, None, outcome);
    }
}
