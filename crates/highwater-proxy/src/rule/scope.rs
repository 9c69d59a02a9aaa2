//! A scope made ready for matching.

use highwater_model::history::{RequestFacts, TransactionFacts};
use highwater_wire::api;

use crate::api_set::ApiSet;
use crate::identity::Identity;
use crate::rule::spec::{RuleError, Scope};

/// A request as rules see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) who: &'a Identity,
    pub(crate) api_key: i16,
    pub(crate) api_version: i16,
    pub(crate) facts: &'a RequestFacts,
    /// Which transaction of its transactional id the request belongs to, from 1; 0 without one.
    pub(crate) transaction: u64,
}

/// A scope whose names were looked up.
#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    pub(crate) apis: ApiSet,
    scope: Scope,
}

impl Matcher {
    /// Looks up the names. `fallback` are the APIs meant when none is named; `key` is the scope's place in the
    /// rule, for errors.
    pub(crate) fn new(scope: &Scope, fallback: ApiSet, key: &str) -> Result<Self, RuleError> {
        let mut apis = ApiSet::default();
        for name in &scope.apis {
            let number = api::by_name(name).ok_or_else(|| unknown_api(name, key))?;
            apis.insert(number);
        }
        if apis.is_empty() {
            apis = fallback;
        }
        Ok(Self {
            apis,
            scope: scope.clone(),
        })
    }

    pub(crate) fn matches(&self, seen: &Seen<'_>) -> bool {
        let scope = &self.scope;
        self.apis.contains(seen.api_key)
            && scope
                .versions
                .is_none_or(|(first, last)| (first..=last).contains(&seen.api_version))
            && self.matches_identity(seen.who)
            && scope.transaction.is_none_or(|nth| nth == seen.transaction)
            && self.matches_facts(seen.facts)
    }

    /// Whether a connection is meant, as far as the scope speaks of connections.
    pub(crate) fn matches_identity(&self, who: &Identity) -> bool {
        let scope = &self.scope;
        scope.node.is_none_or(|node| who.node == Some(node))
            && is_meant(scope.client_id.as_deref(), who.client_id.as_deref())
            && is_meant(scope.principal.as_deref(), who.principal.as_deref())
    }

    /// Whether a partition is meant, for faults that alter part of an answer.
    pub(crate) fn covers(&self, topic: &str, partition: i32) -> bool {
        is_meant(self.scope.topic.as_deref(), Some(topic))
            && self.scope.partition.is_none_or(|wanted| wanted == partition)
    }

    fn matches_facts(&self, facts: &RequestFacts) -> bool {
        let scope = &self.scope;
        let view = View::of(facts);
        is_meant(scope.group.as_deref(), view.group)
            && is_meant(scope.member.as_deref(), view.member)
            && is_meant(scope.transactional_id.as_deref(), view.transactional_id)
            && (scope.producer_id.is_none() && scope.producer_epoch.is_none()
                || view.producers.iter().any(|(id, epoch)| {
                    scope.producer_id.is_none_or(|wanted| wanted == *id)
                        && scope.producer_epoch.is_none_or(|wanted| wanted == *epoch)
                }))
            && (scope.topic.is_none() && scope.partition.is_none()
                || view
                    .partitions
                    .iter()
                    .any(|(topic, partition)| self.covers(topic, *partition)))
            && scope
                .first_sequence
                .is_none_or(|wanted| view.first_sequences.contains(&wanted))
    }

    /// Whether only single requests can be in the scope, so that a network fault must wait for one.
    pub(crate) fn speaks_of_requests(&self) -> bool {
        let scope = &self.scope;
        !scope.apis.is_empty()
            || scope.versions.is_some()
            || scope.group.is_some()
            || scope.member.is_some()
            || scope.transactional_id.is_some()
            || scope.producer_id.is_some()
            || scope.producer_epoch.is_some()
            || scope.topic.is_some()
            || scope.partition.is_some()
            || scope.first_sequence.is_some()
            || scope.transaction.is_some()
    }

    /// Whether it matters what clients say of themselves.
    pub(crate) fn speaks_of_clients(&self) -> bool {
        self.scope.client_id.is_some() || self.scope.principal.is_some()
    }
}

fn unknown_api(name: &str, key: &str) -> RuleError {
    let nearest = api::names()
        .max_by(|a, b| {
            let close = |known: &str| strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
            close(a).total_cmp(&close(b))
        })
        .unwrap_or("Produce");
    RuleError::new(
        key,
        format!("unknown API `{name}`"),
        format!("did you mean `{nearest}`? APIs have the names of Kafka's protocol, as Produce or EndTxn"),
    )
}

