use std::collections::BTreeMap;

use highwater_model::history::{
    ConnectionId, ExchangeId, FaultChange, GroupFacts, HistoryBody, HistoryEvent, RequestFacts, ResponseFacts,
};

use super::clients::{ClientKey, Clients, Role};
use super::fetches::{self, Around, Fetches};
use super::groups::{Commit, Groups};
use super::heard::Heard;
use super::identity::Identity;
use super::out::Out;
use super::places::Places;
use super::produce::{Attempt, Produces};
use super::read_back::ReadBack;
use super::transactions::{Ending, Transactions};
use crate::history::{Names, Process, Producer, Step, What};

/// Translates the events of a wire history, one after the other.
#[derive(Debug, Default)]
pub struct FromWire {
    names: Names,
    places: Places,
    clients: Clients,
    identity: Identity,
    pending: BTreeMap<ExchangeId, Pending>,
    produces: Produces,
    transactions: Transactions,
    fetches: Fetches,
    groups: Groups,
    last: u64,
    last_ns: i64,
}

#[derive(Debug)]
struct Pending {
    connection: ConnectionId,
    began: u64,
    asked: Asked,
}

/// A request whose answer matters.
#[derive(Debug)]
enum Asked {
    Produce(Attempt),
    Fetch(fetches::Asked),
    End(Ending),
    Initialise(Option<Process>),
    Commit(Commit),
    TransactionCommit(Commit, Producer, Process),
    Join(GroupFacts),
    Sync(GroupFacts),
    BrokerBeat(GroupFacts),
    Beat(GroupFacts),
    Leave(String, Vec<String>),
    Position { stable: bool },
}

impl FromWire {
    /// At the start of a history.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How what the steps call by number is called.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Takes in the next event and tells the steps that follow from it.
    pub fn event(&mut self, event: &HistoryEvent, steps: &mut dyn FnMut(Step)) {
        self.last = self.last.max(event.sequence);
        self.last_ns = i64::try_from(event.at_ns).unwrap_or(i64::MAX);
        let mut out = Out {
            index: self.last,
            at_ns: self.last_ns,
            steps,
        };
        match &event.body {
            HistoryBody::Connected {
                connection,
                from,
                node,
                ..
            } => self.clients.connected(*connection, from, *node),
            HistoryBody::Identified {
                connection,
                client_id,
                ..
            } => self.clients.identified(*connection, client_id.as_deref()),
            HistoryBody::Disconnected { connection, .. } => self.disconnected(*connection, &mut out),
            HistoryBody::Request {
                connection,
                exchange,
                facts,
                ..
            } => self.request(*connection, *exchange, facts, &mut out),
            HistoryBody::Response {
                exchange,
                fate,
                facts,
                ..
            } => {
                if let Some(heard) = Heard::of(*fate, facts)
                    && let Some(pending) = self.pending.remove(exchange)
                {
                    self.over(pending, heard, &mut out);
                }
            }
            HistoryBody::Unanswered { exchange, .. } => {
                if let Some(pending) = self.pending.remove(exchange) {
                    self.over(pending, Heard::Nothing(None), &mut out);
                }
            }
            HistoryBody::Fault {
                change: FaultChange::Fired,
                ..
            }
            | HistoryBody::Process { .. } => out.push(What::Disturbed),
            HistoryBody::Began { .. }
            | HistoryBody::Broker { .. }
            | HistoryBody::Forwarded { .. }
            | HistoryBody::Fault { .. }
            | HistoryBody::Trouble(_)
            | HistoryBody::Ended { .. } => {}
        }
    }

    /// Ends the history: what never came to an end is told now, with the index of the last event. Gives what is needed
    /// to recognise records that are read back from the log.
    pub fn finish(mut self, steps: &mut dyn FnMut(Step)) -> ReadBack {
        let mut out = Out {
            index: self.last,
            at_ns: self.last_ns,
            steps,
        };
        for pending in std::mem::take(&mut self.pending).into_values() {
            self.over(pending, Heard::Nothing(None), &mut out);
        }
        self.transactions
            .finish(&mut self.produces, &mut self.identity, &mut out);
        self.produces.finish(&mut self.identity, &mut out);
        ReadBack::new(
            self.names,
            self.places,
            self.identity,
            self.last + 1,
            self.last_ns,
        )
    }

