//! `highwater cluster move`: another node leads a partition.
//!
//! ```text
//! reassign (the node first among the replicas) ─▶ wait until copied ─▶ elect it ─▶ wait until it leads
//! ```

use std::thread;
use std::time::{Duration, Instant};

use highwater_model::ExitCode;
use highwater_wire::coordinator::{GROUP_TOPIC, TRANSACTION_TOPIC, partition_of};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, ElectLeadersRequest, FindCoordinatorRequest,
    ListPartitionReassignmentsRequest, TopicName,
};

use super::client::{Client, refused, text};
use crate::arguments::MoveArguments;
use crate::command::run::print;
use crate::failure::Failure;

/// Kafka copies a partition to a node that has no replica of it.
const MOVE_LIMIT: Duration = Duration::from_secs(120);
const ASK_EVERY: Duration = Duration::from_millis(50);
const TIMEOUT_MS: i32 = 30_000;

/// Versions that Kafka 2.8 to 4.x and the dev broker speak.
const FIND_VERSION: i16 = 3;
const REASSIGN_VERSION: i16 = 0;
const ELECT_VERSION: i16 = 2;

/// Key types of the protocol.
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

pub(super) fn carry_out(client: &mut Client, arguments: &MoveArguments) -> Result<(), Failure> {
    let (topic, index) = what(client, arguments)?;
    let place = format!("{topic}-{index}");
    let to = BrokerId(arguments.to);
    check_node(client, to)?;
    let before = client.partition(&topic, index)?;
    if before.leader_id == to {
        return print(&format!("{place}: node {} leads it already\n", to.0));
    }
    reassign(client, &topic, index, replicas_with(&before, to))?;
    wait(&place, "it is still being copied", || {
        is_under_way(client, &topic, index).map(|under_way| !under_way)
    })?;
    if client.partition(&topic, index)?.leader_id != to {
        elect(client, &topic, index)?;
    }
    wait(&place, "its leader has not changed", || {
        Ok(client.partition(&topic, index)?.leader_id == to)
    })?;
    let after = client.partition(&topic, index)?;
    print(&format!(
        "{place}: from node {} to node {}, leader epoch {}\n",
        before.leader_id.0, to.0, after.leader_epoch
    ))
}

/// The topic and partition that stand for what is to be moved.
fn what(client: &mut Client, arguments: &MoveArguments) -> Result<(String, i32), Failure> {
    let (topic, key_type, key) = match (&arguments.topic, &arguments.group, &arguments.transactional_id) {
        (Some(topic), ..) => return Ok((topic.clone(), arguments.partition)),
        (_, Some(group), _) => (GROUP_TOPIC, GROUP, group),
        (_, _, Some(id)) => (TRANSACTION_TOPIC, TRANSACTION, id),
        _ => return Err(Failure::new(ExitCode::Usage, "nothing to move was given")),
    };
    // The topic is made when a coordinator is asked for the first time.
    let request = FindCoordinatorRequest::default()
        .with_key_type(key_type)
        .with_key(text(key));
    wait(key, "it has no coordinator", || {
        let answer = client.call(&request, FIND_VERSION)?;
        match ResponseError::try_from_code(answer.error_code) {
            None => Ok(true),
            Some(ResponseError::CoordinatorNotAvailable) => Ok(false),
            Some(_) => Err(refused(key, answer.error_code, answer.error_message.as_ref())),
        }
    })?;
    let count = client.topic(topic)?.partitions.len();
    let index = partition_of(key, i32::try_from(count).unwrap_or(i32::MAX));
    Ok((topic.to_owned(), index))
}

fn check_node(client: &mut Client, to: BrokerId) -> Result<(), Failure> {
    let metadata = client.nodes()?;
    let nodes: Vec<String> = metadata
        .brokers
        .iter()
        .map(|node| node.node_id.0.to_string())
        .collect();
    if metadata.brokers.iter().any(|node| node.node_id == to) {
        return Ok(());
    }
    let failure = Failure::new(ExitCode::Usage, format!("there is no node {}", to.0));
    Err(failure.help(format!("the nodes are {}", nodes.join(", "))))
}

