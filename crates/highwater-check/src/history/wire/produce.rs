//! Produce requests become sends.
//!
//! A send is told when its client was told the outcome. One that failed, or whose outcome is unknown, is kept back:
//! the client often tries again, and that is the same send, begun when it was first tried. What nobody tried again is
//! told at the end of the history.

use std::collections::BTreeMap;

use highwater_model::history::{ProduceFacts, ResponseFacts};

use super::heard::{Heard, by_error};
use super::identity::{self, Identity, RecordKey};
use super::out::Out;
use super::places::Places;
use crate::history::{Action, Kind, Names, Operation, Outcome, Partition, Process, Producer, What};
use crate::outcome::Api;

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) began: u64,
    pub(super) process: Process,
    acks: i16,
    sent: Vec<Sent>,
}

/// What it holds for one partition and producer.
#[derive(Debug)]
struct Sent {
    place: (String, i32),
    partition: Partition,
    producer: Option<Producer>,
    transactional: bool,
    records: Vec<RecordKey>,
    /// Hashes of their keys.
    keys: Vec<Option<u64>>,
    /// What became of earlier tries, if there were any.
    before: Option<Before>,
    /// Whether all of its records were tried before.
    retried: bool,
}

#[derive(Debug, Clone, Copy)]
struct Before {
    began: u64,
    outcome: Outcome,
}

/// A record that was tried without success.
type Tried = (Process, Partition, RecordKey);

/// A batch, or what is left of it, that was never tried again: when it was begun, and by whom.
type Left = (u64, Process, Partition, Option<Producer>);

/// What came of a batch.
#[derive(Debug)]
pub(super) struct Acknowledged {
    pub(super) began: u64,
    pub(super) process: Process,
    pub(super) producer: Producer,
    pub(super) actions: Vec<Action>,
}

#[derive(Debug, Default)]
pub(super) struct Produces {
    tried: BTreeMap<Tried, Vec<Held>>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    before: Before,
    producer: Option<Producer>,
    transactional: bool,
}

impl Produces {
    /// A request was sent; `process` is who sends if no producer id says it better.
    pub(super) fn asked(
        &mut self,
        facts: &ProduceFacts,
        began: u64,
        process: Process,
        places: &mut Places,
        names: &mut Names,
        identity: &mut Identity,
    ) -> Attempt {
        let mut sent = Vec::with_capacity(facts.partitions.len());
        for produced in &facts.partitions {
            let partition = places.partition(names, &produced.topic, produced.partition);
            for batch in &produced.batches {
                let records: Vec<RecordKey> = identity::keys(partition, batch).collect();
                let (before, retries) = self.again(process, partition, &records);
                for (number, key) in records.iter().enumerate() {
                    if !retries.get(number).is_some_and(|retry| *retry) {
                        identity.sent(*key);
                    }
                }
                sent.push(Sent {
                    place: (produced.topic.clone(), produced.partition),
                    partition,
                    producer: (batch.producer_id >= 0).then_some(Producer {
                        id: batch.producer_id,
                        epoch: batch.producer_epoch,
                    }),
                    transactional: batch.transactional,
                    records,
                    keys: batch
                        .records
                        .iter()
                        .map(|record| record.key.map(|key| key.0))
                        .collect(),
                    before,
                    retried: before.is_some() && retries.iter().all(|retry| *retry),
                });
            }
        }
        Attempt {
            began,
            process,
            acks: facts.acks,
            sent,
        }
    }

    /// Takes earlier tries of these records out, and says which of them were tried before; nothing if none was.
    fn again(
        &mut self,
        process: Process,
        partition: Partition,
        records: &[RecordKey],
    ) -> (Option<Before>, Vec<bool>) {
        if self.tried.is_empty() {
            return (None, Vec::new());
        }
        let mut all: Option<Before> = None;
        let retries = records
            .iter()
            .map(|record| {
                let key = (process, partition, *record);
                let Some(tries) = self.tried.get_mut(&key) else {
                    return false;
                };
                let held = tries.remove(0);
                if tries.is_empty() {
                    self.tried.remove(&key);
                }
                all = Some(all.map_or(held.before, |all| all.and(held.before)));
                true
            })
            .collect();
        (all, retries)
    }

