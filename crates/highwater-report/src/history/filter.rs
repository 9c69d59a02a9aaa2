//! Which exchanges are looked at.

use std::convert::Infallible;
use std::str::FromStr;

use highwater_model::history::{BatchFacts, RequestFacts, ResponseFacts, TransactionFacts};

/// What is looked at; everything that is given must be true of an exchange.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// A producer.
    pub producer: Option<Producer>,
    /// A group.
    pub group: Option<String>,
    /// A topic or a partition.
    pub topic: Option<TopicFilter>,
    /// A connection.
    pub connection: Option<u32>,
    /// The number of an API.
    pub api_key: Option<i16>,
}

/// A producer by its id or its transactional id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Producer {
    text: String,
    id: Option<i64>,
}

impl FromStr for Producer {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self {
            text: text.to_owned(),
            id: text.parse().ok(),
        })
    }
}

impl Producer {
    fn is(&self, id: i64, transactional_id: Option<&str>) -> bool {
        self.id == Some(id) || transactional_id == Some(self.text.as_str())
    }

    fn transaction(&self, transaction: &TransactionFacts) -> bool {
        self.is(transaction.producer_id, Some(&transaction.transactional_id))
    }

    fn batches<'a>(&self, mut batches: impl Iterator<Item = &'a BatchFacts>) -> bool {
        batches.any(|batch| self.id == Some(batch.producer_id))
    }
}

/// `orders`, or `orders/2` for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicFilter {
    topic: String,
    partition: Option<i32>,
}

impl FromStr for TopicFilter {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A topic's name can't hold a slash.
        let parts = text.rsplit_once('/');
        let partition = parts.and_then(|(topic, partition)| Some((topic, partition.parse().ok()?)));
        Ok(match partition {
            Some((topic, partition)) => Self {
                topic: topic.to_owned(),
                partition: Some(partition),
            },
            None => Self {
                topic: text.to_owned(),
                partition: None,
            },
        })
    }
}

impl TopicFilter {
    fn is(&self, topic: &str, partition: i32) -> bool {
        self.topic == topic && self.partition.is_none_or(|wanted| wanted == partition)
    }

    fn among(&self, partitions: &[(String, i32)]) -> bool {
        partitions
            .iter()
            .any(|(topic, partition)| self.is(topic, *partition))
    }
}

impl Filter {
    /// Nothing was asked for: everything is looked at.
    pub(super) fn is_empty(&self) -> bool {
        !self.asks_for_contents() && self.connection.is_none() && self.api_key.is_none()
    }

    /// Something about contents was asked for, which only requests and answers have.
    pub(super) fn asks_for_contents(&self) -> bool {
        self.producer.is_some() || self.group.is_some() || self.topic.is_some()
    }

    /// Whether connection and API fit.
    pub(super) fn frame(&self, connection: u32, api_key: i16) -> bool {
        self.connection.is_none_or(|wanted| wanted == connection)
            && self.api_key.is_none_or(|wanted| wanted == api_key)
    }

    /// Whether the contents of a request fit.
    pub(super) fn request(&self, facts: &RequestFacts) -> bool {
        self.producer
            .as_ref()
            .is_none_or(|producer| request_of_producer(facts, producer))
            && self
                .group
                .as_ref()
                .is_none_or(|group| request_of_group(facts, group))
            && self
                .topic
                .as_ref()
                .is_none_or(|topic| request_of_topic(facts, topic))
    }

    /// Whether the contents of an answer fit.
    pub(super) fn response(&self, facts: &ResponseFacts) -> bool {
        self.producer
            .as_ref()
            .is_none_or(|producer| response_of_producer(facts, producer))
            && self
                .group
                .as_ref()
                .is_none_or(|group| response_of_group(facts, group))
            && self
                .topic
                .as_ref()
                .is_none_or(|topic| response_of_topic(facts, topic))
    }
}

fn request_of_producer(facts: &RequestFacts, producer: &Producer) -> bool {
    match facts {
        RequestFacts::Produce(facts) => {
            let batches = facts.partitions.iter().flat_map(|partition| &partition.batches);
            facts
                .transactional_id
                .as_deref()
                .is_some_and(|id| producer.text == id)
                || producer.batches(batches)
        }
        RequestFacts::InitProducerId(facts) => {
            producer.is(facts.producer_id, facts.transactional_id.as_deref())
        }
        RequestFacts::AddPartitionsToTxn(facts) => facts
            .transactions
            .iter()
            .any(|(transaction, _)| producer.transaction(transaction)),
        RequestFacts::AddOffsetsToTxn { transaction, .. } => producer.transaction(transaction),
        RequestFacts::EndTxn(facts) => producer.transaction(&facts.transaction),
        RequestFacts::OffsetCommit(facts) => facts
            .transaction
            .as_ref()
            .is_some_and(|transaction| producer.transaction(transaction)),
        RequestFacts::FindCoordinator { key_type: 1, keys } => keys.contains(&producer.text),
        _ => false,
    }
}

