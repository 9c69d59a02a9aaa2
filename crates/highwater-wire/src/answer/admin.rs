//! Configurations, quotas and log directories: a code for each resource, entry or partition.
//!
//! Invariant: every resource of the request is in the answer once.

use std::collections::BTreeMap;

use kafka_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResult;
use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, AlterConfigsRequest, AlterConfigsResponse,
    AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, alter_client_quotas_response,
    alter_configs_response, incremental_alter_configs_response,
};

use super::Refused;

impl Refused for AlterConfigsRequest {
    fn refused(self, _version: i16, error: i16) -> AlterConfigsResponse {
        let responses = self.resources.into_iter().map(|resource| {
            alter_configs_response::AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name)
                .with_error_code(error)
                .with_error_message(None)
        });
        AlterConfigsResponse::default().with_responses(responses.collect())
    }
}

impl Refused for IncrementalAlterConfigsRequest {
    fn refused(self, _version: i16, error: i16) -> IncrementalAlterConfigsResponse {
        let responses = self.resources.into_iter().map(|resource| {
            incremental_alter_configs_response::AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name)
                .with_error_code(error)
                .with_error_message(None)
        });
        IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
    }
}

impl Refused for DescribeConfigsRequest {
    fn refused(self, _version: i16, error: i16) -> DescribeConfigsResponse {
        let results = self.resources.into_iter().map(|resource| {
            DescribeConfigsResult::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name)
                .with_error_code(error)
                .with_error_message(None)
        });
        DescribeConfigsResponse::default().with_results(results.collect())
    }
}

impl Refused for AlterClientQuotasRequest {
    fn refused(self, _version: i16, error: i16) -> AlterClientQuotasResponse {
        let entries = self.entries.into_iter().map(|entry| {
            let entity = entry.entity.into_iter().map(|entity| {
                alter_client_quotas_response::EntityData::default()
                    .with_entity_type(entity.entity_type)
                    .with_entity_name(entity.entity_name)
            });
            alter_client_quotas_response::EntryData::default()
                .with_entity(entity.collect())
                .with_error_code(error)
                .with_error_message(None)
        });
        AlterClientQuotasResponse::default().with_entries(entries.collect())
    }
}

impl Refused for AlterReplicaLogDirsRequest {
    /// The request is by directory, the answer by topic.
    fn refused(self, _version: i16, error: i16) -> AlterReplicaLogDirsResponse {
        let mut topics = BTreeMap::new();
        for topic in self.dirs.into_iter().flat_map(|directory| directory.topics) {
            let partitions: &mut Vec<_> = topics.entry(topic.name).or_default();
            partitions.extend(topic.partitions.iter().map(|&index| {
                AlterReplicaLogDirPartitionResult::default()
                    .with_partition_index(index)
                    .with_error_code(error)
            }));
        }
        let results = topics.into_iter().map(|(name, partitions)| {
            AlterReplicaLogDirTopicResult::default()
                .with_topic_name(name)
                .with_partitions(partitions)
        });
        AlterReplicaLogDirsResponse::default().with_results(results.collect())
    }
}