/// The node first; if it had no replica, it takes the place of the leader's.
fn replicas_with(before: &MetadataResponsePartition, to: BrokerId) -> Vec<BrokerId> {
    let has_one = before.replica_nodes.contains(&to);
    let stays = |id: &&BrokerId| **id != to && (has_one || **id != before.leader_id);
    let others = before.replica_nodes.iter().filter(stays).copied();
    std::iter::once(to).chain(others).collect()
}

fn reassign(client: &mut Client, topic: &str, index: i32, replicas: Vec<BrokerId>) -> Result<(), Failure> {
    let partition = ReassignablePartition::default()
        .with_partition_index(index)
        .with_replicas(Some(replicas));
    let wanted = ReassignableTopic::default()
        .with_name(TopicName(text(topic)))
        .with_partitions(vec![partition]);
    let request = AlterPartitionReassignmentsRequest::default()
        .with_timeout_ms(TIMEOUT_MS)
        .with_topics(vec![wanted]);
    let answer = client.call(&request, REASSIGN_VERSION)?;
    let what = format!("move {topic}-{index}");
    if answer.error_code != 0 {
        return Err(refused(&what, answer.error_code, answer.error_message.as_ref()));
    }
    for partition in answer.responses.iter().flat_map(|topic| &topic.partitions) {
        if partition.error_code != 0 {
            return Err(refused(
                &what,
                partition.error_code,
                partition.error_message.as_ref(),
            ));
        }
    }
    Ok(())
}

fn is_under_way(client: &mut Client, topic: &str, index: i32) -> Result<bool, Failure> {
    let wanted = ListPartitionReassignmentsTopics::default()
        .with_name(TopicName(text(topic)))
        .with_partition_indexes(vec![index]);
    let request = ListPartitionReassignmentsRequest::default()
        .with_timeout_ms(TIMEOUT_MS)
        .with_topics(Some(vec![wanted]));
    let answer = client.call(&request, REASSIGN_VERSION)?;
    if answer.error_code != 0 {
        let what = format!("move {topic}-{index}");
        return Err(refused(&what, answer.error_code, answer.error_message.as_ref()));
    }
    Ok(answer.topics.iter().any(|topic| !topic.partitions.is_empty()))
}

fn elect(client: &mut Client, topic: &str, index: i32) -> Result<(), Failure> {
    let wanted = TopicPartitions::default()
        .with_topic(TopicName(text(topic)))
        .with_partitions(vec![index]);
    let request = ElectLeadersRequest::default()
        .with_timeout_ms(TIMEOUT_MS)
        .with_topic_partitions(Some(vec![wanted]));
    let answer = client.call(&request, ELECT_VERSION)?;
    let results = answer.replica_election_results.iter();
    for result in results.flat_map(|topic| &topic.partition_result) {
        let not_needed = ResponseError::ElectionNotNeeded.code();
        if ![0, not_needed].contains(&result.error_code) {
            let what = format!("elect the leader of {topic}-{index}");
            return Err(refused(&what, result.error_code, result.error_message.as_ref()));
        }
    }
    Ok(())
}

fn wait(what: &str, otherwise: &str, mut done: impl FnMut() -> Result<bool, Failure>) -> Result<(), Failure> {
    let deadline = Instant::now() + MOVE_LIMIT;
    while !done()? {
        if Instant::now() >= deadline {
            let limit = MOVE_LIMIT.as_secs();
            return Err(Failure::new(
                ExitCode::Infrastructure,
                format!("{what}: after {limit} s {otherwise}"),
            ));
        }
        thread::sleep(ASK_EVERY);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_comes_first_and_the_number_of_replicas_stays() {
        type Case<'a> = (&'a str, i32, &'a [i32], i32, &'a [i32]);
        let cases: [Case<'_>; 3] = [
            ("a replica", 1, &[1, 2, 3], 3, &[3, 1, 2]),
            ("a stranger takes the leader's place", 1, &[2, 1], 3, &[3, 2]),
            ("the only one", 1, &[1], 2, &[2]),
        ];
        for (name, leader, replicas, to, expected) in cases {
            let before = MetadataResponsePartition::default()
                .with_leader_id(BrokerId(leader))
                .with_replica_nodes(replicas.iter().copied().map(BrokerId).collect());
            let ids: Vec<i32> = replicas_with(&before, BrokerId(to))
                .iter()
                .map(|id| id.0)
                .collect();
            assert_eq!(ids, expected, "{name}");
        }
    }
}
