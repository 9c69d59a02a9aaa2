use std::collections::BTreeMap;

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{
    DescribeProducersRequest, GroupId, ListTransactionsRequest, OffsetFetchRequest, TopicName,
};

use super::LogError;
use super::cluster::{Cluster, text};
use super::fetch::{Ends, ends_of};

/// The last version with one group for each request, and the first that waits for transactions.
const OFFSET_FETCH_VERSION: i16 = 7;
const UNSTABLE: i16 = 88;
const OPEN_STATES: [&str; 3] = ["Ongoing", "PrepareCommit", "PrepareAbort"];

/// A group, and the topics that it reads.
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    /// Group.
    pub group: &'a str,
    /// Topics whose end it must have reached.
    pub topics: &'a [&'a str],
}

/// Something that is not at rest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Open {
    /// The last stable offset is in front of the end of a partition.
    Unstable {
        /// Topic.
        topic: String,
        /// Partition.
        partition: i32,
        /// Offset after the last record that no open transaction holds back.
        last_stable_offset: i64,
        /// Offset after the last record.
        high_watermark: i64,
        /// Producers with an open transaction in it, and where theirs begin, as far as the broker says.
        producers: Vec<(i64, i64)>,
    },
    /// A transaction is not over.
    Transaction {
        /// Transactional id.
        transactional_id: String,
        /// Producer id.
        producer_id: i64,
        /// State, as Kafka calls it.
        state: String,
    },
    /// A partition grew while it was looked at.
    Growing {
        /// Topic.
        topic: String,
        /// Partition.
        partition: i32,
        /// First and second end.
        from: i64,
        /// Second end.
        to: i64,
    },
    /// A group has not committed up to the end of a partition.
    Behind {
        /// Group.
        group: String,
        /// Topic.
        topic: String,
        /// Partition.
        partition: i32,
        /// What it committed; -1 for nothing.
        committed: i64,
        /// Offset after the last record that a reader of committed records gets.
        end: i64,
    },
    /// Offsets of a group hang in a transaction.
    Pending {
        /// Group.
        group: String,
        /// Topic.
        topic: String,
        /// Partition.
        partition: i32,
    },
}

