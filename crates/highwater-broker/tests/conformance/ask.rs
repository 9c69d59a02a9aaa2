//! Requests that many bodies send, and their answers in a line.

use bytes::Bytes;
use highwater_wire::batch::{Batches, Step};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, FetchRequest, FindCoordinatorRequest, InitProducerIdRequest,
    InitProducerIdResponse, ListOffsetsRequest, MetadataRequest, ProducerId, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::arm::{Arm, error, poll, settled};
use crate::client::{fetch_request, produce_request, text, topic};

/// Special timestamps of ListOffsets.
pub(crate) const LATEST: i64 = -1;
pub(crate) const EARLIEST: i64 = -2;
pub(crate) const MAX_TIMESTAMP: i64 = -3;

/// What FindCoordinator looks for.
pub(crate) const GROUP: i8 = 0;
pub(crate) const TRANSACTION: i8 = 1;

pub(crate) fn transactional_id(id: &str) -> TransactionalId {
    TransactionalId(text(id))
}

pub(crate) fn creatable(name: &str, partitions: i32, configs: &[(&str, &str)]) -> CreatableTopic {
    let configs = configs.iter().map(|(name, value)| {
        CreatableTopicConfig::default()
            .with_name(text(name))
            .with_value(Some(text(value)))
    });
    CreatableTopic::default()
        .with_name(topic(name))
        .with_num_partitions(partitions)
        .with_replication_factor(1)
        .with_configs(configs.collect())
}

impl Arm {
    /// Makes a topic of one partition, ready to be written to.
    pub(crate) fn topic(&mut self, suffix: &str) -> String {
        self.topic_with(suffix, 1, &[])
    }

    /// Makes a topic; returns when all of its partitions answer.
    pub(crate) fn topic_with(&mut self, suffix: &str, partitions: i32, configs: &[(&str, &str)]) -> String {
        let name = self.name(suffix);
        let request = CreateTopicsRequest::default()
            .with_timeout_ms(10_000)
            .with_topics(vec![creatable(&name, partitions, configs)]);
        let response = self.call(&request, 7);
        assert_eq!(error(response.topics[0].error_code), "None", "{name}");
        self.await_partitions(&name, partitions);
        name
    }

    /// Waits until partitions that were made are led.
    pub(crate) fn await_partitions(&mut self, name: &str, partitions: i32) {
        for partition in 0..partitions {
            poll(name, || {
                (self.list_offset(name, partition, LATEST).error_code == 0).then_some(())
            });
        }
    }

