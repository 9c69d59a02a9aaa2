//! Offsets committed in transactions that are still open.
//!
//! Invariant: an offset is pending for exactly one producer id, and becomes a committed one only by a
//! commit of that producer's transaction. A plain commit of the same partition that came later wins, as
//! in Kafka, where the later record of the offsets topic does.

use std::collections::BTreeMap;

use super::offsets::{Committed, OffsetKey};

#[derive(Debug, Clone)]
struct Offset {
    committed: Committed,
    /// Somebody committed the partition outside of the transaction meanwhile.
    superseded: bool,
}

type OfProducer = BTreeMap<OffsetKey, Offset>;

#[derive(Debug, Default)]
pub(super) struct Pending {
    by_group: BTreeMap<String, BTreeMap<i64, OfProducer>>,
}

impl Pending {
    pub(super) fn insert(&mut self, group: String, producer_id: i64, key: OffsetKey, committed: Committed) {
        let offset = Offset {
            committed,
            superseded: false,
        };
        self.by_group
            .entry(group)
            .or_default()
            .entry(producer_id)
            .or_default()
            .insert(key, offset);
    }

    /// A plain commit has come.
    pub(super) fn supersede(&mut self, group: &str, key: &OffsetKey) {
        let producers = self
            .by_group
            .get_mut(group)
            .into_iter()
            .flat_map(BTreeMap::values_mut);
        for offsets in producers {
            if let Some(offset) = offsets.get_mut(key) {
                offset.superseded = true;
            }
        }
    }

    /// Takes out what a producer has pending in a group; gives what is to be committed if it commits.
    pub(super) fn take(&mut self, group: &str, producer_id: i64) -> Vec<(OffsetKey, Committed)> {
        let Some(producers) = self.by_group.get_mut(group) else {
            return Vec::new();
        };
        let taken = producers.remove(&producer_id).unwrap_or_default();
        if producers.is_empty() {
            self.by_group.remove(group);
        }
        taken
            .into_iter()
            .filter(|(_, offset)| !offset.superseded)
            .map(|(key, offset)| (key, offset.committed))
            .collect()
    }

    /// Groups in which a producer has something pending.
    pub(super) fn groups_of(&self, producer_id: i64) -> Vec<String> {
        self.by_group
            .iter()
            .filter(|(_, producers)| producers.contains_key(&producer_id))
            .map(|(group, _)| group.clone())
            .collect()
    }

    pub(super) fn contains(&self, group: &str, topic: &str, partition: i32) -> bool {
        if self.by_group.is_empty() {
            return false;
        }
        let key = (topic.to_owned(), partition);
        self.by_group
            .get(group)
            .is_some_and(|producers| producers.values().any(|offsets| offsets.contains_key(&key)))
    }

    /// Partitions of a group with something pending.
    pub(super) fn of_group(&self, group: &str) -> Vec<OffsetKey> {
        let producers = self.by_group.get(group).into_iter().flat_map(BTreeMap::values);
        producers.flat_map(BTreeMap::keys).cloned().collect()
    }

    /// Forgets an offset, whoever has it pending.
    pub(super) fn remove(&mut self, group: &str, key: &OffsetKey) {
        let producers = self.by_group.get_mut(group).into_iter();
        for offsets in producers.flat_map(BTreeMap::values_mut) {
            offsets.remove(key);
        }
    }

    /// Everything, for rewriting the file: group, producer id, partition, offset, whether superseded.
    pub(super) fn all(&self) -> impl Iterator<Item = (&String, i64, &OffsetKey, &Committed, bool)> {
        self.by_group.iter().flat_map(|(group, producers)| {
            producers.iter().flat_map(move |(&producer_id, offsets)| {
                offsets
                    .iter()
                    .map(move |(key, offset)| (group, producer_id, key, &offset.committed, offset.superseded))
            })
        })
    }

    pub(super) fn len(&self) -> usize {
        self.by_group
            .values()
            .flat_map(BTreeMap::values)
            .map(BTreeMap::len)
            .sum()
    }
}
