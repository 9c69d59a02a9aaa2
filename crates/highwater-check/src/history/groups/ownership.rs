//! `dual-ownership`: two members own a partition in one generation.
//!
//! Invariant: judged by generation. A member that has not heard of the new generation keeps what it had in the old one,
//! and that is no offence. Members without a generation (-1) are not judged.

use std::collections::BTreeMap;

use crate::Anomaly;
use crate::history::index::Index;
use crate::history::{Checker, Finding, Group, GroupStep, Member, Partition, Step, What};

#[derive(Debug, Clone, Copy)]
struct Owned {
    generation: i32,
    step: u64,
}

#[derive(Debug)]
struct Dual {
    group: Group,
    partition: Partition,
    members: [Member; 2],
    steps: [u64; 2],
}

/// Says which partitions had two owners.
#[derive(Debug, Default)]
pub(in crate::history) struct Ownership {
    owners: BTreeMap<(Group, Partition), BTreeMap<Member, Owned>>,
    owned: BTreeMap<(Group, Member), Vec<Partition>>,
    duals: Vec<Dual>,
}

impl Ownership {
    fn gone(&mut self, group: Group, member: Member) {
        for partition in self.owned.remove(&(group, member)).unwrap_or_default() {
            if let Some(owners) = self.owners.get_mut(&(group, partition)) {
                owners.remove(&member);
            }
        }
    }
}

impl Checker for Ownership {
    fn step(&mut self, step: &Step) {
        match &step.what {
            What::Group(GroupStep::Left { group, member }) => self.gone(*group, *member),
            What::Group(GroupStep::Assigned {
                group,
                member,
                generation,
                partitions,
            }) => {
                self.gone(*group, *member);
                for partition in partitions {
                    let owners = self.owners.entry((*group, *partition)).or_default();
                    let other = owners
                        .iter()
                        .find(|(_, owned)| owned.generation == *generation && *generation >= 0);
                    if let Some((other, owned)) = other {
                        self.duals.push(Dual {
                            group: *group,
                            partition: *partition,
                            members: [*other, *member],
                            steps: [owned.step, step.index],
                        });
                    }
                    owners.insert(
                        *member,
                        Owned {
                            generation: *generation,
                            step: step.index,
                        },
                    );
                }
                self.owned.insert((*group, *member), partitions.clone());
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _index: &Index, found: &mut dyn FnMut(Finding)) {
        for dual in self.duals {
            let mut finding = Finding::new(Anomaly::DualOwnership)
                .record(dual.partition, None, None)
                .steps(dual.steps);
            finding.group = Some((dual.group, dual.members.to_vec()));
            found(finding);
        }
    }
}
