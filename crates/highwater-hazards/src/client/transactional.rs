//! A transactional producer that speaks either protocol.
//!
//! Old: AddPartitionsToTxn, Produce 11, EndTxn 4; an epoch lasts until the next InitProducerId (KIP-98).
//! New: Produce 12 adds its partition, EndTxn 5 raises the epoch (KIP-890).

use std::collections::BTreeMap;

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest, ProduceRequest,
    ProducerId, TxnOffsetCommitRequest,
};

use super::log::{builder, fill, produce_request};
use super::{Client, Member, group_id, only, text, topic_name, transactional_id};
use crate::error::{HazardError, refused};

const INIT: i16 = 4;
const ADD_PARTITIONS: i16 = 3;
const ADD_OFFSETS: i16 = 3;
/// The last version without, and a version with, the member and generation of the group (KIP-447).
const OFFSETS_WITHOUT_MEMBER: i16 = 2;
const OFFSETS_WITH_MEMBER: i16 = 3;

/// The protocol of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Transaction version 1.
    Old,
    /// Transaction version 2.
    New,
}

impl Protocol {
    fn produce(self) -> i16 {
        match self {
            Self::Old => 11,
            Self::New => 12,
        }
    }

    fn end(self) -> i16 {
        match self {
            Self::Old => 4,
            Self::New => 5,
        }
    }
}

/// A producer with a transactional id, as it knows itself.
#[derive(Debug, Clone)]
pub(crate) struct Transactional {
    pub(crate) id: String,
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    protocol: Protocol,
    sequences: BTreeMap<(String, i32), i32>,
}

