//! What was exercised: the only base on which something is called good.

use std::collections::{BTreeMap, BTreeSet};

use highwater_model::history::{Isolation, RequestFacts, ResponseFacts};

use super::outcome::Outcome;
use super::wire::{Answered, Asked};

/// Heartbeats from which on a membership is called stable.
const HEARTBEATS_AT_LEAST: u64 = 3;

/// Counts of what was seen.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) produced: u64,
    produced_all: u64,
    plain_batches: u64,
    idempotent_batches: u64,
    pub(super) transactional_batches: u64,
    pub(super) fetched_batches: u64,
    read_committed: u64,
    read_uncommitted: u64,
    pub(super) commits: u64,
    pub(super) transactional_commits: u64,
    unfenced_commits: u64,
    pub(super) ends: u64,
    old_ends: u64,
    stable_fetches: u64,
    unstable_fetches: u64,
    heartbeats: u64,
    generations: BTreeMap<String, BTreeSet<i32>>,
}

impl Summary {
    pub(super) fn asked(&mut self, asked: &Asked<'_>) {
        match asked.facts {
            RequestFacts::Produce(produce) => {
                self.produced += 1;
                self.produced_all += u64::from(produce.acks < 0);
                for batch in produce.partitions.iter().flat_map(|partition| &partition.batches) {
                    self.plain_batches += u64::from(batch.producer_id < 0);
                    self.idempotent_batches += u64::from(batch.producer_id >= 0);
                    self.transactional_batches += u64::from(batch.transactional);
                }
            }
            RequestFacts::OffsetCommit(commit) if commit.transaction.is_some() => {
                self.transactional_commits += 1;
                self.unfenced_commits +=
                    u64::from(commit.group.generation < 0 || commit.group.member_id.is_empty());
            }
            RequestFacts::OffsetCommit(_) => self.commits += 1,
            RequestFacts::EndTxn(_) => {
                self.ends += 1;
                self.old_ends += u64::from(asked.api_version < 5);
            }
            RequestFacts::OffsetFetch { require_stable, .. } => {
                self.stable_fetches += u64::from(*require_stable);
                self.unstable_fetches += u64::from(!*require_stable);
            }
            RequestFacts::Heartbeat(group) => {
                self.heartbeats += 1;
                self.generations
                    .entry(group.group_id.clone())
                    .or_default()
                    .insert(group.generation);
            }
            _ => {}
        }
    }

    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        if let (RequestFacts::Fetch(fetch), ResponseFacts::Fetched { partitions, .. }) =
            (&answered.asked.facts, answered.facts)
        {
            let batches = partitions
                .iter()
                .map(|partition| partition.batches.len() as u64)
                .sum::<u64>();
            self.fetched_batches += batches;
            if batches > 0 && fetch.share_group.is_none() {
                match fetch.isolation {
                    Isolation::ReadCommitted => self.read_committed += 1,
                    Isolation::ReadUncommitted => self.read_uncommitted += 1,
                }
            }
        }
    }

    pub(super) fn work(&self) -> u64 {
        self.produced + self.fetched_batches + self.commits + self.transactional_commits + self.ends
    }

    pub(super) fn finish(&self, outcome: &mut Outcome) {
        self.tell_good(outcome);
        self.tell_not_seen(outcome);
    }

    fn tell_good(&self, outcome: &mut Outcome) {
        for (good, what) in [
            (
                self.produced > 0 && self.produced == self.produced_all,
                "acks=all",
            ),
            (
                self.idempotent_batches > 0 && self.plain_batches == 0,
                "idempotent",
            ),
            (
                self.read_committed > 0 && self.read_uncommitted == 0,
                "read_committed",
            ),
            (
                self.transactional_commits > 0 && self.unfenced_commits == 0,
                "offsets fenced by the group's generation",
            ),
            (self.ends > 0 && self.old_ends == 0, "transactions version 2"),
            (
                self.transactional_commits > 0 && self.stable_fetches > 0 && self.unstable_fetches == 0,
                "stable offsets",
            ),
            (
                self.heartbeats >= HEARTBEATS_AT_LEAST
                    && self.generations.values().all(|seen| seen.len() == 1),
                "stable group membership",
            ),
        ] {
            if good {
                outcome.good(what);
            }
        }
    }

    fn tell_not_seen(&self, outcome: &mut Outcome) {
        for (missing, what) in [
            (self.produced == 0, "no records were written"),
            (self.fetched_batches == 0, "no records were read"),
            (
                self.fetched_batches > 0 && self.commits + self.transactional_commits == 0,
                "no offsets were committed",
            ),
            (
                self.transactional_batches > 0 && self.ends == 0,
                "no transaction was ended",
            ),
        ] {
            if missing {
                outcome.not_seen(what);
            }
        }
    }
}