/// `*` at the beginning or the end stands for anything.
fn is_meant(pattern: Option<&str>, text: Option<&str>) -> bool {
    let Some(pattern) = pattern else { return true };
    let Some(text) = text else { return false };
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(_), Some(_)) if pattern.len() > 1 => text.contains(&pattern[1..pattern.len() - 1]),
        (Some(end), _) => text.ends_with(end),
        (_, Some(start)) => text.starts_with(start),
        (None, None) => pattern == text,
    }
}

/// The parts of a request that scopes speak of.
#[derive(Debug, Default)]
struct View<'a> {
    group: Option<&'a str>,
    member: Option<&'a str>,
    transactional_id: Option<&'a str>,
    producers: Vec<(i64, i16)>,
    partitions: Vec<(&'a str, i32)>,
    first_sequences: Vec<i32>,
}

impl<'a> View<'a> {
    fn of(facts: &'a RequestFacts) -> Self {
        let mut view = Self::default();
        match facts {
            RequestFacts::Produce(produce) => {
                view.transactional_id = produce.transactional_id.as_deref();
                for part in &produce.partitions {
                    view.partitions.push((&part.topic, part.partition));
                    for batch in &part.batches {
                        view.producers.push((batch.producer_id, batch.producer_epoch));
                        view.first_sequences.push(batch.base_sequence);
                    }
                }
            }
            RequestFacts::Fetch(fetch) => {
                if let Some(group) = &fetch.share_group {
                    view.group = Some(&group.group_id);
                    view.member = Some(&group.member_id);
                }
                view.partitions = fetch
                    .positions
                    .iter()
                    .map(|position| (position.topic.as_str(), position.partition))
                    .collect();
            }
            RequestFacts::JoinGroup { group, .. }
            | RequestFacts::SyncGroup { group, .. }
            | RequestFacts::Heartbeat(group)
            | RequestFacts::ConsumerGroupHeartbeat { group, .. } => {
                view.group = Some(&group.group_id);
                view.member = Some(&group.member_id);
            }
            RequestFacts::LeaveGroup { group_id, members } => {
                view.group = Some(group_id);
                view.member = members.first().map(String::as_str);
            }
            RequestFacts::OffsetCommit(commit) => {
                view.group = Some(&commit.group.group_id);
                view.member = Some(&commit.group.member_id);
                if let Some(transaction) = &commit.transaction {
                    view.transaction(transaction);
                }
                view.partitions = commit
                    .offsets
                    .iter()
                    .map(|offset| (offset.topic.as_str(), offset.partition))
                    .collect();
            }
            RequestFacts::OffsetFetch { groups, .. } => view.group = groups.first().map(String::as_str),
            RequestFacts::InitProducerId(init) => {
                view.transactional_id = init.transactional_id.as_deref();
                view.producers.push((init.producer_id, init.producer_epoch));
            }
            RequestFacts::AddPartitionsToTxn(add) => {
                for (transaction, partitions) in &add.transactions {
                    view.transaction(transaction);
                    view.partitions.extend(
                        partitions
                            .iter()
                            .map(|(topic, partition)| (topic.as_str(), *partition)),
                    );
                }
            }
            RequestFacts::AddOffsetsToTxn {
                transaction,
                group_id,
            } => {
                view.transaction(transaction);
                view.group = Some(group_id);
            }
            RequestFacts::EndTxn(end) => view.transaction(&end.transaction),
            RequestFacts::FindCoordinator { key_type, keys } => {
                let key = keys.first().map(String::as_str);
                if *key_type == 1 {
                    view.transactional_id = key;
                } else {
                    view.group = key;
                }
            }
            RequestFacts::ListOffsets { partitions, .. } => {
                view.partitions = partitions
                    .iter()
                    .map(|(topic, partition, _)| (topic.as_str(), *partition))
                    .collect();
            }
            RequestFacts::Other => {}
        }
        view
    }

    fn transaction(&mut self, transaction: &'a TransactionFacts) {
        self.transactional_id = Some(&transaction.transactional_id);
        self.producers
            .push((transaction.producer_id, transaction.producer_epoch));
    }
}

/// The transactional id that a request speaks for.
pub(crate) fn transactional_id(facts: &RequestFacts) -> Option<&str> {
    View::of(facts).transactional_id
}
