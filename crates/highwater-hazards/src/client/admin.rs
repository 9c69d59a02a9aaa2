//! Topics and their partitions.

use std::thread;
use std::time::Instant;

use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest, IncrementalAlterConfigsRequest,
};

use super::{BACKOFF, Client, SETTLING_LIMIT, only, text, topic_name};
use crate::error::{HazardError, refused};

const CREATE_TOPICS: i16 = 7;
const CREATE_PARTITIONS: i16 = 3;
const DELETE_RECORDS: i16 = 2;
const ALTER_CONFIGS: i16 = 1;
/// KIP-464.
const AS_CONFIGURED: i16 = -1;
const TIMEOUT_MS: i32 = 10_000;
/// A resource of the kind broker; without a name it stands for all of them.
const BROKER: i8 = 4;
const SET: i8 = 0;
const DELETE: i8 = 1;

impl Client {
    /// Makes a topic; returns when each of its partitions answers.
    pub(crate) fn create_topic(&mut self, name: &str, partitions: i32) -> Result<(), HazardError> {
        self.make_topic(name, partitions)?;
        self.await_partitions(name, partitions)
    }

    /// Makes a topic, whose partitions may be led by nodes that this client does not speak to.
    pub(crate) fn make_topic(&mut self, name: &str, partitions: i32) -> Result<(), HazardError> {
        const WHAT: &str = "CreateTopics";
        let wanted = CreatableTopic::default()
            .with_name(topic_name(name))
            .with_num_partitions(partitions)
            .with_replication_factor(AS_CONFIGURED);
        let request = CreateTopicsRequest::default()
            .with_timeout_ms(TIMEOUT_MS)
            .with_topics(vec![wanted]);
        let answer = self.call(WHAT, &request, CREATE_TOPICS)?;
        refused(WHAT, only(WHAT, answer.topics)?.error_code)
    }

    /// Gives a topic more partitions.
    pub(crate) fn grow_topic(&mut self, name: &str, partitions: i32) -> Result<(), HazardError> {
        const WHAT: &str = "CreatePartitions";
        let wanted = CreatePartitionsTopic::default()
            .with_name(topic_name(name))
            .with_count(partitions)
            .with_assignments(None);
        let request = CreatePartitionsRequest::default()
            .with_timeout_ms(TIMEOUT_MS)
            .with_topics(vec![wanted]);
        let answer = self.call(WHAT, &request, CREATE_PARTITIONS)?;
        refused(WHAT, only(WHAT, answer.results)?.error_code)?;
        self.await_partitions(name, partitions)
    }

    /// Removes what is before an offset, as retention does.
    pub(crate) fn delete_before(
        &mut self,
        name: &str,
        partition: i32,
        offset: i64,
    ) -> Result<(), HazardError> {
        const WHAT: &str = "DeleteRecords";
        let wanted = DeleteRecordsPartition::default()
            .with_partition_index(partition)
            .with_offset(offset);
        let wanted = DeleteRecordsTopic::default()
            .with_name(topic_name(name))
            .with_partitions(vec![wanted]);
        let request = DeleteRecordsRequest::default()
            .with_timeout_ms(TIMEOUT_MS)
            .with_topics(vec![wanted]);
        let answer = self.call(WHAT, &request, DELETE_RECORDS)?;
        let answer = only(WHAT, only(WHAT, answer.topics)?.partitions)?;
        refused(WHAT, answer.error_code)
    }

    /// Sets a setting of all brokers while they run; without a value it gets its default back.
    pub(crate) fn set_of_brokers(&mut self, name: &str, value: Option<&str>) -> Result<(), HazardError> {
        const WHAT: &str = "IncrementalAlterConfigs";
        let setting = AlterableConfig::default()
            .with_name(text(name))
            .with_config_operation(if value.is_some() { SET } else { DELETE })
            .with_value(value.map(text));
        let resource = AlterConfigsResource::default()
            .with_resource_type(BROKER)
            .with_resource_name(text(""))
            .with_configs(vec![setting]);
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        let answer = self.call(WHAT, &request, ALTER_CONFIGS)?;
        refused(WHAT, only(WHAT, answer.responses)?.error_code)
    }

    fn await_partitions(&mut self, name: &str, partitions: i32) -> Result<(), HazardError> {
        let end = Instant::now() + SETTLING_LIMIT;
        for partition in 0..partitions {
            loop {
                match self.end_offset(name, partition) {
                    Ok(_) => break,
                    Err(error) if Instant::now() > end => return Err(error),
                    Err(_) => thread::sleep(BACKOFF),
                }
            }
        }
        Ok(())
    }
}
