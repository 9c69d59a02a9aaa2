//! What the wire says at this moment: the ground on which faults are aimed.
//!
//! Invariant: it only counts what passed the proxy; a moment is never guessed. The recorder runs a few milliseconds
//! behind the wire, so whoever aims keeps the moment open (holds a frame back) while it looks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use highwater_model::history::{
    ConnectionId, ExchangeId, FaultChange, HistoryBody, HistoryEvent, Isolation, ProcessChange, RequestFacts,
    RequestFate, ResponseFacts, ResponseFate,
};

/// A partition of an input topic.
pub(super) type Place = (String, i32);

/// Requests whose answers are waited for; more are forgotten, oldest first.
const MOST_OPEN: usize = 100_000;
/// Windows of legal redelivery that are kept; neighbours are joined before.
const MOST_WINDOWS: usize = 100_000;

/// How long one that was halted and goes on may believe that its partitions are still its own: it is told by the
/// answer to its next heartbeat or commit. What is read meanwhile may be processed twice.
const ZOMBIE_NS: u64 = 3_000_000_000;

/// Everything that aiming and judging need to know about what passed.
#[derive(Debug, Default)]
pub(super) struct Moments {
    inputs: BTreeSet<String>,
    outputs: BTreeSet<String>,
    open: HashMap<ExchangeId, Open>,
    /// Connections that spoke Kafka since the beginning.
    pub(super) connections: u64,
    /// Records read from inputs.
    pub(super) fetched: u64,
    /// Records written to outputs and acknowledged by the broker.
    pub(super) produced: u64,
    /// Of these since the last commit of an input.
    pub(super) produced_ahead: u64,
    /// When a committed offset went up for the last time, until the next output is sent.
    committed_at_ns: Option<u64>,
    /// Usual time from a commit until the next output is sent: what the pipeline needs for its work.
    pub(super) at_work_ns: u64,
    /// Times that a process was halted.
    pub(super) halts: u64,
    /// Times that the committed offset of an input went up.
    pub(super) commits: u64,
    /// Commits of offsets outside of transactions.
    pub(super) plain_commits: u64,
    /// Requests that were held back, by API.
    pub(super) held: BTreeMap<i16, u64>,
    /// Rules that fired, each firing counted.
    pub(super) fired: u64,
    /// Members that joined a group: each completed rebalance is several.
    pub(super) joins: u64,
    /// Answers that told a member its partitions.
    pub(super) assignments: u64,
    /// Members in the middle of joining.
    joining: BTreeSet<ConnectionId>,
    /// Answers with an error.
    pub(super) errors: u64,
    /// Connections that ended.
    pub(super) disconnects: u64,
    /// Transactions that ended with an answer of the broker.
    pub(super) transactions: u64,
    /// Transactions with something in them and no end yet, by id.
    pub(super) in_transaction: BTreeSet<String>,
    /// Offsets that go with a transaction when it is committed.
    pending: BTreeMap<String, Vec<(String, Place, i64)>>,
    /// Committed offsets of inputs by group.
    pub(super) committed: BTreeMap<(String, Place), i64>,
    /// Next offset behind the last record of an input that was read.
    pub(super) read_to: BTreeMap<Place, i64>,
    /// Longest session timeout that a member asked for.
    pub(super) session_timeout_ms: i32,
    /// Longest timeout that a transactional producer asked for.
    pub(super) transaction_timeout_ms: i32,
    /// Whether a reader of inputs asked for committed records only.
    pub(super) reads_committed: bool,
    /// Whether a reader of inputs asked for everything.
    pub(super) reads_uncommitted: bool,
    /// Topics that were read and written, to say what a pipeline does instead.
    pub(super) read_topics: BTreeSet<String>,
    pub(super) written_topics: BTreeSet<String>,
    /// Input offsets that may be processed again: read, and not committed when something happened.
    windows: BTreeMap<Place, Vec<(i64, i64)>>,
    /// Of the last event, on the clock of the history.
    now_ns: u64,
    /// Until then there may be a zombie, on the same clock.
    zombie_until_ns: u64,
}

