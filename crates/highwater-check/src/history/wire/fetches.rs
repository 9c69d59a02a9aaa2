//! Fetches become polls, and deliveries to members of groups.
//!
//! A record counts as read when the answer with it went to the client: what the application did with it is not on the
//! wire. A client may fetch from wherever it wants; where it does not go on at the place it had reached, it has
//! repositioned itself, and that is told in front of the poll. Followers and share groups are left out.

use std::collections::{BTreeSet, HashMap};

use highwater_model::history::{ConnectionId, FetchFacts, FetchedPartition, Isolation, ResponseFacts};

use super::aborted;
use super::clients::ClientKey;
use super::groups::Groups;
use super::heard::Heard;
use super::identity::{self, Identity};
use super::out::Out;
use super::places::Places;
use crate::history::{
    Action, Group, GroupStep, Kind, Member, Names, Operation, Outcome, Partition, Process, Read, What,
};

/// A fetch that waits for its answer.
#[derive(Debug)]
pub(super) struct Asked {
    process: Process,
    client: ClientKey,
    isolation: Isolation,
    /// Positions, if the request has all of them; otherwise they are those of the session.
    positions: Option<HashMap<Partition, i64>>,
    session: i32,
}

#[derive(Debug)]
struct Session {
    connection: ConnectionId,
    positions: HashMap<Partition, i64>,
}

#[derive(Debug, Default)]
pub(super) struct Fetches {
    sessions: HashMap<i32, Session>,
    /// Where each reader goes on, if it goes on.
    next: HashMap<(Process, Partition), i64>,
    reading: HashMap<Process, BTreeSet<Partition>>,
    members: HashMap<Process, (Group, Member)>,
}

/// What an answer needs of the rest.
pub(super) struct Around<'a> {
    pub(super) places: &'a mut Places,
    pub(super) names: &'a mut Names,
    pub(super) identity: &'a mut Identity,
    pub(super) groups: &'a mut Groups,
}

impl Fetches {
    /// A fetch was sent; nothing for followers and share groups.
    pub(super) fn asked(
        &mut self,
        facts: &FetchFacts,
        connection: ConnectionId,
        (process, client): (Process, ClientKey),
        places: &mut Places,
        names: &mut Names,
    ) -> Option<Asked> {
        if facts.replica_id >= 0 || facts.share_group.is_some() {
            return None;
        }
        let mut positions = HashMap::with_capacity(facts.positions.len());
        for position in &facts.positions {
            let partition = places.partition(names, &position.topic, position.partition);
            positions.insert(partition, position.offset);
        }
        let positions = if facts.session_epoch <= 0 {
            self.sessions.remove(&facts.session_id);
            Some(positions)
        } else {
            let session = self.sessions.entry(facts.session_id).or_insert_with(|| Session {
                connection,
                positions: HashMap::new(),
            });
            session.connection = connection;
            session.positions.extend(positions);
            for (topic, partition) in &facts.forgotten {
                let partition = places.partition(names, topic, *partition);
                session.positions.remove(&partition);
            }
            None
        };
        Some(Asked {
            process,
            client,
            isolation: facts.isolation,
            positions,
            session: facts.session_id,
        })
    }

    /// A connection is gone, and the sessions on it.
    pub(super) fn disconnected(&mut self, connection: ConnectionId) {
        self.sessions
            .retain(|_, session| session.connection != connection);
    }