/// What is still open in topics and groups; empty when all is at rest. An end that no record is behind counts as
/// reached (a marker of a transaction stands there, or nothing was ever written): a group is behind only if `has_record`
/// says that there is a record from its committed offset on.
///
/// # Errors
/// No broker, no such topic, a coordinator that does not answer. Brokers older than Kafka 3.0 don't list transactions.
pub fn still_open(
    bootstrap: &str,
    topics: &[&str],
    groups: &[Group<'_>],
    has_record: &dyn Fn(&str, i32, i64) -> bool,
) -> Result<Vec<Open>, LogError> {
    let mut cluster = Cluster::open(bootstrap)?;
    let mut open = Vec::new();
    let mut first = BTreeMap::new();
    for topic in topics {
        first.insert((*topic).to_owned(), ends_of(&mut cluster, topic)?);
    }
    transactions(&mut cluster, &mut open)?;
    for group in groups {
        lag(&mut cluster, group, has_record, &mut open)?;
    }
    for (topic, first) in &first {
        let second = ends_of(&mut cluster, topic)?;
        for (partition, ends) in second {
            let before = first.get(&partition).copied().unwrap_or(ends);
            rest(&mut cluster, topic, partition, before, ends, &mut open)?;
        }
    }
    open.sort();
    Ok(open)
}

fn rest(
    cluster: &mut Cluster,
    topic: &str,
    partition: i32,
    before: Ends,
    ends: Ends,
    open: &mut Vec<Open>,
) -> Result<(), LogError> {
    if before.high_watermark != ends.high_watermark {
        open.push(Open::Growing {
            topic: topic.to_owned(),
            partition,
            from: before.high_watermark,
            to: ends.high_watermark,
        });
    }
    if ends.last_stable_offset != ends.high_watermark {
        open.push(Open::Unstable {
            topic: topic.to_owned(),
            partition,
            last_stable_offset: ends.last_stable_offset,
            high_watermark: ends.high_watermark,
            producers: producers(cluster, topic, partition)?,
        });
    }
    Ok(())
}

/// Producers with an open transaction in a partition, and where theirs begin.
fn producers(cluster: &mut Cluster, topic: &str, partition: i32) -> Result<Vec<(i64, i64)>, LogError> {
    let leader = cluster.leader(topic, partition)?;
    let request = DescribeProducersRequest::default().with_topics(vec![
        TopicRequest::default()
            .with_name(TopicName(text(topic)))
            .with_partition_indexes(vec![partition]),
    ]);
    let answer = cluster.call("DescribeProducers", leader, &request, 0)?;
    Ok(answer
        .topics
        .iter()
        .flat_map(|topic| &topic.partitions)
        .flat_map(|partition| &partition.active_producers)
        .filter(|producer| producer.current_txn_start_offset >= 0)
        .map(|producer| (producer.producer_id.0, producer.current_txn_start_offset))
        .collect())
}

fn transactions(cluster: &mut Cluster, open: &mut Vec<Open>) -> Result<(), LogError> {
    let request = ListTransactionsRequest::default()
        .with_state_filters(OPEN_STATES.iter().map(|state| text(state)).collect());
    for node in cluster.nodes() {
        let answer = cluster.call("ListTransactions", node, &request, 0)?;
        for transaction in answer.transaction_states {
            let found = Open::Transaction {
                transactional_id: transaction.transactional_id.0.to_string(),
                producer_id: transaction.producer_id.0,
                state: transaction.transaction_state.to_string(),
            };
            if !open.contains(&found) {
                open.push(found);
            }
        }
    }
    Ok(())
}

fn lag(
    cluster: &mut Cluster,
    group: &Group<'_>,
    has_record: &dyn Fn(&str, i32, i64) -> bool,
    open: &mut Vec<Open>,
) -> Result<(), LogError> {
    let mut ends = BTreeMap::new();
    for topic in group.topics {
        for (partition, one) in ends_of(cluster, topic)? {
            ends.insert(((*topic).to_owned(), partition), one);
        }
    }
    let topics = group.topics.iter().map(|topic| {
        let partitions = ends
            .keys()
            .filter(|(name, _)| name == topic)
            .map(|(_, partition)| *partition)
            .collect();
        OffsetFetchRequestTopic::default()
            .with_name(TopicName(text(topic)))
            .with_partition_indexes(partitions)
    });
    let request = OffsetFetchRequest::default()
        .with_group_id(GroupId(text(group.group)))
        .with_topics(Some(topics.collect()))
        .with_require_stable(true);
    let node = cluster.coordinator(group.group)?;
    let answer = cluster.call("OffsetFetch", node, &request, OFFSET_FETCH_VERSION)?;
    if answer.error_code != 0 {
        return Err(LogError::Refused {
            api: "OffsetFetch",
            subject: group.group.to_owned(),
            code: answer.error_code,
        });
    }
    for topic in answer.topics {
        let name = topic.name.0.to_string();
        for found in topic.partitions {
            let partition = found.partition_index;
            if found.error_code == UNSTABLE {
                open.push(Open::Pending {
                    group: group.group.to_owned(),
                    topic: name.clone(),
                    partition,
                });
                continue;
            }
            let Some(ends) = ends.get(&(name.clone(), partition)) else {
                continue;
            };
            let (committed, end) = (found.committed_offset, ends.last_stable_offset);
            let from = committed.max(ends.log_start);
            if from < end && has_record(&name, partition, from) {
                open.push(Open::Behind {
                    group: group.group.to_owned(),
                    topic: name.clone(),
                    partition,
                    committed,
                    end,
                });
            }
        }
    }
    Ok(())
}