#[derive(Debug)]
enum Open {
    Produce {
        topics: BTreeMap<String, u64>,
        transactional_id: Option<String>,
    },
    Commit {
        group: String,
        transactional_id: Option<String>,
        offsets: Vec<(Place, i64)>,
    },
    EndTxn {
        transactional_id: String,
        commit: bool,
    },
    Join(ConnectionId),
    Sync(ConnectionId),
    Other,
}

impl Moments {
    pub(super) fn new(inputs: &[String], outputs: &[String]) -> Self {
        Self {
            inputs: inputs.iter().cloned().collect(),
            outputs: outputs.iter().cloned().collect(),
            ..Self::default()
        }
    }

    /// Whether a rebalance is under way: a member has asked to join and was not told its partitions yet.
    pub(super) fn rebalancing(&self) -> bool {
        !self.joining.is_empty()
    }

    /// Requests held back so far of any API.
    pub(super) fn held_requests(&self) -> u64 {
        self.held.values().sum()
    }

    /// Records that were read and whose offsets were not committed at this moment.
    pub(super) fn uncommitted(&self) -> u64 {
        let behind = self
            .read_to
            .iter()
            .map(|(place, read_to)| read_to - self.committed_at(place));
        behind.map(|records| u64::try_from(records).unwrap_or(0)).sum()
    }

    /// Whether records are in hand of which nothing was sent on: they were read, nothing was sent since a commit, and
    /// partitions are not being handed over, at which what is in hand is thrown away.
    pub(super) fn at_work(&self) -> bool {
        self.committed_at_ns.is_some() && self.uncommitted() > 0 && !self.rebalancing()
    }

    fn committed_at(&self, place: &Place) -> i64 {
        let all = self.committed.iter().filter(|((_, at), _)| at == place);
        all.map(|(_, offset)| *offset).min().unwrap_or(0)
    }

    /// What may be processed again from here on: something happened.
    pub(super) fn disturb(&mut self) {
        let places: Vec<(Place, i64)> = self
            .read_to
            .iter()
            .map(|(place, to)| (place.clone(), *to))
            .collect();
        for (place, read_to) in places {
            let from = self.committed_at(&place);
            add(&mut self.windows, place, from, read_to);
        }
    }

    /// Input offsets that may have been processed again, by partition: first, and one behind the last.
    pub(super) fn windows(&self) -> &BTreeMap<Place, Vec<(i64, i64)>> {
        &self.windows
    }

    /// Takes in what passed.
    pub(super) fn observe(&mut self, event: &HistoryEvent) {
        self.now_ns = event.at_ns;
        let commits = self.commits;
        self.take(event);
        if self.commits > commits {
            self.committed_at_ns = Some(event.at_ns);
        }
    }

    /// Whether work is over with this request, and what came of it is being sent.
    fn begins_to_send(&self, facts: &RequestFacts) -> bool {
        match facts {
            RequestFacts::Produce(produce) => {
                let mut parts = produce.partitions.iter();
                parts.any(|part| self.outputs.contains(&part.topic))
            }
            RequestFacts::AddPartitionsToTxn(_) | RequestFacts::AddOffsetsToTxn { .. } => true,
            RequestFacts::OffsetCommit(commit) => commit.transaction.is_some(),
            _ => false,
        }
    }

    fn sends_outputs(&mut self, at_ns: u64) {
        let Some(since) = self.committed_at_ns.take() else {
            return;
        };
        let took = at_ns.saturating_sub(since);
        self.at_work_ns = match self.at_work_ns {
            0 => took,
            usual => (usual * 7 + took) / 8,
        };
    }

