//! Every version of what administrators ask for.

use highwater_wire::{Connection, WireError};
use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::AlterConfigsResource as IncrementalResource;
use kafka_protocol::messages::{
    AlterConfigsRequest, ApiKey, CreatePartitionsRequest, DeleteGroupsRequest, DeleteRecordsRequest,
    DescribeAclsRequest, DescribeClusterRequest, DescribeConfigsRequest, DescribeGroupsRequest,
    DescribeLogDirsRequest, DescribeTopicPartitionsRequest, IncrementalAlterConfigsRequest,
    ListConfigResourcesRequest, ListGroupsRequest, OffsetDeleteRequest,
};

use crate::client::*;

pub(crate) fn exercise(connection: &mut Connection, api: ApiKey, version: i16) -> Result<(), WireError> {
    match api {
        ApiKey::DescribeGroups => {
            let groups = vec![group("versions"), group("nowhere")];
            let request = DescribeGroupsRequest::default().with_groups(groups);
            connection.call(&request, version).map(drop)
        }
        ApiKey::ListGroups => {
            let listed = connection.call(&ListGroupsRequest::default(), version)?;
            assert!(!listed.groups.is_empty());
            Ok(())
        }
        ApiKey::DeleteGroups => {
            let request = DeleteGroupsRequest::default().with_groups_names(vec![group("nowhere")]);
            connection.call(&request, version).map(drop)
        }
        ApiKey::DeleteRecords => {
            let partition = DeleteRecordsPartition::default().with_offset(0);
            let wanted = DeleteRecordsTopic::default()
                .with_name(topic("t"))
                .with_partitions(vec![partition]);
            let request = DeleteRecordsRequest::default().with_topics(vec![wanted]);
            connection.call(&request, version).map(drop)
        }
        ApiKey::OffsetDelete => {
            let request = OffsetDeleteRequest::default().with_group_id(group("versions"));
            connection.call(&request, version).map(drop)
        }
        ApiKey::DescribeAcls => {
            let request = DescribeAclsRequest::default().with_resource_type_filter(1);
            connection.call(&request, version).map(drop)
        }
        ApiKey::DescribeLogDirs => {
            let all = DescribeLogDirsRequest::default().with_topics(None);
            assert!(!connection.call(&all, version)?.results[0].topics.is_empty());
            Ok(())
        }
        ApiKey::DescribeCluster => connection
            .call(&DescribeClusterRequest::default(), version)
            .map(drop),
        ApiKey::DescribeTopicPartitions => {
            let request = DescribeTopicPartitionsRequest::default().with_response_partition_limit(1);
            connection.call(&request, version).map(drop)
        }
        ApiKey::CreatePartitions => {
            for name in ["t", "nowhere"] {
                let wanted = CreatePartitionsTopic::default()
                    .with_name(topic(name))
                    .with_count(1)
                    .with_assignments(None);
                let request = CreatePartitionsRequest::default().with_topics(vec![wanted]);
                connection.call(&request, version)?;
            }
            Ok(())
        }
        ApiKey::DescribeConfigs => {
            for (kind, name) in [(2, "t"), (2, "nowhere"), (4, "1")] {
                let wanted = DescribeConfigsResource::default()
                    .with_resource_type(kind)
                    .with_resource_name(text(name))
                    .with_configuration_keys(None);
                let request = DescribeConfigsRequest::default()
                    .with_resources(vec![wanted])
                    .with_include_synonyms(true)
                    .with_include_documentation(version >= 3);
                connection.call(&request, version)?;
            }
            Ok(())
        }
        ApiKey::AlterConfigs => {
            let wanted = AlterConfigsResource::default()
                .with_resource_type(2)
                .with_resource_name(text("t"));
            let request = AlterConfigsRequest::default().with_resources(vec![wanted]);
            connection.call(&request, version).map(drop)
        }
        ApiKey::IncrementalAlterConfigs => {
            let wanted = IncrementalResource::default()
                .with_resource_type(2)
                .with_resource_name(text("t"));
            let request = IncrementalAlterConfigsRequest::default().with_resources(vec![wanted]);
            connection.call(&request, version).map(drop)
        }
        ApiKey::ListConfigResources => {
            let listed = connection.call(&ListConfigResourcesRequest::default(), version)?;
            assert_eq!(listed.config_resources.is_empty(), version == 0);
            Ok(())
        }
        other => panic!("{other:?} is advertised and not tested"),
    }
}
