//! `commit-ahead`: an offset was committed past records that had not been delivered to the group.
//!
//! Invariant: judged at the moment of the commit: what is delivered later does not mend it. Whether an output was
//! written for what was delivered is said by lineage, not here. Commits from outside of a group, by whoever resets
//! offsets, are left alone.

use std::collections::BTreeMap;

use super::covered::Covered;
use super::skip::passed;
use crate::Anomaly;
use crate::history::index::Index;
use crate::history::{Checker, Finding, Group, GroupStep, Member, Outcome, Partition, Step, What};

/// A commit past what was delivered.
#[derive(Debug)]
struct Suspect {
    group: Group,
    member: Member,
    partition: Partition,
    from: i64,
    to: i64,
    step: u64,
}

#[derive(Debug, Default)]
struct Known {
    /// What was delivered, and what was committed or skipped before.
    covered: Covered,
    /// Where members were told to begin: everything in front of it is done.
    began: Option<i64>,
}

/// Says which commits were ahead.
#[derive(Debug, Default)]
pub(in crate::history) struct Ahead {
    groups: BTreeMap<(Group, Partition), Known>,
    suspects: Vec<Suspect>,
}

impl Ahead {
    fn known(&mut self, group: Group, partition: Partition) -> &mut Known {
        self.groups.entry((group, partition)).or_default()
    }
}

impl Checker for Ahead {
    fn step(&mut self, step: &Step) {
        match step.what {
            What::Group(GroupStep::Positioned {
                group,
                partition,
                offset,
                ..
            }) => {
                let began = &mut self.known(group, partition).began;
                *began = Some(began.map_or(offset, |began| began.max(offset)));
            }
            What::Group(GroupStep::Delivered {
                group,
                partition,
                first,
                last,
                ..
            }) => self.known(group, partition).covered.add(first, last + 1),
            What::Group(GroupStep::Committed {
                group,
                member: Some(member),
                partition,
                offset,
                outcome: Outcome::Ok,
                ..
            }) => {
                let known = self.known(group, partition);
                let done = known.covered.end_before(offset);
                // A group of which nothing was seen can't be judged.
                let Some(from) = done.into_iter().chain(known.began).max() else {
                    return;
                };
                if from < offset {
                    known.covered.add(from, offset);
                    self.suspects.push(Suspect {
                        group,
                        member,
                        partition,
                        from: from.max(0),
                        to: offset,
                        step: step.index,
                    });
                }
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        for suspect in &self.suspects {
            let finding = passed(
                index,
                Anomaly::CommitAhead,
                suspect.partition,
                suspect.from,
                suspect.to,
            );
            if let Some(mut finding) = finding {
                finding = finding.steps([suspect.step]);
                finding.group = Some((suspect.group, vec![suspect.member]));
                found(finding);
            }
        }
    }
}