impl Transactional {
    /// InitProducerId: fences whoever had the id before, and ends its transaction.
    pub(crate) fn init(
        client: &mut Client,
        id: &str,
        protocol: Protocol,
        timeout_ms: i32,
    ) -> Result<Self, HazardError> {
        const WHAT: &str = "InitProducerId";
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(transactional_id(id)))
            .with_transaction_timeout_ms(timeout_ms)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        client.find_coordinator(id, true)?;
        let answer = client.settled(WHAT, &request, INIT, |answer| answer.error_code)?;
        refused(WHAT, answer.error_code)?;
        Ok(Self {
            id: id.to_owned(),
            producer_id: answer.producer_id.0,
            epoch: answer.producer_epoch,
            protocol,
            sequences: BTreeMap::new(),
        })
    }

    /// Takes a partition into the transaction, if the protocol has a request for that; the error of the answer.
    pub(crate) fn add(&self, client: &mut Client, topic: &str, partition: i32) -> Result<i16, HazardError> {
        const WHAT: &str = "AddPartitionsToTxn";
        if self.protocol == Protocol::New {
            return Ok(0);
        }
        let wanted = AddPartitionsToTxnTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(vec![partition]);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(transactional_id(&self.id))
            .with_v3_and_below_producer_id(ProducerId(self.producer_id))
            .with_v3_and_below_producer_epoch(self.epoch)
            .with_v3_and_below_topics(vec![wanted]);
        let code = |answer: &kafka_protocol::messages::AddPartitionsToTxnResponse| {
            let topic = answer.results_by_topic_v3_and_below.first();
            let partition = topic.and_then(|topic| topic.results_by_partition.first());
            partition.map_or(0, |partition| partition.partition_error_code)
        };
        Ok(code(&client.settled(WHAT, &request, ADD_PARTITIONS, code)?))
    }

    /// The Produce request of the next batch; it counts as sent.
    pub(crate) fn next_batch(&mut self, topic: &str, partition: i32, values: &[String]) -> ProduceRequest {
        let sequence = self.sequences.entry((topic.to_owned(), partition)).or_insert(0);
        let builder = builder().producer(self.producer_id, self.epoch, *sequence);
        *sequence += i32::try_from(values.len()).unwrap_or(0);
        produce_request(topic, partition, fill(builder.transactional(), values))
            .with_transactional_id(Some(transactional_id(&self.id)))
    }

    /// Sends a Produce request; the error of the answer.
    pub(crate) fn send(&self, client: &mut Client, request: &ProduceRequest) -> Result<i16, HazardError> {
        const WHAT: &str = "Produce";
        let code = |answer: &kafka_protocol::messages::ProduceResponse| {
            let topic = answer.responses.first();
            let partition = topic.and_then(|topic| topic.partition_responses.first());
            partition.map_or(0, |partition| partition.error_code)
        };
        let mut answer = client.settled(WHAT, request, self.protocol.produce(), code)?;
        // NOT_ENOUGH_REPLICAS is how a broker says that the transaction before is still being ended (KIP-890).
        for _ in 0..200 {
            if code(&answer) != 19 {
                break;
            }
            std::thread::sleep(super::BACKOFF);
            answer = client.settled(WHAT, request, self.protocol.produce(), code)?;
        }
        Ok(code(&answer))
    }

    /// Writes into the transaction.
    pub(crate) fn write(
        &mut self,
        client: &mut Client,
        topic: &str,
        partition: i32,
        values: &[String],
    ) -> Result<(), HazardError> {
        refused("AddPartitionsToTxn", self.add(client, topic, partition)?)?;
        let request = self.next_batch(topic, partition, values);
        refused("Produce", self.send(client, &request)?)
    }

    /// Takes a group's offset into the transaction, with or without saying which member asks; the error of the answer.
    pub(crate) fn send_offset(
        &self,
        client: &mut Client,
        group: &str,
        member: Option<&Member>,
        place: (&str, i32),
        offset: i64,
    ) -> Result<i16, HazardError> {
        const ADD: &str = "AddOffsetsToTxn";
        const WHAT: &str = "TxnOffsetCommit";
        client.find_coordinator(group, false)?;
        let request = AddOffsetsToTxnRequest::default()
            .with_transactional_id(transactional_id(&self.id))
            .with_producer_id(ProducerId(self.producer_id))
            .with_producer_epoch(self.epoch)
            .with_group_id(group_id(group));
        let answer = client.settled(ADD, &request, ADD_OFFSETS, |answer| answer.error_code)?;
        refused(ADD, answer.error_code)?;
        let partition = TxnOffsetCommitRequestPartition::default()
            .with_partition_index(place.1)
            .with_committed_offset(offset);
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(topic_name(place.0))
            .with_partitions(vec![partition]);
        let mut request = TxnOffsetCommitRequest::default()
            .with_transactional_id(transactional_id(&self.id))
            .with_group_id(group_id(group))
            .with_producer_id(ProducerId(self.producer_id))
            .with_producer_epoch(self.epoch)
            .with_topics(vec![topic]);
        let mut version = OFFSETS_WITHOUT_MEMBER;
        if let Some(member) = member {
            version = OFFSETS_WITH_MEMBER;
            request = request
                .with_member_id(text(&member.id))
                .with_generation_id(member.generation);
        }
        let code = |answer: &kafka_protocol::messages::TxnOffsetCommitResponse| {
            let topic = answer.topics.first();
            let partition = topic.and_then(|topic| topic.partitions.first());
            partition.map_or(0, |partition| partition.error_code)
        };
        let answer = client.settled(WHAT, &request, version, code)?;
        only(WHAT, answer.topics.clone())?;
        Ok(code(&answer))
    }

    /// EndTxn once; the error of the answer. With the new protocol the producer goes on with the epoch that it is given.
    pub(crate) fn end_once(&mut self, client: &mut Client, commit: bool) -> Result<i16, HazardError> {
        let answer = client.call("EndTxn", &self.end_request(commit), self.protocol.end())?;
        if answer.error_code == 0 && self.protocol == Protocol::New {
            (self.producer_id, self.epoch) = (answer.producer_id.0, answer.producer_epoch);
            self.sequences.clear();
        }
        Ok(answer.error_code)
    }

    /// EndTxn, again while the transaction before is still being ended; the error of the answer.
    pub(crate) fn end(&mut self, client: &mut Client, commit: bool) -> Result<i16, HazardError> {
        for _ in 0..200 {
            let code = self.end_once(client, commit)?;
            if !super::is_passing(code) {
                return Ok(code);
            }
            std::thread::sleep(super::BACKOFF);
        }
        self.end_once(client, commit)
    }

    fn end_request(&self, commit: bool) -> EndTxnRequest {
        EndTxnRequest::default()
            .with_transactional_id(transactional_id(&self.id))
            .with_producer_id(ProducerId(self.producer_id))
            .with_producer_epoch(self.epoch)
            .with_committed(commit)
    }
}