    fn take(&mut self, event: &HistoryEvent) {
        match &event.body {
            HistoryBody::Connected { .. } => self.connections += 1,
            HistoryBody::Disconnected { connection, .. } => {
                self.disconnects += 1;
                self.joining.remove(connection);
                self.disturb();
            }
            HistoryBody::Request {
                connection,
                exchange,
                api_key,
                fate,
                facts,
                ..
            } => {
                if *fate == RequestFate::Held {
                    *self.held.entry(*api_key).or_default() += 1;
                }
                if self.begins_to_send(facts) {
                    self.sends_outputs(event.at_ns);
                }
                self.request(*connection, *exchange, facts);
            }
            HistoryBody::Response {
                exchange,
                facts,
                fate,
                ..
            } => self.response(*exchange, facts, *fate),
            HistoryBody::Unanswered { exchange, .. } => {
                self.open.remove(exchange);
            }
            HistoryBody::Fault {
                change: FaultChange::Fired,
                ..
            } => {
                self.fired += 1;
                self.disturb();
            }
            HistoryBody::Process { change, .. } => {
                match change {
                    ProcessChange::Paused => self.halts += 1,
                    ProcessChange::Resumed => self.zombie_until_ns = event.at_ns.saturating_add(ZOMBIE_NS),
                    _ => {}
                }
                self.disturb();
            }
            _ => {}
        }
    }

    fn request(&mut self, connection: ConnectionId, exchange: ExchangeId, facts: &RequestFacts) {
        let open = match facts {
            RequestFacts::Produce(produce) => {
                let mut topics = BTreeMap::<String, u64>::new();
                for partition in &produce.partitions {
                    let records: usize = partition.batches.iter().map(|batch| batch.records.len()).sum();
                    *topics.entry(partition.topic.clone()).or_default() += records as u64;
                }
                self.written_topics.extend(topics.keys().cloned());
                if let Some(id) = &produce.transactional_id {
                    self.in_transaction.insert(id.clone());
                }
                Open::Produce {
                    topics,
                    transactional_id: produce.transactional_id.clone(),
                }
            }
            RequestFacts::Fetch(fetch) => {
                for position in &fetch.positions {
                    self.read_topics.insert(position.topic.clone());
                    if self.inputs.contains(&position.topic) {
                        match fetch.isolation == Isolation::ReadCommitted {
                            true => self.reads_committed = true,
                            false => self.reads_uncommitted = true,
                        }
                    }
                }
                Open::Other
            }
            RequestFacts::OffsetCommit(commit) => {
                let of_inputs = commit
                    .offsets
                    .iter()
                    .filter(|offset| self.inputs.contains(&offset.topic));
                Open::Commit {
                    group: commit.group.group_id.clone(),
                    transactional_id: commit.transaction.as_ref().map(|of| of.transactional_id.clone()),
                    offsets: of_inputs
                        .map(|offset| ((offset.topic.clone(), offset.partition), offset.offset))
                        .collect(),
                }
            }
            RequestFacts::EndTxn(end) => Open::EndTxn {
                transactional_id: end.transaction.transactional_id.clone(),
                commit: end.commit,
            },
            RequestFacts::InitProducerId(init) => {
                self.transaction_timeout_ms = self.transaction_timeout_ms.max(init.transaction_timeout_ms);
                if let Some(id) = &init.transactional_id {
                    self.in_transaction.remove(id);
                    self.pending.remove(id);
                }
                Open::Other
            }
            RequestFacts::JoinGroup {
                session_timeout_ms,
                topics,
                ..
            } => {
                self.read_topics.extend(topics.iter().cloned());
                self.session_timeout_ms = self.session_timeout_ms.max(*session_timeout_ms);
                self.joins += 1;
                self.joining.insert(connection);
                Open::Join(connection)
            }
            RequestFacts::SyncGroup { .. } => Open::Sync(connection),
            _ => Open::Other,
        };
        if self.open.len() >= MOST_OPEN
            && let Some(oldest) = self.open.keys().min().copied()
        {
            self.open.remove(&oldest);
        }
        self.open.insert(exchange, open);
    }