    fn disconnected(&mut self, connection: ConnectionId, out: &mut Out<'_>) {
        let lost: Vec<ExchangeId> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.connection == connection)
            .map(|(exchange, _)| *exchange)
            .collect();
        for exchange in lost {
            if let Some(pending) = self.pending.remove(&exchange) {
                self.over(pending, Heard::Nothing(None), out);
            }
        }
        self.clients.disconnected(connection);
        self.fetches.disconnected(connection);
        self.groups.disconnected(connection);
        out.push(What::Disturbed);
    }

    fn request(
        &mut self,
        connection: ConnectionId,
        exchange: ExchangeId,
        facts: &RequestFacts,
        out: &mut Out<'_>,
    ) {
        let began = out.index;
        let asked = match facts {
            RequestFacts::Produce(produce) => {
                let process = match &produce.transactional_id {
                    Some(id) => self.names.process(id),
                    None => self.clients.process(&mut self.names, connection, Role::Writer),
                };
                let attempt = self.produces.asked(
                    produce,
                    began,
                    process,
                    &mut self.places,
                    &mut self.names,
                    &mut self.identity,
                );
                if produce.acks == 0 {
                    self.produced(attempt, Heard::Nothing(None), out);
                    return;
                }
                Asked::Produce(attempt)
            }
            RequestFacts::Fetch(fetch) => {
                let client = self.clients.key(connection);
                let process = self.clients.process(&mut self.names, connection, Role::Reader);
                let asked = self.fetches.asked(
                    fetch,
                    connection,
                    (process, client),
                    &mut self.places,
                    &mut self.names,
                );
                let Some(asked) = asked else { return };
                Asked::Fetch(asked)
            }
            RequestFacts::EndTxn(end) => {
                let process = self.names.process(&end.transaction.transactional_id);
                Asked::End(Ending::of(end, began, process))
            }
            RequestFacts::InitProducerId(facts) => {
                Asked::Initialise(facts.transactional_id.as_ref().map(|id| self.names.process(id)))
            }
            RequestFacts::OffsetCommit(facts) => {
                let commit = self.groups.committing(facts, (&mut self.places, &mut self.names));
                match &facts.transaction {
                    None => Asked::Commit(commit),
                    Some(transaction) => Asked::TransactionCommit(
                        commit,
                        Producer {
                            id: transaction.producer_id,
                            epoch: transaction.producer_epoch,
                        },
                        self.names.process(&transaction.transactional_id),
                    ),
                }
            }
            RequestFacts::JoinGroup { group, .. } => Asked::Join(group.clone()),
            RequestFacts::SyncGroup { group, .. } => Asked::Sync(group.clone()),
            RequestFacts::ConsumerGroupHeartbeat { group, .. } => Asked::BrokerBeat(group.clone()),
            RequestFacts::Heartbeat(group) => Asked::Beat(group.clone()),
            RequestFacts::LeaveGroup { group_id, members } => Asked::Leave(group_id.clone(), members.clone()),
            RequestFacts::OffsetFetch { require_stable, .. } => Asked::Position {
                stable: *require_stable,
            },
            RequestFacts::AddPartitionsToTxn(_)
            | RequestFacts::AddOffsetsToTxn { .. }
            | RequestFacts::FindCoordinator { .. }
            | RequestFacts::ListOffsets { .. }
            | RequestFacts::Other => return,
        };
        self.pending.insert(
            exchange,
            Pending {
                connection,
                began,
                asked,
            },
        );
    }

    /// A request was answered, or never will be.
    fn over(&mut self, pending: Pending, heard: Heard<'_>, out: &mut Out<'_>) {
        let Pending {
            connection,
            began,
            asked,
        } = pending;
        match asked {
            Asked::Produce(attempt) => self.produced(attempt, heard, out),
            Asked::Fetch(asked) => {
                let around = Around {
                    places: &mut self.places,
                    names: &mut self.names,
                    identity: &mut self.identity,
                    groups: &mut self.groups,
                };
                self.fetches
                    .answered(asked, (connection, began), heard, around, out);
            }
            Asked::End(ending) => {
                let commits =
                    self.transactions
                        .ended(&ending, heard, &mut self.produces, &mut self.identity, out);
                self.groups.transaction_committed(&commits, out.index);
            }
            Asked::Initialise(process) => {
                if let Some(ResponseFacts::Producer {
                    error: 0,
                    producer_id,
                    producer_epoch,
                }) = heard.said()
                {
                    let producer = Producer {
                        id: *producer_id,
                        epoch: *producer_epoch,
                    };
                    let commits = self.transactions.initialised(
                        process,
                        producer,
                        &mut self.produces,
                        &mut self.identity,
                        out,
                    );
                    self.groups.transaction_committed(&commits, out.index);
                }
            }
            Asked::Commit(commit) => self.groups.committed(&commit, heard, out),
            Asked::TransactionCommit(commit, producer, process) => {
                let offsets = self.groups.pending(&commit, heard);
                if !offsets.offsets.is_empty() {
                    self.transactions.offsets(producer, process, began, offsets);
                }
            }
            asked => {
                if let Heard::Answer(facts) = heard {
                    let client = self.clients.key(connection);
                    self.group_answer(asked, facts, (connection, client, began), out);
                }
            }
        }
    }

    fn produced(&mut self, attempt: Attempt, heard: Heard<'_>, out: &mut Out<'_>) {
        let transactions = &mut self.transactions;
        self.produces
            .over(attempt, heard, &mut self.identity, out, &mut |acknowledged| {
                transactions.acknowledged(acknowledged);
            });
    }

    fn group_answer(
        &mut self,
        asked: Asked,
        facts: &ResponseFacts,
        (connection, client, began): (ConnectionId, ClientKey, u64),
        out: &mut Out<'_>,
    ) {
        match (asked, facts) {
            (Asked::Join(group), ResponseFacts::Joined(joined)) => {
                self.groups
                    .joined(&group, joined, connection, &mut self.names, out);
            }
            (Asked::Sync(group), facts) => self.groups.assigned(
                &group,
                facts,
                false,
                (connection, client),
                (&mut self.places, &mut self.names),
                out,
            ),
            (Asked::BrokerBeat(group), facts) => self.groups.assigned(
                &group,
                facts,
                true,
                (connection, client),
                (&mut self.places, &mut self.names),
                out,
            ),
            (Asked::Beat(group), ResponseFacts::Error { error }) => {
                self.groups.beat(&group, *error, &mut self.names, out);
            }
            (Asked::Leave(group, members), ResponseFacts::Error { error: 0 }) => {
                self.groups.leave(&group, &members, &mut self.names, out);
            }
            (Asked::Position { stable }, facts) => self.groups.positioned(
                facts,
                (connection, began, stable),
                (&mut self.places, &mut self.names),
                out,
            ),
            _ => {}
        }
    }
}
