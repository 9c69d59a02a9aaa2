//! DescribeCluster, DescribeLogDirs, DescribeAcls: what belongs to the nodes and not to one topic.

use std::collections::BTreeSet;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::{
    BrokerId, DescribeAclsRequest, DescribeAclsResponse, DescribeClusterRequest, DescribeClusterResponse,
    DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use super::errors::ApiError;
use super::operations;
use crate::topics::Topic;

/// Endpoint types of DescribeCluster.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

/// First version of DescribeLogDirs that tells the size of the file system.
const VOLUME_VERSION: i16 = 4;

/// A size that cannot be found out.
const UNKNOWN_SIZE: i64 = -1;

pub(super) fn describe(call: &Call<'_>, request: &DescribeClusterRequest) -> DescribeClusterResponse {
    let cluster = call.cluster;
    let operations = operations::of_cluster(request.include_cluster_authorized_operations);
    if let Err(error) = check_endpoint(request.endpoint_type) {
        return DescribeClusterResponse::default()
            .with_error_code(error.code())
            .with_error_message(error.text())
            .with_controller_id(BrokerId(-1))
            .with_cluster_authorized_operations(operations::NOT_ASKED);
    }
    let brokers = cluster
        .nodes()
        .iter()
        .map(|node| {
            let address = node.advertised(call.reached_by);
            DescribeClusterBroker::default()
                .with_broker_id(BrokerId(node.id))
                .with_host(StrBytes::from_string(address.ip().to_string()))
                .with_port(i32::from(address.port()))
        })
        .collect();
    DescribeClusterResponse::default()
        .with_endpoint_type(BROKERS)
        .with_cluster_id(StrBytes::from_string(cluster.data_dir.cluster_id.clone()))
        .with_controller_id(BrokerId(cluster.controller().id))
        .with_brokers(brokers)
        .with_cluster_authorized_operations(operations)
}

fn check_endpoint(wanted: i8) -> Result<(), ApiError> {
    match wanted {
        BROKERS => Ok(()),
        CONTROLLERS => Err(ApiError::new(
            ResponseError::MismatchedEndpointType,
            "this is a broker, and there is no controller with an address of its own",
        )),
        other => Err(ApiError::new(
            ResponseError::UnsupportedEndpointType,
            format!("endpoint type {other}"),
        )),
    }
}

/// One directory holds everything; a node shows the partitions that it has a replica of.
pub(super) fn describe_log_dirs(call: &Call<'_>, request: DescribeLogDirsRequest) -> DescribeLogDirsResponse {
    let topics = match request.topics {
        None => {
            let all = call.cluster.topics.all();
            all.iter().map(|topic| log_dir_topic(call, topic, None)).collect()
        }
        Some(wanted) => wanted
            .into_iter()
            .filter_map(|wanted| {
                let topic = call.cluster.topics.get(&wanted.topic)?;
                Some(log_dir_topic(call, &topic, Some(&wanted.partitions)))
            })
            .collect::<Vec<_>>(),
    };
    let root = &call.cluster.data_dir.root;
    let absolute = std::path::absolute(root).unwrap_or_else(|_| root.clone());
    let mut result = DescribeLogDirsResult::default()
        .with_log_dir(StrBytes::from_string(absolute.display().to_string()))
        .with_topics(
            topics
                .into_iter()
                .filter(|topic: &DescribeLogDirsTopic| !topic.partitions.is_empty())
                .collect(),
        );
    if call.version >= VOLUME_VERSION {
        let (total, usable) = volume(root);
        result = result.with_total_bytes(total).with_usable_bytes(usable);
    }
    DescribeLogDirsResponse::default().with_results(vec![result])
}

fn log_dir_topic(call: &Call<'_>, topic: &Topic, wanted: Option<&[i32]>) -> DescribeLogDirsTopic {
    let wanted: Option<BTreeSet<i32>> = wanted.map(|indexes| indexes.iter().copied().collect());
    let partitions = topic
        .partitions
        .iter()
        .filter(|partition| {
            let index = partition.place.partition;
            wanted.as_ref().is_none_or(|wanted| wanted.contains(&index))
                && partition.leadership().replicas.contains(&call.node.id)
        })
        .map(|partition| {
            let index = partition.place.partition;
            let size = call.cluster.topics.size_on_disk(&topic.name, index);
            DescribeLogDirsPartition::default()
                .with_partition_index(index)
                .with_partition_size(i64::try_from(size).unwrap_or(i64::MAX))
        })
        .collect();
    DescribeLogDirsTopic::default()
        .with_name(TopicName(StrBytes::from_string(topic.name.to_string())))
        .with_partitions(partitions)
}

/// Bytes of the file system in all, and those that are free for us.
fn volume(root: &std::path::Path) -> (i64, i64) {
    match rustix::fs::statvfs(root) {
        Ok(volume) => {
            let bytes = |blocks: u64| {
                blocks
                    .checked_mul(volume.f_frsize)
                    .and_then(|bytes| i64::try_from(bytes).ok())
                    .unwrap_or(i64::MAX)
            };
            (bytes(volume.f_blocks), bytes(volume.f_bavail))
        }
        Err(_) => (UNKNOWN_SIZE, UNKNOWN_SIZE),
    }
}

/// There is nothing to list without an authorizer, and Kafka says so in these words.
pub(super) fn describe_acls(_request: &DescribeAclsRequest) -> DescribeAclsResponse {
    DescribeAclsResponse::default()
        .with_error_code(ResponseError::SecurityDisabled.code())
        .with_error_message(Some(StrBytes::from_static_str(
            "No Authorizer is configured on the broker",
        )))
}