    fn response(&mut self, exchange: ExchangeId, facts: &ResponseFacts, fate: ResponseFate) {
        if has_error(facts) {
            self.errors += 1;
        }
        let Some(open) = self.open.remove(&exchange) else {
            return;
        };
        let applied = !has_error(facts) && fate != ResponseFate::Made && fate != ResponseFate::Surplus;
        match (open, facts) {
            (_, ResponseFacts::Fetched { partitions, .. }) => {
                for part in partitions.iter().filter(|part| self.inputs.contains(&part.topic)) {
                    let Some(last) = part.batches.last() else { continue };
                    let read_to = last.base_offset + i64::from(last.last_offset_delta) + 1;
                    let records: usize = part.batches.iter().map(|batch| batch.records.len()).sum();
                    self.fetched += records as u64;
                    let place = (part.topic.clone(), part.partition);
                    let at = self.read_to.entry(place.clone()).or_insert(read_to);
                    *at = (*at).max(read_to);
                    if self.now_ns < self.zombie_until_ns {
                        let first = part.batches.first().map_or(read_to, |batch| batch.base_offset);
                        add(&mut self.windows, place, first, read_to);
                    }
                }
            }
            (Open::Produce { topics, .. }, _) if applied => {
                let to_outputs = topics.iter().filter(|(topic, _)| self.outputs.contains(*topic));
                let records: u64 = to_outputs.map(|(_, records)| records).sum();
                self.produced += records;
                self.produced_ahead += records;
            }
            (
                Open::Produce {
                    transactional_id: Some(id),
                    ..
                },
                _,
            ) => {
                // Nothing of it may be in the transaction.
                tracing::debug!(id, "a Produce of a transaction was refused");
            }
            (
                Open::Commit {
                    group,
                    transactional_id,
                    offsets,
                },
                _,
            ) if applied => match transactional_id {
                Some(id) => {
                    self.in_transaction.insert(id.clone());
                    let pending = self.pending.entry(id).or_default();
                    pending.extend(
                        offsets
                            .into_iter()
                            .map(|(place, offset)| (group.clone(), place, offset)),
                    );
                }
                None => {
                    self.plain_commits += 1;
                    for (place, offset) in offsets {
                        self.commit(group.clone(), place, offset);
                    }
                }
            },
            (
                Open::EndTxn {
                    transactional_id,
                    commit,
                },
                _,
            ) if applied => {
                self.transactions += 1;
                self.in_transaction.remove(&transactional_id);
                let pending = self.pending.remove(&transactional_id).unwrap_or_default();
                for (group, place, offset) in pending.into_iter().filter(|_| commit) {
                    self.commit(group, place, offset);
                }
            }
            (Open::Join(connection), ResponseFacts::Joined(joined)) if joined.error != 0 => {
                self.joining.remove(&connection);
            }
            (Open::Sync(connection), _) => {
                self.joining.remove(&connection);
                if applied {
                    self.assignments += 1;
                    self.disturb();
                }
            }
            _ => {}
        }
    }

    fn commit(&mut self, group: String, place: Place, offset: i64) {
        let at = self.committed.entry((group, place)).or_insert(-1);
        if offset > *at {
            self.commits += 1;
            self.produced_ahead = 0;
        }
        *at = offset;
    }
}

/// Adds inputs that may be processed again.
fn add(windows: &mut BTreeMap<Place, Vec<(i64, i64)>>, place: Place, from: i64, to: i64) {
    let windows = windows.entry(place).or_default();
    let room = windows.len() < MOST_WINDOWS;
    match windows.last_mut() {
        Some(last) if from <= last.1 && to >= last.0 => {
            last.0 = last.0.min(from);
            last.1 = last.1.max(to);
        }
        _ if from < to && room => windows.push((from, to)),
        _ => {}
    }
}

/// Whether an answer, or any part of it, is a refusal.
fn has_error(facts: &ResponseFacts) -> bool {
    match facts {
        ResponseFacts::Partitions { error, results } => {
            *error != 0 || results.iter().any(|result| result.error != 0)
        }
        ResponseFacts::Fetched {
            error, partitions, ..
        } => *error != 0 || partitions.iter().any(|part| part.error != 0),
        ResponseFacts::Joined(joined) => joined.error != 0,
        ResponseFacts::Assigned { error, .. }
        | ResponseFacts::CommittedOffsets { error, .. }
        | ResponseFacts::Producer { error, .. }
        | ResponseFacts::Error { error } => *error != 0,
        ResponseFacts::Other => false,
    }
}
