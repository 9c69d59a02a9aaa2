//! Offsets that were committed before the output of their records was acknowledged.
//!
//! ```text
//! Fetch answer: input (value or key hash, offset) ─┐
//! Produce: output with the same hash, its answer ──┼─▶ pair ─▶ was the offset committed before that answer?
//! OffsetCommit: offset, moment ────────────────────┘
//! ```
//! Invariant: an input and an output are a pair only if they are the only ones with that hash in the application,
//! in different topics, and the output was sent after the input had been read. An application whose outputs share
//! neither value nor key with its inputs is not judged.

mod lineage;

use std::collections::BTreeMap;

use highwater_model::history::{RequestFacts, ResponseFacts};
use highwater_model::{LintGuarantee, LintLevel};

use super::place::{is_internal, moment};
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::{Spot, Tally};
use crate::lint::wire::{Answered, Asked, Wire};
use lineage::{Lineage, Pair};

static KIND: Kind = Kind {
    name: "commit-before-output",
    level: LintLevel::Error,
    title: "commits before the output is acknowledged",
    evidence: "an OffsetCommit past a record, before the answer to the Produce request with that record's output: the \
               same value, or else the same key, which nothing else has",
    risk: "a crash between the two loses the outputs of the records that were committed",
    remedy: Remedy::CommitAfterOutput,
    breaks: &[LintGuarantee::AtLeastOnce, LintGuarantee::ExactlyOnce],
};

/// Commits that are remembered.
const MOST_COMMITS: usize = 200_000;
/// Pairs from which on their absence of trouble is worth telling.
const PAIRS_FOR_GOOD: usize = 10;

#[derive(Debug)]
struct Commit {
    spot: Spot,
    group: String,
    offset: i64,
}

/// Offsets ahead of outputs.
#[derive(Debug, Default)]
pub(super) struct CommitBeforeOutput {
    lineage: Lineage,
    /// By application, topic and partition; in the order of time.
    commits: BTreeMap<(String, String, i32), Vec<Commit>>,
    commit_count: usize,
    produced: bool,
}

impl Check for CommitBeforeOutput {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        let application = wire.application(asked.spot.connection);
        match asked.facts {
            RequestFacts::Produce(produce) => {
                self.produced = true;
                self.lineage.sent(application, asked.spot, produce);
            }
            RequestFacts::OffsetCommit(commit) if commit.transaction.is_none() => {
                for offset in &commit.offsets {
                    if self.commit_count >= MOST_COMMITS {
                        return;
                    }
                    self.commit_count += 1;
                    let key = (application.to_owned(), offset.topic.clone(), offset.partition);
                    self.commits.entry(key).or_default().push(Commit {
                        spot: asked.spot,
                        group: commit.group.group_id.clone(),
                        offset: offset.offset,
                    });
                }
            }
            _ => {}
        }
    }

    fn answered(&mut self, answered: &Answered<'_>, wire: &Wire) {
        let application = wire.application(answered.asked.spot.connection);
        match (&answered.asked.facts, answered.facts) {
            (RequestFacts::Fetch(fetch), ResponseFacts::Fetched { partitions, .. })
                if fetch.replica_id < 0 && fetch.share_group.is_none() =>
            {
                for partition in partitions
                    .iter()
                    .filter(|partition| !is_internal(&partition.topic))
                {
                    self.lineage.read(application, answered.at_ns, partition);
                }
            }
            (RequestFacts::Produce(_), ResponseFacts::Partitions { results, .. }) => {
                self.lineage
                    .acknowledged(answered.asked.spot.exchange, answered.at_ns, results);
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, wire: &Wire, outcome: &mut Outcome) {
        let pairs: Vec<Pair> = self
            .lineage
            .pairs()
            .into_iter()
            .filter(|pair| {
                let key = (pair.application.clone(), pair.topic.clone(), pair.partition);
                self.commits.contains_key(&key)
            })
            .collect();
        let mut windows: BTreeMap<u64, (u64, &Commit, &Pair)> = BTreeMap::new();
        let mut judged = 0;
        for pair in &pairs {
            let key = (pair.application.clone(), pair.topic.clone(), pair.partition);
            let Some(commits) = self.commits.get(&key) else {
                continue;
            };
            let past = |commit: &&Commit| commit.offset > pair.offset && commit.spot.at_ns >= pair.read_at_ns;
            judged += usize::from(commits.iter().any(|commit| past(&commit)));
            for commit in commits
                .iter()
                .filter(past)
                .take_while(|commit| commit.spot.at_ns < pair.acknowledged_at_ns)
            {
                let window = windows.entry(commit.spot.exchange.0).or_insert((0, commit, pair));
                window.0 += 1;
            }
        }
        let Some(most) = windows.values().map(|(records, _, _)| *records).max() else {
            self.tell_good(judged, outcome);
            return;
        };
        let mut tally = Tally::default();
        for (_, commit, pair) in windows.values() {
            tally.add(wire, commit.spot, || in_words(commit, pair));
        }
        let records = if most == 1 { "record" } else { "records" };
        let risk = format!("a crash between the two loses up to {most} {records} (measured window)");
        tally.report(&KIND, Some(&risk), outcome);
    }
}

impl CommitBeforeOutput {
    fn tell_good(&self, judged: usize, outcome: &mut Outcome) {
        if judged >= PAIRS_FOR_GOOD {
            outcome.good("commits after the output is acknowledged");
        } else if self.commit_count > 0 && self.produced {
            outcome.not_seen(
                "whether outputs are acknowledged before offsets are committed: too few outputs share a value or \
                 a key with exactly one input",
            );
        }
    }
}

fn in_words(commit: &Commit, pair: &Pair) -> String {
    format!(
        "group {}, {}-{}: OffsetCommit {} at {}; the output of offset {} ({} in {}-{}) was acknowledged at {}",
        commit.group,
        pair.topic,
        pair.partition,
        commit.offset,
        moment(commit.spot.at_ns),
        pair.offset,
        if pair.by_value {
            "the same value"
        } else {
            "the same key"
        },
        pair.output_topic,
        pair.output_partition,
        moment(pair.acknowledged_at_ns),
    )
}