    /// A request was answered, or never will be. Acknowledged batches of transactions go to `transactional`.
    pub(super) fn over(
        &mut self,
        attempt: Attempt,
        heard: Heard<'_>,
        identity: &mut Identity,
        out: &mut Out<'_>,
        transactional: &mut dyn FnMut(Acknowledged),
    ) {
        let Attempt {
            began,
            process,
            acks,
            sent,
        } = attempt;
        for sent in sent {
            let (outcome, offset) = result(heard, &sent.place, acks);
            let outcome = match (outcome, sent.before) {
                (Outcome::Failed, Some(before)) => before.outcome,
                (outcome, _) => outcome,
            };
            if outcome != Outcome::Ok && acks != 0 {
                self.keep(&sent, began, process, outcome);
                continue;
            }
            let actions = (0_i64..)
                .zip(sent.records.iter().zip(&sent.keys))
                .map(|(delta, (record, key))| {
                    let offset = offset.map(|offset| offset.saturating_add(delta));
                    Action::Send {
                        partition: sent.partition,
                        value: match offset {
                            Some(offset) => identity.at(*record, offset, true),
                            None => identity.somewhere(*record),
                        },
                        offset,
                        key: *key,
                    }
                })
                .collect();
            match sent.producer {
                Some(producer) if sent.transactional => transactional(Acknowledged {
                    began,
                    process,
                    producer,
                    actions,
                }),
                producer => out.push(What::Operation(Operation {
                    began: match sent.before {
                        Some(before) if sent.retried => before.began,
                        _ => began,
                    },
                    process,
                    outcome,
                    kind: Kind::Plain,
                    producer,
                    actions,
                })),
            }
        }
    }

    fn keep(&mut self, sent: &Sent, began: u64, process: Process, outcome: Outcome) {
        let before = Before { began, outcome };
        let before = match sent.before {
            Some(earlier) if sent.retried => before.and(earlier),
            _ => before,
        };
        for record in &sent.records {
            self.tried
                .entry((process, sent.partition, *record))
                .or_default()
                .push(Held {
                    before,
                    producer: sent.producer,
                    transactional: sent.transactional,
                });
        }
    }

    /// Takes out what a producer tried in its transaction without success.
    pub(super) fn unsent(
        &mut self,
        process: Process,
        producer: Producer,
        identity: &mut Identity,
    ) -> Vec<Action> {
        if self.tried.is_empty() {
            return Vec::new();
        }
        let from = (process, Partition(0), RecordKey::Known(crate::history::Value(0)));
        let mut keys = Vec::new();
        for (key, tries) in self.tried.range(from..) {
            if key.0 != process {
                break;
            }
            if tries
                .iter()
                .any(|held| held.transactional && held.producer == Some(producer))
            {
                keys.push(*key);
            }
        }
        let mut actions = Vec::with_capacity(keys.len());
        for key in keys {
            self.tried.remove(&key);
            actions.push(Action::Send {
                partition: key.1,
                value: identity.somewhere(key.2),
                offset: None,
                key: None,
            });
        }
        actions
    }

    /// What was never tried again, in the order in which it was begun.
    pub(super) fn finish(self, identity: &mut Identity, out: &mut Out<'_>) {
        let mut operations: BTreeMap<Left, (Outcome, Vec<Action>)> = BTreeMap::new();
        for ((process, partition, record), tries) in self.tried {
            for held in tries {
                let (outcome, actions) = operations
                    .entry((held.before.began, process, partition, held.producer))
                    .or_insert((held.before.outcome, Vec::new()));
                *outcome = worse(*outcome, held.before.outcome);
                actions.push(Action::Send {
                    partition,
                    value: identity.somewhere(record),
                    offset: None,
                    key: None,
                });
            }
        }
        for ((began, process, _, producer), (outcome, actions)) in operations {
            out.push(What::Operation(Operation {
                began,
                process,
                outcome,
                kind: Kind::Plain,
                producer,
                actions,
            }));
        }
    }
}

impl Before {
    fn and(self, other: Self) -> Self {
        Self {
            began: self.began.min(other.began),
            outcome: worse(self.outcome, other.outcome),
        }
    }
}

/// One try that may have been applied makes the whole unknown.
fn worse(one: Outcome, other: Outcome) -> Outcome {
    match (one, other) {
        (Outcome::Failed, Outcome::Failed) => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

/// What a client learned about one partition, and the offset of the first record.
fn result(heard: Heard<'_>, place: &(String, i32), acks: i16) -> (Outcome, Option<i64>) {
    if acks == 0 {
        return (Outcome::Unknown, None);
    }
    let facts = match heard {
        Heard::Answer(facts) => facts,
        Heard::Refused => return (Outcome::Failed, None),
        Heard::Nothing(_) => return (Outcome::Unknown, None),
    };
    let ResponseFacts::Partitions { results, .. } = facts else {
        return (Outcome::Unknown, None);
    };
    let result = results
        .iter()
        .find(|result| result.partition == place.1 && result.topic == place.0);
    let Some(result) = result else {
        return (Outcome::Unknown, None);
    };
    match by_error(Api::Produce, result.error, Some(acks)) {
        Outcome::Ok => (
            Outcome::Ok,
            (result.error == 0 && result.offset >= 0).then_some(result.offset),
        ),
        outcome => (outcome, None),
    }
}
