//! Every version of what administrators ask for.

use highwater_wire::{Connection, WireError};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::{
    ApiKey, DeleteGroupsRequest, DeleteRecordsRequest, DescribeGroupsRequest, ListGroupsRequest,
    OffsetDeleteRequest,
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
        other => panic!("{other:?} is advertised and not tested"),
    }
}
