use std::collections::BTreeMap;

use highwater_model::LintLevel;
use highwater_model::history::RequestFacts;

use super::place::{length, moment};
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::{Library, Remedy};
use crate::lint::outcome::Outcome;
use crate::lint::tally::{Spot, Tally};
use crate::lint::wire::{Asked, Wire};

static KIND: Kind = Kind {
    name: "auto-commit",
    level: LintLevel::Note,
    title: "commits at a steady interval",
    evidence: "OffsetCommits of one member at least 0.5 s apart that move on each time, four or more, all within 10 % \
               of the same interval",
    risk: "it looks like automatic commits: what was handed to the application is committed by the clock, processed or \
           not; safe only if each record is finished before the next poll",
    remedy: Remedy::AutoCommit,
    breaks: &[],
};

/// Shorter intervals are those of an application that commits all the time.
const SHORTEST_NS: u64 = 500_000_000;
/// Intervals that must be alike.
const INTERVALS_AT_LEAST: usize = 3;
/// Commits that are remembered for each member: more would not change the answer.
const MOST_COMMITS: usize = 1_000;

#[derive(Debug)]
struct Commits {
    first: Spot,
    at_ns: Vec<u64>,
    offsets: BTreeMap<(String, i32), i64>,
}

/// Commits by the clock.
#[derive(Debug, Default)]
pub(super) struct SteadyCommits(BTreeMap<(String, String), Commits>);

/// The interval, if all are alike.
fn steady(at_ns: &[u64]) -> Option<u64> {
    let mut intervals: Vec<u64> = at_ns.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if intervals.len() < INTERVALS_AT_LEAST {
        return None;
    }
    intervals.sort_unstable();
    let median = intervals[intervals.len() / 2];
    let alike = intervals
        .iter()
        .all(|interval| interval.abs_diff(median) <= median / 10);
    (alike && median >= SHORTEST_NS).then_some(median)
}

impl Check for SteadyCommits {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        let RequestFacts::OffsetCommit(commit) = asked.facts else {
            return;
        };
        // Kafka Streams commits by the clock too, but flushes first; KafkaJS commits what has been resolved.
        let streams = wire
            .client_id(asked.spot.connection)
            .is_some_and(|id| id.contains("StreamThread"));
        let resolved = wire.library(asked.spot.connection) == Library::KafkaJs;
        if commit.transaction.is_some() || commit.group.member_id.is_empty() || streams || resolved {
            return;
        }
        let key = (commit.group.group_id.clone(), commit.group.member_id.clone());
        let row = self.0.entry(key).or_insert_with(|| Commits {
            first: asked.spot,
            at_ns: Vec::new(),
            offsets: BTreeMap::new(),
        });
        let mut moved = false;
        for offset in &commit.offsets {
            let place = (offset.topic.clone(), offset.partition);
            moved |= row.offsets.insert(place, offset.offset) != Some(offset.offset);
        }
        if moved && row.at_ns.len() < MOST_COMMITS {
            row.at_ns.push(asked.spot.at_ns);
        }
    }

    fn finish(self: Box<Self>, wire: &Wire, outcome: &mut Outcome) {
        let mut tally = Tally::default();
        for ((group, _), commits) in &self.0 {
            // The last one comes from closing.
            let by_clock = commits.at_ns.split_last().map_or(&[][..], |(_, most)| most);
            let Some(interval) = steady(&commits.at_ns).or_else(|| steady(by_clock)) else {
                continue;
            };
            tally.add(wire, commits.first, || {
                format!(
                    "group {group}: {} OffsetCommits every {}, from {} on, {}",
                    commits.at_ns.len(),
                    length(interval),
                    moment(commits.first.at_ns),
                    wire.client(commits.first.connection)
                )
            });
        }
        tally.report(&KIND, None, outcome);
    }
}