    /// The id of a topic.
    pub(crate) fn topic_id(&mut self, name: &str) -> Uuid {
        let wanted = MetadataRequestTopic::default().with_name(Some(topic(name)));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![wanted]))
            .with_allow_auto_topic_creation(false);
        self.call(&request, 12).topics[0].topic_id
    }

    /// Waits until a group or transactional id has its coordinator; gives the name.
    pub(crate) fn coordinated(&mut self, kind: i8, suffix: &str) -> String {
        let name = self.name(suffix);
        let request = FindCoordinatorRequest::default()
            .with_key_type(kind)
            .with_coordinator_keys(vec![text(&name)]);
        settled(
            || self.call(&request, 4),
            |answer| answer.coordinators[0].error_code,
        );
        name
    }

    pub(crate) fn produce(&mut self, name: &str, records: Bytes) -> PartitionProduceResponse {
        let response = self.call(&produce_request(name, 0, records), 9);
        response.responses[0].partition_responses[0].clone()
    }

    /// Produces and takes down the answer.
    pub(crate) fn see_produce(&mut self, what: &str, name: &str, records: Bytes) {
        let answer = self.produce(name, records);
        self.see(what, produced(&answer));
    }

    /// Produces what has to be taken.
    pub(crate) fn fill(&mut self, name: &str, records: Bytes) {
        let answer = self.produce(name, records);
        assert_eq!(error(answer.error_code), "None", "{name}");
    }

    pub(crate) fn fetch(&mut self, request: &FetchRequest) -> PartitionData {
        let response = self.call(request, 12);
        assert_eq!(error(response.error_code), "None");
        response.responses[0].partitions[0].clone()
    }

    /// Fetches once and takes down the answer.
    pub(crate) fn see_fetch(&mut self, what: &str, request: &FetchRequest) {
        let data = self.fetch(request);
        let seen = self.fetched(&data);
        self.see(what, seen);
    }

    /// Fetches from the front of partition 0, in one isolation level, and takes down the answer.
    pub(crate) fn see_log(&mut self, what: &str, name: &str, isolation_level: i8) {
        let request = fetch_request(name, 0, 0).with_isolation_level(isolation_level);
        self.see_fetch(what, &request);
    }

    /// One partition of a Fetch answer, in a line.
    pub(crate) fn fetched(&mut self, data: &PartitionData) -> String {
        let aborted = data.aborted_transactions.as_ref().map(|aborted| {
            let one = aborted
                .iter()
                .map(|one| format!("{}@{}", self.producer(one.producer_id.0), one.first_offset));
            one.collect::<Vec<_>>()
        });
        let aborted = aborted.map_or_else(|| "null".to_owned(), |aborted| format!("[{}]", aborted.join(" ")));
        let mut records = vec![];
        for step in Batches::new(&data.records.clone().unwrap_or_default()) {
            records.push(match step {
                Step::Complete(header, _) => format!(
                    "{}-{}{}{}",
                    header.base_offset(),
                    header.last_offset(),
                    if header.is_transactional() { "t" } else { "" },
                    if header.is_control() { "c" } else { "" },
                ),
                Step::Torn(_) => "torn".to_owned(),
                Step::Corrupt(error) => error.to_string(),
            });
        }
        format!(
            "{} high={} stable={} start={} aborted={aborted} batches=[{}]",
            error(data.error_code),
            data.high_watermark,
            data.last_stable_offset,
            data.log_start_offset,
            records.join(" ")
        )
    }

    pub(crate) fn list_offset(
        &mut self,
        name: &str,
        partition: i32,
        timestamp: i64,
    ) -> ListOffsetsPartitionResponse {
        self.list_offset_at(name, partition, timestamp, 0)
    }

    pub(crate) fn list_offset_at(
        &mut self,
        name: &str,
        partition: i32,
        timestamp: i64,
        isolation_level: i8,
    ) -> ListOffsetsPartitionResponse {
        let response = self.call(&list_request(name, partition, timestamp, isolation_level), 7);
        response.topics[0].partitions[0].clone()
    }

    /// Where the log and its stable part end, in a line.
    pub(crate) fn see_ends(&mut self, what: &str, name: &str) {
        let uncommitted = self.list_offset_at(name, 0, LATEST, 0);
        let committed = self.list_offset_at(name, 0, LATEST, 1);
        let seen = format!("end={} stable={}", uncommitted.offset, committed.offset);
        self.see(what, seen);
    }

    /// A producer id without a transactional one.
    pub(crate) fn idempotent(&mut self) -> (i64, i16) {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_transaction_timeout_ms(60_000);
        let answer = settled(|| self.call(&request, 4), |answer| answer.error_code);
        assert_eq!(error(answer.error_code), "None");
        (answer.producer_id.0, answer.producer_epoch)
    }

    /// Asks for a producer id, again as long as the coordinator is busy.
    pub(crate) fn init(&mut self, id: &str, timeout_ms: i32, known: (i64, i16)) -> InitProducerIdResponse {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(transactional_id(id)))
            .with_transaction_timeout_ms(timeout_ms)
            .with_producer_id(ProducerId(known.0))
            .with_producer_epoch(known.1);
        settled(|| self.call(&request, 4), |answer| answer.error_code)
    }
}

pub(crate) fn list_request(
    name: &str,
    partition: i32,
    timestamp: i64,
    isolation_level: i8,
) -> ListOffsetsRequest {
    let wanted = ListOffsetsPartition::default()
        .with_partition_index(partition)
        .with_timestamp(timestamp);
    let wanted = ListOffsetsTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![wanted]);
    ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(isolation_level)
        .with_topics(vec![wanted])
}

/// One partition of a ListOffsets answer, in a line.
pub(crate) fn listed(answer: &ListOffsetsPartitionResponse) -> String {
    format!(
        "{} offset={} timestamp={} epoch={}",
        error(answer.error_code),
        answer.offset,
        answer.timestamp,
        answer.leader_epoch
    )
}

/// One partition of a Produce answer, in a line.
pub(crate) fn produced(answer: &PartitionProduceResponse) -> String {
    let appended = if answer.log_append_time_ms < 0 {
        ""
    } else {
        " append time"
    };
    let records: Vec<i32> = answer.record_errors.iter().map(|one| one.batch_index).collect();
    format!(
        "{} base={} start={}{appended} record errors={records:?}",
        error(answer.error_code),
        answer.base_offset,
        answer.log_start_offset,
    )
}

/// A string that may be missing.
pub(crate) fn nullable(text: Option<&StrBytes>) -> String {
    text.map_or_else(|| "null".to_owned(), |text| format!("\"{text}\""))
}