fn request_of_group(facts: &RequestFacts, wanted: &str) -> bool {
    match facts {
        RequestFacts::JoinGroup { group, .. }
        | RequestFacts::SyncGroup { group, .. }
        | RequestFacts::Heartbeat(group)
        | RequestFacts::ConsumerGroupHeartbeat { group, .. } => group.group_id == wanted,
        RequestFacts::Fetch(facts) => facts
            .share_group
            .as_ref()
            .is_some_and(|group| group.group_id == wanted),
        RequestFacts::OffsetCommit(facts) => facts.group.group_id == wanted,
        RequestFacts::LeaveGroup { group_id, .. } | RequestFacts::AddOffsetsToTxn { group_id, .. } => {
            group_id == wanted
        }
        RequestFacts::OffsetFetch { groups, .. } => groups.iter().any(|group| group == wanted),
        RequestFacts::FindCoordinator { key_type, keys } => {
            *key_type != 1 && keys.iter().any(|key| key == wanted)
        }
        _ => false,
    }
}

fn request_of_topic(facts: &RequestFacts, wanted: &TopicFilter) -> bool {
    match facts {
        RequestFacts::Produce(facts) => facts
            .partitions
            .iter()
            .any(|of| wanted.is(&of.topic, of.partition)),
        RequestFacts::Fetch(facts) => {
            facts
                .positions
                .iter()
                .any(|of| wanted.is(&of.topic, of.partition))
                || wanted.among(&facts.forgotten)
        }
        RequestFacts::JoinGroup { topics, .. } => topics.contains(&wanted.topic),
        RequestFacts::SyncGroup { assignments, .. } => {
            assignments.iter().any(|member| wanted.among(&member.partitions))
        }
        RequestFacts::ConsumerGroupHeartbeat { topics, owned, .. } => {
            topics
                .as_ref()
                .is_some_and(|topics| topics.contains(&wanted.topic))
                || owned.as_ref().is_some_and(|owned| wanted.among(owned))
        }
        RequestFacts::OffsetCommit(facts) => {
            facts.offsets.iter().any(|of| wanted.is(&of.topic, of.partition))
        }
        RequestFacts::AddPartitionsToTxn(facts) => facts
            .transactions
            .iter()
            .any(|(_, partitions)| wanted.among(partitions)),
        RequestFacts::ListOffsets { partitions, .. } => partitions
            .iter()
            .any(|(topic, partition, _)| wanted.is(topic, *partition)),
        _ => false,
    }
}

fn response_of_producer(facts: &ResponseFacts, producer: &Producer) -> bool {
    match facts {
        ResponseFacts::Fetched { partitions, .. } => {
            producer.batches(partitions.iter().flat_map(|partition| &partition.batches))
        }
        ResponseFacts::Producer { producer_id, .. } => producer.id == Some(*producer_id),
        _ => false,
    }
}

fn response_of_group(facts: &ResponseFacts, wanted: &str) -> bool {
    match facts {
        ResponseFacts::CommittedOffsets { groups, .. } => groups.iter().any(|(group, _)| group == wanted),
        _ => false,
    }
}

fn response_of_topic(facts: &ResponseFacts, wanted: &TopicFilter) -> bool {
    match facts {
        ResponseFacts::Partitions { results, .. } => {
            results.iter().any(|of| wanted.is(&of.topic, of.partition))
        }
        ResponseFacts::Fetched { partitions, .. } => {
            partitions.iter().any(|of| wanted.is(&of.topic, of.partition))
        }
        ResponseFacts::Assigned { partitions, .. } => {
            partitions.as_ref().is_some_and(|owned| wanted.among(owned))
        }
        ResponseFacts::CommittedOffsets { groups, .. } => groups
            .iter()
            .flat_map(|(_, offsets)| offsets)
            .any(|of| wanted.is(&of.topic, of.partition)),
        _ => false,
    }
}
