//! Wire histories by hand, and their steps in words.

use highwater_model::history::{
    AbortedFact, BatchFacts, CodecName, CommitFacts, CommittedOffset, ConnectionId, ContentHash, EndTxnFacts,
    ExchangeId, FetchFacts, FetchPosition, FetchedPartition, GroupFacts, HistoryBody, HistoryEvent,
    InitProducerFacts, Isolation, MarkerFact, PartitionResult, ProduceFacts, ProducedPartition, RecordFacts,
    RequestFacts, RequestFate, ResponseFacts, ResponseFate, Side, TransactionFacts,
};

use crate::history::wire::{FromWire, ReadBack};
use crate::history::{Action, GroupStep, Names, Operation, Step, What};

/// A history that grows, and its steps so far.
pub(super) struct Story {
    wire: FromWire,
    sequence: u64,
    exchange: u64,
    pub(super) steps: Vec<Step>,
}

pub(super) const TOPIC: &str = "t";

impl Story {
    pub(super) fn new() -> Self {
        Self {
            wire: FromWire::new(),
            sequence: 0,
            exchange: 0,
            steps: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, body: HistoryBody) -> &mut Self {
        let event = HistoryEvent {
            sequence: self.sequence,
            at_ns: self.sequence * 1_000_000,
            body,
        };
        self.sequence += 1;
        self.wire.event(&event, &mut |step| self.steps.push(step));
        self
    }

    pub(super) fn connect(&mut self, connection: u32, client_id: &str) -> &mut Self {
        self.push(HistoryBody::Connected {
            connection: ConnectionId(connection),
            node: Some(1),
            from: "127.0.0.1:40000".to_owned(),
            tls: false,
        });
        self.push(HistoryBody::Identified {
            connection: ConnectionId(connection),
            client_id: Some(client_id.to_owned()),
            software_name: None,
            software_version: None,
            principal: None,
        })
    }

    pub(super) fn disconnect(&mut self, connection: u32) -> &mut Self {
        self.push(HistoryBody::Disconnected {
            connection: ConnectionId(connection),
            by: Side::Client,
            reason: "closed".to_owned(),
        })
    }

    pub(super) fn ask(&mut self, connection: u32, facts: RequestFacts) -> ExchangeId {
        self.exchange += 1;
        let exchange = ExchangeId(self.exchange);
        self.push(HistoryBody::Request {
            connection: ConnectionId(connection),
            exchange,
            api_key: 0,
            api_version: 0,
            bytes: 100,
            fate: RequestFate::Forwarded,
            rule: None,
            facts,
        });
        exchange
    }

    pub(super) fn hear(
        &mut self,
        exchange: ExchangeId,
        fate: ResponseFate,
        facts: ResponseFacts,
    ) -> &mut Self {
        self.push(HistoryBody::Response {
            exchange,
            bytes: 100,
            fate,
            rule: None,
            facts,
        })
    }

    pub(super) fn call(&mut self, connection: u32, facts: RequestFacts, answer: ResponseFacts) -> &mut Self {
        let exchange = self.ask(connection, facts);
        self.hear(exchange, ResponseFate::Delivered, answer)
    }

    /// The steps in words, those of the end too.
    pub(super) fn told(self) -> Vec<String> {
        let (steps, read_back) = self.finish();
        steps.iter().map(|step| words(step, read_back.names())).collect()
    }

    pub(super) fn finish(mut self) -> (Vec<Step>, ReadBack) {
        let read_back = self.wire.finish(&mut |step| self.steps.push(step));
        assert!(self.steps.is_sorted_by_key(|step| step.index), "indices ascend");
        (self.steps, read_back)
    }
}

pub(super) fn words(step: &Step, names: &Names) -> String {
    match &step.what {
        What::Operation(operation) => operation_words(operation, names),
        What::Subscribed {
            process,
            partitions,
            repositioned,
        } => format!(
            "{} reads {}{}",
            names.of_process(*process),
            partitions
                .iter()
                .map(|partition| names.of_partition(*partition))
                .collect::<Vec<_>>()
                .join(" "),
            if *repositioned { ", repositioned" } else { "" },
        ),
        What::Initialised { producer } => format!("initialised {}/{}", producer.id, producer.epoch),
        What::Group(step) => group_words(step, names),
        What::Log(step) => format!("{step:?}"),
        What::Disturbed => "disturbed".to_owned(),
    }
}

fn operation_words(operation: &Operation, names: &Names) -> String {
    let mut text = format!(
        "{} {:?} {:?}",
        names.of_process(operation.process),
        operation.kind,
        operation.outcome
    );
    if let Some(producer) = operation.producer {
        text += &format!(" {}/{}", producer.id, producer.epoch);
    }
    for action in &operation.actions {
        text += &match action {
            Action::Send {
                partition, offset, ..
            } => match offset {
                Some(offset) => format!(" send {}@{offset}", names.of_partition(*partition)),
                None => format!(" send {}", names.of_partition(*partition)),
            },
            Action::Poll { reads, .. } => reads
                .iter()
                .map(|(partition, reads)| {
                    let offsets: Vec<String> = reads.iter().map(|read| read.offset.to_string()).collect();
                    format!(" poll {}@{}", names.of_partition(*partition), offsets.join(","))
                })
                .collect(),
            Action::Repositioned { .. } => " repositioned".to_owned(),
            Action::Commit {
                group,
                partition,
                offset,
            } => format!(
                " commit {} {}@{offset}",
                names.of_group(*group),
                names.of_partition(*partition)
            ),
        };
    }
    text
}

fn group_words(step: &GroupStep, names: &Names) -> String {
    match step {
        GroupStep::Assigned {
            group,
            member,
            generation,
            partitions,
        } => format!(
            "{} {} in {generation} owns {}",
            names.of_group(*group),
            names.of_member(*member),
            partitions
                .iter()
                .map(|partition| names.of_partition(*partition))
                .collect::<Vec<_>>()
                .join(" "),
        ),
        GroupStep::Left { group, member } => {
            format!("{} {} left", names.of_group(*group), names.of_member(*member))
        }
        GroupStep::Positioned {
            group,
            member,
            partition,
            offset,
        } => format!(
            "{} {} begins {}@{offset}",
            names.of_group(*group),
            names.of_member(*member),
            names.of_partition(*partition)
        ),
        GroupStep::Delivered {
            group,
            member,
            partition,
            first,
            last,
        } => format!(
            "{} {} gets {}@{first}-{last}",
            names.of_group(*group),
            names.of_member(*member),
            names.of_partition(*partition)
        ),
        GroupStep::Committed {
            group,
            member,
            generation,
            partition,
            offset,
            outcome,
        } => format!(
            "{} {} commits in {generation} {}@{offset} {outcome:?}",
            names.of_group(*group),
            member.map_or("-", |member| names.of_member(member)),
            names.of_partition(*partition)
        ),
    }
}

pub(super) fn batch(producer: (i64, i16, i32), contents: &[u64]) -> BatchFacts {
    BatchFacts {
        base_offset: 0,
        last_offset_delta: i32::try_from(contents.len()).unwrap_or(0) - 1,
        leader_epoch: -1,
        producer_id: producer.0,
        producer_epoch: producer.1,
        base_sequence: producer.2,
        transactional: false,
        marker: None,
        codec: CodecName::None,
        max_timestamp_ms: 0,
        bytes: 100,
        records: contents
            .iter()
            .enumerate()
            .map(|(delta, content)| RecordFacts {
                offset_delta: i32::try_from(delta).unwrap_or(0),
                key: None,
                value: Some(ContentHash(*content)),
                value_bytes: 8,
                headers: Vec::new(),
            })
            .collect(),
    }
}

pub(super) const NO_PRODUCER: (i64, i16, i32) = (-1, -1, -1);

/// The batch as it stands in the log.
pub(super) fn at(offset: i64, mut batch: BatchFacts) -> BatchFacts {
    batch.base_offset = offset;
    batch.leader_epoch = 0;
    batch
}

pub(super) fn transactional(mut batch: BatchFacts) -> BatchFacts {
    batch.transactional = true;
    batch
}

pub(super) fn marker(offset: i64, producer: (i64, i16), marker: MarkerFact) -> BatchFacts {
    let mut batch = at(offset, batch((producer.0, producer.1, -1), &[]));
    batch.last_offset_delta = 0;
    batch.transactional = true;
    batch.marker = Some(marker);
    batch
}

pub(super) fn produce(transactional_id: Option<&str>, acks: i16, batch: BatchFacts) -> RequestFacts {
    RequestFacts::Produce(ProduceFacts {
        transactional_id: transactional_id.map(str::to_owned),
        acks,
        timeout_ms: 1000,
        partitions: vec![ProducedPartition {
            topic: TOPIC.to_owned(),
            partition: 0,
            batches: vec![batch],
        }],
    })
}

pub(super) fn result(error: i16, offset: i64) -> ResponseFacts {
    ResponseFacts::Partitions {
        error: 0,
        results: vec![PartitionResult {
            topic: TOPIC.to_owned(),
            partition: 0,
            error,
            offset,
        }],
    }
}

fn transaction(id: &str, producer: (i64, i16)) -> TransactionFacts {
    TransactionFacts {
        transactional_id: id.to_owned(),
        producer_id: producer.0,
        producer_epoch: producer.1,
    }
}

pub(super) fn end(id: &str, producer: (i64, i16), commit: bool) -> RequestFacts {
    RequestFacts::EndTxn(EndTxnFacts {
        transaction: transaction(id, producer),
        commit,
    })
}

pub(super) fn init(id: &str) -> RequestFacts {
    RequestFacts::InitProducerId(InitProducerFacts {
        transactional_id: Some(id.to_owned()),
        transaction_timeout_ms: 60_000,
        producer_id: -1,
        producer_epoch: -1,
    })
}

pub(super) fn producer(id: i64, epoch: i16) -> ResponseFacts {
    ResponseFacts::Producer {
        error: 0,
        producer_id: id,
        producer_epoch: epoch,
    }
}

pub(super) fn member(id: &str, instance: Option<&str>, generation: i32) -> GroupFacts {
    GroupFacts {
        group_id: "g".to_owned(),
        member_id: id.to_owned(),
        instance_id: instance.map(str::to_owned),
        generation,
    }
}

pub(super) fn commit(
    member: GroupFacts,
    transaction_of: Option<(&str, (i64, i16))>,
    offset: i64,
) -> RequestFacts {
    RequestFacts::OffsetCommit(CommitFacts {
        group: member,
        transaction: transaction_of.map(|(id, producer)| transaction(id, producer)),
        offsets: vec![CommittedOffset {
            topic: TOPIC.to_owned(),
            partition: 0,
            offset,
        }],
    })
}

pub(super) fn fetch(isolation: Isolation, session: (i32, i32), offset: Option<i64>) -> RequestFacts {
    RequestFacts::Fetch(FetchFacts {
        replica_id: -1,
        isolation,
        share_group: None,
        session_id: session.0,
        session_epoch: session.1,
        positions: offset
            .map(|offset| FetchPosition {
                topic: TOPIC.to_owned(),
                partition: 0,
                offset,
                leader_epoch: -1,
            })
            .into_iter()
            .collect(),
        forgotten: Vec::new(),
    })
}

pub(super) fn fetched(session: i32, aborted: &[(i64, i64)], batches: Vec<BatchFacts>) -> ResponseFacts {
    ResponseFacts::Fetched {
        error: 0,
        session_id: session,
        partitions: vec![partition(aborted, batches)],
    }
}

pub(super) fn partition(aborted: &[(i64, i64)], batches: Vec<BatchFacts>) -> FetchedPartition {
    FetchedPartition {
        topic: TOPIC.to_owned(),
        partition: 0,
        error: 0,
        high_watermark: 100,
        last_stable_offset: 100,
        log_start_offset: 0,
        aborted: aborted
            .iter()
            .map(|(producer_id, first_offset)| AbortedFact {
                producer_id: *producer_id,
                first_offset: *first_offset,
            })
            .collect(),
        batches,
        acquired: Vec::new(),
    }
}

pub(super) fn assigned(partitions: &[i32]) -> ResponseFacts {
    ResponseFacts::Assigned {
        error: 0,
        member_id: None,
        member_epoch: None,
        partitions: Some(
            partitions
                .iter()
                .map(|partition| (TOPIC.to_owned(), *partition))
                .collect(),
        ),
    }
}
