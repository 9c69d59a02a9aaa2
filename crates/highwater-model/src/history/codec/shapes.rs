//! The order of the fields of everything in an event. `docs/history.md` has the same lists; whoever changes one
//! changes the format, and its version.

use super::coded::{Coded, choices, fields, options, put_option, take_option, variants};
use super::reader::{Malformed, Reader};
use super::writer::Writer;
use crate::history::{
    AbortedFact, AddPartitionsFacts, BatchFacts, CodecName, CommitFacts, CommittedOffset, ConnectionId,
    EndTxnFacts, ExchangeId, FaultChange, FetchFacts, FetchPosition, FetchedPartition, GroupFacts,
    HeaderFact, InitProducerFacts, Isolation, JoinedFacts, MarkerFact, MemberFact, NodeAddress,
    PartitionResult, ProcessChange, ProduceFacts, ProducedPartition, RequestFacts, RequestFate,
    ResponseFacts, ResponseFate, Side, TransactionFacts, Trouble,
};

impl Coded for ConnectionId {
    fn put(&self, writer: &mut Writer) {
        self.0.put(writer);
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Coded::take(reader).map(Self)
    }
}

impl Coded for ExchangeId {
    fn put(&self, writer: &mut Writer) {
        self.0.put(writer);
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Coded::take(reader).map(Self)
    }
}

options!(ConnectionId, ExchangeId, MarkerFact, GroupFacts, TransactionFacts);

choices! {
    Side { 0 Client, 1 Broker, 2 Proxy }
    RequestFate { 0 Forwarded, 1 Duplicated, 2 Held, 3 Rejected, 4 Swallowed }
    ResponseFate { 0 Delivered, 1 Discarded, 2 Altered, 3 Made, 4 Surplus, 5 ClientGone }
    FaultChange { 0 Armed, 1 Fired, 2 Lifted }
    ProcessChange { 0 Started, 1 Stopped, 2 Killed, 3 Paused, 4 Resumed, 5 Exited }
    Isolation { 0 ReadUncommitted, 1 ReadCommitted }
    MarkerFact { 0 Commit, 1 Abort, 2 Other }
    CodecName { 0 None, 1 Gzip, 2 Snappy, 3 Lz4, 4 Zstd, 5 Unknown }
}

fields! {
    NodeAddress { host, port }
    GroupFacts { group_id, member_id, instance_id, generation }
    TransactionFacts { transactional_id, producer_id, producer_epoch }
    ProduceFacts { transactional_id, acks, timeout_ms, partitions }
    ProducedPartition { topic, partition, batches }
    BatchFacts {
        base_offset, last_offset_delta, leader_epoch, producer_id, producer_epoch, base_sequence, transactional,
        marker, codec, max_timestamp_ms, bytes, records,
    }
    FetchFacts { replica_id, isolation, share_group, session_id, session_epoch, positions, forgotten }
    FetchPosition { topic, partition, offset, leader_epoch }
    CommitFacts { group, transaction, offsets }
    CommittedOffset { topic, partition, offset }
    InitProducerFacts { transactional_id, transaction_timeout_ms, producer_id, producer_epoch }
    AddPartitionsFacts { transactions }
    EndTxnFacts { transaction, commit }
    MemberFact { member_id, partitions }
    PartitionResult { topic, partition, error, offset }
    FetchedPartition {
        topic, partition, error, high_watermark, last_stable_offset, log_start_offset, aborted, batches, acquired,
    }
    AbortedFact { producer_id, first_offset }
    JoinedFacts { error, generation, assignor, leader, member_id, members }
}

/// Values of headers are not expected again.
impl Coded for HeaderFact {
    fn put(&self, writer: &mut Writer) {
        let Self { key, value } = self;
        key.put(writer);
        writer.number(i64::from(value.is_some()));
        if let Some(value) = value {
            writer.literal(value);
        }
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            key: Coded::take(reader)?,
            value: bool::take(reader)?
                .then(|| reader.literal().map(str::to_owned))
                .transpose()?,
        })
    }
}

variants! {
    RequestFacts {
        0 Produce(facts),
        1 Fetch(facts),
        2 JoinGroup { group, session_timeout_ms, rebalance_timeout_ms, topics, assignors },
        3 SyncGroup { group, assignments },
        4 Heartbeat(group),
        5 LeaveGroup { group_id, members },
        6 ConsumerGroupHeartbeat { group, topics, owned },
        7 OffsetCommit(facts),
        8 OffsetFetch { groups, require_stable },
        9 InitProducerId(facts),
        10 AddPartitionsToTxn(facts),
        11 AddOffsetsToTxn { transaction, group_id },
        12 EndTxn(facts),
        13 FindCoordinator { key_type, keys },
        14 ListOffsets { isolation, partitions },
        15 Other,
    }
}

variants! {
    ResponseFacts {
        0 Partitions { error, results },
        1 Fetched { error, session_id, partitions },
        2 Joined(facts),
        3 Assigned { error, member_id, member_epoch, partitions },
        4 CommittedOffsets { error, groups },
        5 Producer { error, producer_id, producer_epoch },
        6 Error { error },
        7 Other,
    }
}

variants! {
    Trouble {
        0 Bypass { evidence },
        1 Undecoded { exchange, api_key, api_version, wanted_by_rule, reason },
        2 Unrecorded { exchange, bytes },
        3 Opaque { connection, reason },
    }
}

impl Coded for Trouble {
    fn put(&self, writer: &mut Writer) {
        writer.number(i64::from(self.number()));
        self.put_fields(writer);
    }
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let number = reader.narrow()?;
        Self::take_fields(number, reader)
    }
}
