//! A transactional producer that says what it is told to say, in the old protocol or in version 2.

use bytes::Bytes;
use highwater_wire::{BatchBuilder, Connection};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest, ProducerId,
    TransactionalId, TxnOffsetCommitRequest,
};

use crate::client::*;

/// Which protocol a producer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Old,
    Two,
}

#[derive(Debug, Clone)]
pub(crate) struct Producer {
    pub(crate) protocol: Protocol,
    pub(crate) transactional_id: TransactionalId,
    pub(crate) id: i64,
    pub(crate) epoch: i16,
    sequences: std::collections::BTreeMap<(String, i32), i32>,
}

pub(crate) fn transactional_id(id: &str) -> TransactionalId {
    TransactionalId(text(id))
}

pub(crate) fn error(code: i16) -> Option<ResponseError> {
    ResponseError::try_from_code(code)
}

pub(crate) fn init_request(id: &str) -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional_id(id)))
        .with_transaction_timeout_ms(60_000)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1)
}

fn time_of_day_ms() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    i64::try_from(since.as_millis()).expect("small")
}

/// A batch of one record in a transaction.
pub(crate) fn in_transaction(id: i64, epoch: i16, sequence: i32, value: &str) -> Bytes {
    BatchBuilder::new()
        .producer(id, epoch, sequence)
        .transactional()
        // Markers have the time of day: a batch from 1970 before them would have a segment of its own.
        .timestamp(time_of_day_ms())
        .record(None, Some(value.as_bytes()))
        .build()
}

impl Producer {
    /// Takes over the transactional id, as often as it takes.
    pub(crate) fn init(connection: &mut Connection, id: &str, protocol: Protocol) -> Self {
        loop {
            let response = connection.call(&init_request(id), 4).expect("InitProducerId");
            if error(response.error_code) == Some(ResponseError::ConcurrentTransactions) {
                continue;
            }
            assert_eq!(error(response.error_code), None);
            return Self {
                protocol,
                transactional_id: transactional_id(id),
                id: response.producer_id.0,
                epoch: response.producer_epoch,
                sequences: std::collections::BTreeMap::new(),
            };
        }
    }

    pub(crate) fn add(
        &self,
        connection: &mut Connection,
        name: &str,
        partition: i32,
    ) -> Option<ResponseError> {
        let wanted = AddPartitionsToTxnTopic::default()
            .with_name(topic(name))
            .with_partitions(vec![partition]);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(self.transactional_id.clone())
            .with_v3_and_below_producer_id(ProducerId(self.id))
            .with_v3_and_below_producer_epoch(self.epoch)
            .with_v3_and_below_topics(vec![wanted]);
        let response = connection.call(&request, 3).expect("AddPartitionsToTxn");
        let results = &response.results_by_topic_v3_and_below[0].results_by_partition;
        error(results[0].partition_error_code)
    }

    /// Sends one record without asking anybody.
    pub(crate) fn send(
        &mut self,
        connection: &mut Connection,
        name: &str,
        partition: i32,
        value: &str,
    ) -> Result<i64, ResponseError> {
        let key = (name.to_owned(), partition);
        let sequence = self.sequences.get(&key).copied().unwrap_or(0);
        let records = in_transaction(self.id, self.epoch, sequence, value);
        let request = produce_request(name, partition, records)
            .with_transactional_id(Some(self.transactional_id.clone()));
        let version = match self.protocol {
            Protocol::Old => 11,
            Protocol::Two => 12,
        };
        let response = connection.call(&request, version).expect("Produce");
        let answer = &response.responses[0].partition_responses[0];
        match error(answer.error_code) {
            None => {
                self.sequences.insert(key, sequence + 1);
                Ok(answer.base_offset)
            }
            Some(error) => Err(error),
        }
    }

    /// Adds the partition if the protocol wants that, and sends one record.
    pub(crate) fn write(
        &mut self,
        connection: &mut Connection,
        name: &str,
        partition: i32,
        value: &str,
    ) -> i64 {
        if self.protocol == Protocol::Old {
            assert_eq!(self.add(connection, name, partition), None);
        }
        self.send(connection, name, partition, value).expect("produced")
    }

