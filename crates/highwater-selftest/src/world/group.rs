use std::collections::{BTreeMap, BTreeSet};

use highwater_check::history::{Member, Partition};

/// What a member is to do about a rebalance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Joining {
    /// Nothing: the group is stable, or waits for others.
    Wait,
    /// Join: the group prepares a new generation.
    Join,
    /// Take what the new generation gives.
    Take {
        generation: i32,
        partitions: BTreeSet<Partition>,
    },
}

/// A group and its coordinator.
///
/// Invariant: no partition is given to a member before the one that had it has given it up or is gone.
#[derive(Debug)]
pub(crate) struct SimulatedGroup {
    /// Partitions are given up one by one instead of all at once (KIP-429).
    pub(crate) cooperative: bool,
    pub(crate) generation: i32,
    pub(crate) committed: BTreeMap<Partition, i64>,
    partitions: Vec<Partition>,
    members: BTreeMap<Member, BTreeSet<Partition>>,
    preparing: bool,
    joined: BTreeSet<Member>,
    given: BTreeMap<Member, BTreeSet<Partition>>,
    turn: usize,
}

impl SimulatedGroup {
    pub(crate) fn new(partitions: Vec<Partition>, cooperative: bool) -> Self {
        Self {
            cooperative,
            generation: 0,
            committed: BTreeMap::new(),
            partitions,
            members: BTreeMap::new(),
            preparing: false,
            joined: BTreeSet::new(),
            given: BTreeMap::new(),
            turn: 0,
        }
    }

    pub(crate) fn size(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn is_stable(&self) -> bool {
        !self.preparing && self.given.is_empty()
    }

    pub(crate) fn enter(&mut self, member: Member) {
        self.members.insert(member, BTreeSet::new());
        self.prepare();
    }

    /// A member is gone, with all that it had.
    pub(crate) fn remove(&mut self, member: Member) {
        self.members.remove(&member);
        self.joined.remove(&member);
        self.given.remove(&member);
        self.prepare();
        self.next_generation_if_all_joined();
    }

    pub(crate) fn prepare(&mut self) {
        if self.given.is_empty() {
            self.preparing = true;
        } else {
            // What was given and not yet taken is given anew.
            self.given.clear();
            self.preparing = true;
            self.joined.clear();
        }
    }

    pub(crate) fn what_now(&self, member: Member) -> Joining {
        match self.given.get(&member) {
            Some(partitions) => Joining::Take {
                generation: self.generation,
                partitions: partitions.clone(),
            },
            None if self.preparing && !self.joined.contains(&member) => Joining::Join,
            None => Joining::Wait,
        }
    }

    pub(crate) fn join(&mut self, member: Member) {
        if !self.cooperative {
            self.members.insert(member, BTreeSet::new());
        }
        self.joined.insert(member);
        self.next_generation_if_all_joined();
    }

    /// A member has taken what it was given.
    pub(crate) fn took(&mut self, member: Member) {
        if let Some(partitions) = self.given.remove(&member) {
            self.members.insert(member, partitions);
        }
        if self.given.is_empty() && !self.preparing && self.owned().count() < self.partitions.len() {
            self.prepare();
        }
    }

    fn owned(&self) -> impl Iterator<Item = Partition> + '_ {
        self.members.values().flatten().copied()
    }

    fn next_generation_if_all_joined(&mut self) {
        if !self.preparing || self.members.is_empty() || self.joined.len() < self.members.len() {
            return;
        }
        self.preparing = false;
        self.joined.clear();
        self.generation += 1;
        self.turn += 1;
        let members: Vec<Member> = self.members.keys().copied().collect();
        let mut target: BTreeMap<Member, BTreeSet<Partition>> = BTreeMap::new();
        for (place, partition) in self.partitions.iter().enumerate() {
            // With a turn every other time, so that partitions do move.
            let member = members[(place + self.turn / 2) % members.len()];
            target.entry(member).or_default().insert(*partition);
        }
        for member in members {
            let wanted = target.remove(&member).unwrap_or_default();
            let free = |partition: &Partition| {
                !self
                    .members
                    .iter()
                    .any(|(other, owned)| *other != member && owned.contains(partition))
            };
            let given = wanted.into_iter().filter(free).collect();
            self.given.insert(member, given);
        }
    }
}
