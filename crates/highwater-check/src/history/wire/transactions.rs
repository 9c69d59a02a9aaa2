//! Transactions: all that a producer did between one end and the next is one operation.
//!
//! ```text
//! Produce · TxnOffsetCommit ─▶ open ─▶ EndTxn ─▶ ok (commit) · failed (abort) · unknown (no answer)
//!                               ├────▶ InitProducerId of the same transactional id: failed, or unknown if a commit
//!                               │      was asked for
//!                               └────▶ the end of the history: unknown
//! ```
//!
//! Invariant: a transaction is told once. Offsets that it committed are told as part of it, and as a commit of the
//! group once it is committed. A late write of a fenced producer is a transaction of its own, begun after the new epoch.

use std::collections::BTreeMap;

use highwater_model::history::{EndTxnFacts, ResponseFacts};

use super::heard::Heard;
use super::identity::Identity;
use super::out::Out;
use super::produce::{Acknowledged, Produces};
use crate::history::{
    Action, Group, GroupStep, Kind, Member, Operation, Outcome, Partition, Process, Producer, What,
};
use crate::outcome::Api;

/// Offsets that a transaction will commit.
#[derive(Debug, Clone)]
pub(super) struct Offsets {
    pub(super) group: Group,
    pub(super) member: Option<Member>,
    /// Generation of a committer that its group had gone on without already; -1 otherwise.
    pub(super) generation: i32,
    pub(super) offsets: Vec<(Partition, i64)>,
}

#[derive(Debug)]
struct Open {
    began: u64,
    process: Process,
    actions: Vec<Action>,
    commits: Vec<Offsets>,
    /// A commit was asked for, and nobody knows what came of it.
    perhaps_committed: bool,
}

#[derive(Debug, Default)]
pub(super) struct Transactions {
    /// Transactions that have not ended, by their producer.
    open: BTreeMap<Producer, Open>,
}

/// EndTxn that waits for its answer.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) began: u64,
    pub(super) process: Process,
    pub(super) producer: Producer,
    pub(super) commit: bool,
}

impl Ending {
    pub(super) fn of(facts: &EndTxnFacts, began: u64, process: Process) -> Self {
        Self {
            began,
            process,
            producer: Producer {
                id: facts.transaction.producer_id,
                epoch: facts.transaction.producer_epoch,
            },
            commit: facts.commit,
        }
    }
}

impl Transactions {
    fn open(&mut self, producer: Producer, process: Process, began: u64) -> &mut Open {
        self.open.entry(producer).or_insert_with(|| Open {
            began,
            process,
            actions: Vec::new(),
            commits: Vec::new(),
            perhaps_committed: false,
        })
    }

    /// Records of a transaction were acknowledged.
    pub(super) fn acknowledged(&mut self, acknowledged: Acknowledged) {
        let Acknowledged {
            began,
            process,
            producer,
            mut actions,
        } = acknowledged;
        let open = self.open(producer, process, began);
        open.began = open.began.min(began);
        open.actions.append(&mut actions);
    }

    /// Offsets were accepted as part of a transaction.
    pub(super) fn offsets(&mut self, producer: Producer, process: Process, began: u64, offsets: Offsets) {
        let open = self.open(producer, process, began);
        open.actions
            .extend(offsets.offsets.iter().map(|(partition, offset)| Action::Commit {
                group: offsets.group,
                partition: *partition,
                offset: *offset,
            }));
        open.commits.push(offsets);
    }