    /// Commits or aborts, and goes on with what it is told.
    pub(crate) fn end(&mut self, connection: &mut Connection, commit: bool) -> Option<ResponseError> {
        let request = EndTxnRequest::default()
            .with_transactional_id(self.transactional_id.clone())
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_committed(commit);
        let version = match self.protocol {
            Protocol::Old => 4,
            Protocol::Two => 5,
        };
        let response = connection.call(&request, version).expect("EndTxn");
        if response.error_code == 0 && self.protocol == Protocol::Two {
            if (self.id, self.epoch) != (response.producer_id.0, response.producer_epoch) {
                self.sequences.clear();
            }
            self.id = response.producer_id.0;
            self.epoch = response.producer_epoch;
        }
        error(response.error_code)
    }

    pub(crate) fn add_offsets(&self, connection: &mut Connection, name: &str) -> Option<ResponseError> {
        let request = AddOffsetsToTxnRequest::default()
            .with_transactional_id(self.transactional_id.clone())
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_group_id(group(name));
        let response = connection.call(&request, 3).expect("AddOffsetsToTxn");
        error(response.error_code)
    }

    pub(crate) fn commit_offset(
        &self,
        connection: &mut Connection,
        (group_name, generation): (&str, i32),
        name: &str,
        offset: i64,
    ) -> Option<ResponseError> {
        let partition = TxnOffsetCommitRequestPartition::default()
            .with_partition_index(0)
            .with_committed_offset(offset);
        let wanted = TxnOffsetCommitRequestTopic::default()
            .with_name(topic(name))
            .with_partitions(vec![partition]);
        let request = TxnOffsetCommitRequest::default()
            .with_transactional_id(self.transactional_id.clone())
            .with_group_id(group(group_name))
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_generation_id(generation)
            .with_topics(vec![wanted]);
        let version = match self.protocol {
            Protocol::Old => 3,
            Protocol::Two => 5,
        };
        let response = connection.call(&request, version).expect("TxnOffsetCommit");
        error(response.topics[0].partitions[0].error_code)
    }
}

/// A fetch of a committed reader.
pub(crate) fn fetch_committed(
    connection: &mut Connection,
    name: &str,
    partition: i32,
    offset: i64,
) -> PartitionData {
    let request = fetch_request(name, partition, offset).with_isolation_level(1);
    let response = connection.call(&request, 12).expect("Fetch");
    response.responses[0].partitions[0].clone()
}

/// What a committed reader sees: values in order, with aborted transactions and markers left out, as
/// clients do it.
pub(crate) fn committed_values(connection: &mut Connection, name: &str, partition: i32) -> Vec<String> {
    let (mut values, mut offset) = (Vec::new(), 0);
    loop {
        let data = fetch_committed(connection, name, partition, offset);
        assert_eq!(error(data.error_code), None);
        let records = data.records.clone().unwrap_or_default();
        if records.is_empty() {
            assert_eq!(offset, data.last_stable_offset, "nothing before the end");
            return values;
        }
        let mut aborted = data.aborted_transactions.clone().unwrap_or_default();
        aborted.sort_by_key(|entry| entry.first_offset);
        let mut dropping = std::collections::BTreeSet::new();
        let mut rest = records.clone();
        for header in batches(&data) {
            let mut batch = rest.split_to(header.length());
            aborted.retain(|entry| {
                let begun = entry.first_offset <= header.last_offset();
                if begun {
                    dropping.insert(entry.producer_id.0);
                }
                !begun
            });
            offset = header.last_offset() + 1;
            if header.is_control() {
                dropping.remove(&header.producer_id());
                continue;
            }
            if header.is_transactional() && dropping.contains(&header.producer_id()) {
                continue;
            }
            let sets = kafka_protocol::records::RecordBatchDecoder::decode_all(&mut batch).expect("records");
            for record in sets.into_iter().flat_map(|set| set.records) {
                let value = record.value.unwrap_or_default();
                values.push(String::from_utf8_lossy(&value).into_owned());
            }
        }
    }
}
