use std::collections::{BTreeMap, BTreeSet};

use highwater_model::history::RequestFacts;
use highwater_model::{LintGuarantee, LintLevel};

use super::place::moment;
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::{Library, Remedy};
use crate::lint::outcome::Outcome;
use crate::lint::tally::{Spot, Tally};
use crate::lint::wire::{Asked, Wire};

static KIND: Kind = Kind {
    name: "partitioner-differs",
    level: LintLevel::Error,
    title: "two writers put the same keys into different partitions",
    evidence: "at least three keys, each always in one partition for each of two clients, and not the same; both \
               write to several partitions",
    risk: "records of one key are in two partitions: their order is lost, and joins and tables miss half of them",
    remedy: Remedy::SamePartitioner,
    breaks: &[LintGuarantee::Order],
};

/// Keys that are compared.
const KEYS_AT_LEAST: usize = 3;
/// Keys that are remembered of each writer and topic.
const MOST_KEYS: usize = 20_000;

type Client = (String, Library, String);

#[derive(Debug)]
struct Writer {
    first: Spot,
    /// Partition of each key; none once there are two.
    keys: BTreeMap<u64, Option<i32>>,
    partitions: BTreeSet<i32>,
}

/// Keys of one topic in the partitions of different writers.
#[derive(Debug, Default)]
pub(super) struct PartitionerDiffers(BTreeMap<String, BTreeMap<Client, Writer>>);

impl Writer {
    /// It chooses by the key, and has a choice.
    fn is_by_key(&self) -> bool {
        self.partitions.len() >= 2 && self.keys.values().all(Option::is_some)
    }

    fn differing(&self, other: &Self) -> Vec<(u64, i32, i32)> {
        self.keys
            .iter()
            .filter_map(|(key, mine)| {
                let (mine, theirs) = ((*mine)?, (*other.keys.get(key)?)?);
                (mine != theirs).then_some((*key, mine, theirs))
            })
            .collect()
    }
}

impl Check for PartitionerDiffers {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        let RequestFacts::Produce(produce) = asked.facts else {
            return;
        };
        for partition in &produce.partitions {
            let writers = self.0.entry(partition.topic.clone()).or_default();
            let writer = writers
                .entry(wire.client_key(asked.spot.connection))
                .or_insert_with(|| Writer {
                    first: asked.spot,
                    keys: BTreeMap::new(),
                    partitions: BTreeSet::new(),
                });
            writer.partitions.insert(partition.partition);
            let keys = partition
                .batches
                .iter()
                .flat_map(|batch| &batch.records)
                .filter_map(|record| record.key);
            for key in keys {
                if writer.keys.len() >= MOST_KEYS && !writer.keys.contains_key(&key.0) {
                    continue;
                }
                let place = writer.keys.entry(key.0).or_insert(Some(partition.partition));
                if *place != Some(partition.partition) {
                    *place = None;
                }
            }
        }
    }

    fn finish(self: Box<Self>, wire: &Wire, outcome: &mut Outcome) {
        let mut tally = Tally::default();
        for (topic, writers) in &self.0 {
            let writers: Vec<&Writer> = writers.values().filter(|writer| writer.is_by_key()).collect();
            for (index, one) in writers.iter().enumerate() {
                for other in &writers[index + 1..] {
                    let differing = one.differing(other);
                    let Some((key, mine, theirs)) = differing.first().copied() else {
                        continue;
                    };
                    if differing.len() < KEYS_AT_LEAST {
                        continue;
                    }
                    // The words are those of the library that is not Java, whose partitioner most others expect.
                    let (spot, mine, theirs, peer) = if wire.library(one.first.connection) == Library::Java {
                        (other.first, theirs, mine, one.first)
                    } else {
                        (one.first, mine, theirs, other.first)
                    };
                    tally.add(wire, spot, || {
                        format!(
                            "topic {topic}: the key with hash {key:016x} goes to partition {mine} from {} and to {theirs} \
                             from {}, and {} keys more; first Produce at {}",
                            wire.client(spot.connection),
                            wire.client(peer.connection),
                            differing.len() - 1,
                            moment(spot.at_ns)
                        )
                    });
                }
            }
        }
        tally.report(&KIND, None, outcome);
    }
}