    pub(super) fn answered(
        &mut self,
        asked: Asked,
        (connection, began): (ConnectionId, u64),
        heard: Heard<'_>,
        mut around: Around<'_>,
        out: &mut Out<'_>,
    ) {
        let Heard::Answer(ResponseFacts::Fetched {
            error: 0,
            session_id,
            partitions,
        }) = heard
        else {
            return;
        };
        let session = match asked.positions {
            Some(positions) => {
                if *session_id == 0 {
                    self.sessions.remove(&0);
                }
                self.sessions.insert(
                    *session_id,
                    Session {
                        connection,
                        positions,
                    },
                );
                *session_id
            }
            None => asked.session,
        };
        let mut fetched = Vec::new();
        for facts in partitions.iter().filter(|facts| facts.error == 0) {
            let Some(last) = facts.batches.last() else {
                continue;
            };
            let partition = around
                .places
                .partition(around.names, &facts.topic, facts.partition);
            let from = self
                .sessions
                .get(&session)
                .and_then(|session| session.positions.get(&partition))
                .copied()
                .filter(|from| *from >= 0);
            let first = facts.batches.first().map_or(0, |batch| batch.base_offset);
            fetched.push((
                facts,
                partition,
                from.unwrap_or(first),
                aborted::last_offset(last) + 1,
            ));
        }
        if session == 0 {
            self.sessions.remove(&0);
        }
        self.position(asked.process, &fetched, out);
        let reads: Vec<_> = fetched
            .iter()
            .map(|(facts, partition, from, _)| {
                let reads = reads(facts, asked.isolation, *partition, *from, around.identity);
                (*partition, reads)
            })
            .collect();
        if reads.iter().any(|(_, reads)| !reads.is_empty()) {
            out.push(What::Operation(Operation {
                began,
                process: asked.process,
                outcome: Outcome::Ok,
                kind: Kind::Plain,
                producer: None,
                actions: vec![Action::Poll {
                    isolation: match asked.isolation {
                        Isolation::ReadCommitted => crate::history::Isolation::Committed,
                        Isolation::ReadUncommitted => crate::history::Isolation::Uncommitted,
                    },
                    reads,
                }],
            }));
        }
        for (facts, partition, from, _) in &fetched {
            self.delivered(
                asked.process,
                asked.client,
                facts,
                (*partition, *from),
                &mut around,
                out,
            );
        }
    }

    /// Tells what a reader reads, if that is new, and that it repositioned itself, if it did.
    fn position(
        &mut self,
        process: Process,
        fetched: &[(&FetchedPartition, Partition, i64, i64)],
        out: &mut Out<'_>,
    ) {
        let reading = self.reading.entry(process).or_default();
        let (mut more, mut repositioned) = (false, false);
        for (_, partition, from, next) in fetched {
            more |= reading.insert(*partition);
            repositioned |= self
                .next
                .insert((process, *partition), *next)
                .is_some_and(|expected| expected != *from);
        }
        if more || repositioned {
            out.push(What::Subscribed {
                process,
                partitions: reading.iter().copied().collect(),
                repositioned,
            });
        }
    }

    /// Tells what was handed to the member that reads, if it is one: the batches, whatever is in them.
    fn delivered(
        &mut self,
        process: Process,
        client: ClientKey,
        facts: &FetchedPartition,
        (partition, from): (Partition, i64),
        around: &mut Around<'_>,
        out: &mut Out<'_>,
    ) {
        let linked = self.members.get(&process).copied();
        let Some(owner) = around.groups.owner(client, partition, linked, from) else {
            return;
        };
        self.members.insert(process, owner.member);
        let (group, member) = owner.member;
        if owner.next.is_none() {
            out.push(What::Group(GroupStep::Positioned {
                group,
                member,
                partition,
                offset: from,
            }));
        }
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for batch in &facts.batches {
            let (first, last) = (batch.base_offset.max(from), aborted::last_offset(batch));
            match runs.last_mut() {
                Some(run) if run.1 + 1 == first => run.1 = last,
                _ if last >= first => runs.push((first, last)),
                _ => {}
            }
        }
        if let Some((_, last)) = runs.last() {
            around.groups.went_on(owner.member, partition, last + 1);
        }
        for (first, last) in runs {
            out.push(What::Group(GroupStep::Delivered {
                group,
                member,
                partition,
                first,
                last,
            }));
        }
    }
}

/// What a client of this isolation level hands out, from a position on.
pub(super) fn reads(
    facts: &FetchedPartition,
    isolation: Isolation,
    partition: Partition,
    from: i64,
    identity: &mut Identity,
) -> Vec<Read> {
    let mut reads = Vec::new();
    for batch in aborted::visible(facts, isolation) {
        for (record, key) in batch.records.iter().zip(identity::keys(partition, batch)) {
            let offset = batch.base_offset.saturating_add(i64::from(record.offset_delta));
            if offset >= from {
                reads.push(Read {
                    offset,
                    value: identity.at(key, offset, false),
                });
            }
        }
    }
    reads
}