    /// The end of a transaction was asked for; says what is to be told about the groups, if it was reached.
    pub(super) fn ended(
        &mut self,
        ending: &Ending,
        heard: Heard<'_>,
        produces: &mut Produces,
        identity: &mut Identity,
        out: &mut Out<'_>,
    ) -> Vec<Offsets> {
        let open = self.open(ending.producer, ending.process, ending.began);
        match heard.outcome(Api::EndTxn) {
            Outcome::Ok => {}
            Outcome::Failed => return Vec::new(),
            Outcome::Unknown => {
                open.perhaps_committed |= ending.commit;
                return Vec::new();
            }
        }
        let outcome = if ending.commit {
            Outcome::Ok
        } else {
            Outcome::Failed
        };
        let commits = self.close(ending.producer, outcome, produces, identity, out);
        if let Heard::Answer(ResponseFacts::Producer {
            producer_id,
            producer_epoch,
            ..
        }) = heard
            && *producer_id >= 0
            && (*producer_id, *producer_epoch) != (ending.producer.id, ending.producer.epoch)
        {
            out.push(What::Initialised {
                producer: Producer {
                    id: *producer_id,
                    epoch: *producer_epoch,
                },
            });
        }
        commits
    }

    /// A producer got an epoch: whatever its transactional id had open before is over.
    pub(super) fn initialised(
        &mut self,
        process: Option<Process>,
        producer: Producer,
        produces: &mut Produces,
        identity: &mut Identity,
        out: &mut Out<'_>,
    ) -> Vec<Offsets> {
        let mut commits = Vec::new();
        if let Some(process) = process {
            let before: Vec<Producer> = self
                .open
                .iter()
                .filter(|(one, open)| open.process == process && **one != producer)
                .map(|(one, _)| *one)
                .collect();
            for one in before {
                commits.append(&mut self.disappeared(one, produces, identity, out));
            }
        }
        out.push(What::Initialised { producer });
        commits
    }

    fn disappeared(
        &mut self,
        producer: Producer,
        produces: &mut Produces,
        identity: &mut Identity,
        out: &mut Out<'_>,
    ) -> Vec<Offsets> {
        let perhaps = self
            .open
            .get(&producer)
            .is_some_and(|open| open.perhaps_committed);
        let outcome = if perhaps {
            Outcome::Unknown
        } else {
            Outcome::Failed
        };
        self.close(producer, outcome, produces, identity, out)
    }

    /// Tells a transaction; gives back the offsets that it committed, or may have committed.
    fn close(
        &mut self,
        producer: Producer,
        outcome: Outcome,
        produces: &mut Produces,
        identity: &mut Identity,
        out: &mut Out<'_>,
    ) -> Vec<Offsets> {
        let Some(open) = self.open.remove(&producer) else {
            return Vec::new();
        };
        let mut actions = open.actions;
        let mut unsent = produces.unsent(open.process, producer, identity);
        let operation = |outcome, actions| {
            What::Operation(Operation {
                began: open.began,
                process: open.process,
                outcome,
                kind: Kind::Transaction,
                producer: Some(producer),
                actions,
            })
        };
        if outcome == Outcome::Ok && !unsent.is_empty() {
            // Committed without ever having heard of these: nobody was promised that they are there.
            out.push(operation(Outcome::Unknown, unsent));
        } else {
            actions.append(&mut unsent);
        }
        out.push(operation(outcome, actions));
        if outcome == Outcome::Failed {
            Vec::new()
        } else {
            let mut commits = open.commits;
            if outcome == Outcome::Unknown {
                for offsets in &mut commits {
                    offsets.generation = -1;
                }
            }
            self.tell(&commits, outcome, out);
            commits
        }
    }

    fn tell(&self, commits: &[Offsets], outcome: Outcome, out: &mut Out<'_>) {
        let mut last = BTreeMap::new();
        for commit in commits {
            for (partition, offset) in &commit.offsets {
                last.insert(
                    (commit.group, *partition),
                    (commit.member, commit.generation, *offset),
                );
            }
        }
        for ((group, partition), (member, generation, offset)) in last {
            out.push(What::Group(GroupStep::Committed {
                group,
                member,
                generation,
                partition,
                offset,
                outcome,
            }));
        }
    }

    /// What never ended.
    pub(super) fn finish(&mut self, produces: &mut Produces, identity: &mut Identity, out: &mut Out<'_>) {
        let open: Vec<Producer> = self.open.keys().copied().collect();
        for producer in open {
            self.close(producer, Outcome::Unknown, produces, identity, out);
        }
    }
}
