//! `commit-regression`: a committed offset went back.
//!
//! Either a lower offset was committed after a higher one, or a member was told to begin in front of what had been
//! committed.

use std::collections::BTreeMap;

use super::committed::Committed;
use crate::Anomaly;
use crate::history::index::Index;
use crate::history::{Checker, Finding, Group, GroupStep, Member, Partition, Step, What};

#[derive(Debug)]
struct Regress {
    group: Group,
    member: Option<Member>,
    partition: Partition,
    from: i64,
    to: i64,
    steps: [u64; 2],
}

/// Says which offsets went back.
#[derive(Debug, Default)]
pub(in crate::history) struct Regression {
    committed: BTreeMap<(Group, Partition), Committed>,
    regresses: Vec<Regress>,
}

impl Checker for Regression {
    fn step(&mut self, step: &Step) {
        let (group, member, partition, to, before) = match step.what {
            What::Group(GroupStep::Committed {
                group,
                member,
                partition,
                offset,
                outcome,
                ..
            }) => {
                let committed = self.committed.entry((group, partition)).or_default();
                let before = committed.commit(offset, outcome, step.index);
                (group, member, partition, offset, before)
            }
            What::Group(GroupStep::Positioned {
                group,
                member,
                partition,
                offset,
            }) => {
                let Some(committed) = self.committed.get_mut(&(group, partition)) else {
                    return;
                };
                let before = committed.floor().filter(|(floor, _)| offset < *floor);
                if before.is_some() {
                    // Told once; the next one is compared with what came of it.
                    *committed = Committed::default();
                }
                (group, Some(member), partition, offset, before)
            }
            _ => return,
        };
        if let Some((from, at)) = before {
            self.regresses.push(Regress {
                group,
                member,
                partition,
                from,
                to,
                steps: [at, step.index],
            });
        }
    }

    fn finish(self: Box<Self>, _index: &Index, found: &mut dyn FnMut(Finding)) {
        for regress in self.regresses {
            let mut finding = Finding::new(Anomaly::CommitRegression)
                .record(regress.partition, Some(regress.from), None)
                .record(regress.partition, Some(regress.to.max(0)), None)
                .steps(regress.steps);
            finding.delta = Some(regress.to.max(0) - regress.from);
            finding.group = Some((regress.group, regress.member.into_iter().collect()));
            found(finding);
        }
    }
}
