//! Histories by hand: connections with a client each, and requests with their answers.

use highwater_model::history::{
    BatchFacts, CodecName, CommitFacts, CommittedOffset, ConnectionId, ContentHash, EndTxnFacts, ExchangeId,
    FetchFacts, FetchPosition, FetchedPartition, GroupFacts, HistoryBody, HistoryEvent, InitProducerFacts,
    Isolation, MarkerFact, PartitionResult, ProcessChange, ProduceFacts, ProducedPartition, RecordFacts,
    RequestFacts, RequestFate, ResponseFacts, ResponseFate, Side, TransactionFacts,
};
use highwater_model::{LintFinding, LintReport};

use crate::lint::{APPLICATION, Lint, LintOptions};

/// A history that grows; every step takes a millisecond unless told otherwise.
#[derive(Default)]
pub(super) struct Story {
    events: Vec<HistoryEvent>,
    pub(super) now_ms: u64,
    exchange: u64,
}

impl Story {
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn push(&mut self, body: HistoryBody) {
        self.now_ms += 1;
        self.events.push(HistoryEvent {
            sequence: self.events.len() as u64,
            at_ns: self.now_ms * 1_000_000,
            body,
        });
    }

    pub(super) fn connect(&mut self, connection: u32, software: Option<&str>, client_id: &str) -> &mut Self {
        self.push(HistoryBody::Connected {
            connection: ConnectionId(connection),
            node: Some(1),
            from: "127.0.0.1:40000".to_owned(),
            tls: false,
        });
        self.push(HistoryBody::Identified {
            connection: ConnectionId(connection),
            client_id: Some(client_id.to_owned()),
            software_name: software.map(str::to_owned),
            software_version: software.map(|_| "1.0".to_owned()),
            principal: None,
        });
        self
    }

    pub(super) fn disconnect(&mut self, connection: u32) -> &mut Self {
        self.push(HistoryBody::Disconnected {
            connection: ConnectionId(connection),
            by: Side::Client,
            reason: "closed".to_owned(),
        });
        self
    }

    pub(super) fn start(&mut self) -> &mut Self {
        self.push(HistoryBody::Process {
            name: APPLICATION.to_owned(),
            pid: Some(1),
            change: ProcessChange::Started,
            detail: String::new(),
        });
        self
    }

    pub(super) fn wait(&mut self, ms: u64) -> &mut Self {
        self.now_ms += ms;
        self
    }

    /// A request whose answer is still to come.
    pub(super) fn ask(&mut self, connection: u32, api: (i16, i16), facts: RequestFacts) -> ExchangeId {
        self.exchange += 1;
        let exchange = ExchangeId(self.exchange);
        self.push(HistoryBody::Request {
            connection: ConnectionId(connection),
            exchange,
            api_key: api.0,
            api_version: api.1,
            bytes: 100,
            fate: RequestFate::Forwarded,
            rule: None,
            facts,
        });
        exchange
    }

    pub(super) fn answer(&mut self, exchange: ExchangeId, facts: ResponseFacts) -> &mut Self {
        self.push(HistoryBody::Response {
            exchange,
            bytes: 100,
            fate: ResponseFate::Delivered,
            rule: None,
            facts,
        });
        self
    }

    pub(super) fn call(
        &mut self,
        connection: u32,
        api: (i16, i16),
        facts: RequestFacts,
        answer: ResponseFacts,
    ) -> &mut Self {
        let exchange = self.ask(connection, api, facts);
        self.answer(exchange, answer)
    }

    pub(super) fn produce(&mut self, connection: u32, produce: ProduceFacts) -> &mut Self {
        let answer = stored(&produce);
        self.call(connection, (0, 12), RequestFacts::Produce(produce), answer)
    }

    pub(super) fn fetch(
        &mut self,
        connection: u32,
        isolation: Isolation,
        partition: FetchedPartition,
    ) -> &mut Self {
        let offset = partition.batches.first().map_or(0, |batch| batch.base_offset);
        let request = fetch(isolation, &partition.topic, partition.partition, offset);
        self.call(connection, (1, 17), request, fetched(partition))
    }

    pub(super) fn commit(&mut self, connection: u32, commit: CommitFacts) -> &mut Self {
        let results = commit
            .offsets
            .iter()
            .map(|offset| result(&offset.topic, offset.partition, 0, -1))
            .collect();
        let api = if commit.transaction.is_some() {
            (28, 5)
        } else {
            (8, 9)
        };
        self.call(
            connection,
            api,
            RequestFacts::OffsetCommit(commit),
            ResponseFacts::Partitions { error: 0, results },
        )
    }

    pub(super) fn init(
        &mut self,
        connection: u32,
        transactional_id: &str,
        timeout_ms: i32,
        error: i16,
    ) -> &mut Self {
        let facts = RequestFacts::InitProducerId(InitProducerFacts {
            transactional_id: Some(transactional_id.to_owned()),
            transaction_timeout_ms: timeout_ms,
            producer_id: -1,
            producer_epoch: -1,
        });
        let producer_id = if error == 0 { 7 } else { -1 };
        self.call(
            connection,
            (22, 5),
            facts,
            ResponseFacts::Producer {
                error,
                producer_id,
                producer_epoch: 0,
            },
        )
    }

    pub(super) fn end(&mut self, connection: u32, version: i16, id: &str, commit: bool) -> &mut Self {
        let transaction = transaction(id);
        self.call(
            connection,
            (26, version),
            RequestFacts::EndTxn(EndTxnFacts { transaction, commit }),
            ResponseFacts::Error { error: 0 },
        )
    }

    pub(super) fn report(&self) -> LintReport {
        let mut lint = Lint::new(LintOptions {
            one_application: true,
        });
        for event in &self.events {
            lint.observe(event);
        }
        lint.finish()
    }

    /// Names of what is found, worst first.
    pub(super) fn names(&self) -> Vec<String> {
        self.report()
            .findings
            .into_iter()
            .map(|finding| finding.name)
            .collect()
    }

    pub(super) fn finding(&self, name: &str) -> LintFinding {
        let report = self.report();
        let found = report.findings.iter().find(|finding| finding.name == name);
        found
            .unwrap_or_else(|| panic!("no {name} in {:?}", report.findings))
            .clone()
    }
}

pub(super) fn stored(produce: &ProduceFacts) -> ResponseFacts {
    let results = produce
        .partitions
        .iter()
        .map(|partition| result(&partition.topic, partition.partition, 0, 0))
        .collect();
    ResponseFacts::Partitions { error: 0, results }
}

pub(super) fn result(topic: &str, partition: i32, error: i16, offset: i64) -> PartitionResult {
    PartitionResult {
        topic: topic.to_owned(),
        partition,
        error,
        offset,
    }
}

/// A record with a key and a value of 16 bytes.
pub(super) fn record(delta: i32, key: u64, value: u64) -> RecordFacts {
    RecordFacts {
        offset_delta: delta,
        key: Some(ContentHash(key)),
        value: Some(ContentHash(value)),
        value_bytes: 16,
        headers: Vec::new(),
    }
}

pub(super) fn batch(base_offset: i64, records: Vec<RecordFacts>) -> BatchFacts {
    BatchFacts {
        base_offset,
        last_offset_delta: i32::try_from(records.len()).unwrap_or(1) - 1,
        leader_epoch: 0,
        producer_id: 7,
        producer_epoch: 0,
        base_sequence: 0,
        transactional: false,
        marker: None,
        codec: CodecName::None,
        max_timestamp_ms: 0,
        bytes: 100,
        records,
    }
}

pub(super) fn plain(mut batch: BatchFacts) -> BatchFacts {
    batch.producer_id = -1;
    batch.producer_epoch = -1;
    batch.base_sequence = -1;
    batch
}

pub(super) fn transactional(mut batch: BatchFacts) -> BatchFacts {
    batch.transactional = true;
    batch
}

pub(super) fn abort_marker(base_offset: i64) -> BatchFacts {
    let mut marker = transactional(batch(base_offset, Vec::new()));
    marker.marker = Some(MarkerFact::Abort);
    marker
}

pub(super) fn produce(acks: i16, topic: &str, partition: i32, batch: BatchFacts) -> ProduceFacts {
    ProduceFacts {
        transactional_id: None,
        acks,
        timeout_ms: 30_000,
        partitions: vec![ProducedPartition {
            topic: topic.to_owned(),
            partition,
            batches: vec![batch],
        }],
    }
}

pub(super) fn in_transaction(mut produce: ProduceFacts, id: &str) -> ProduceFacts {
    produce.transactional_id = Some(id.to_owned());
    produce
}

pub(super) fn fetch(isolation: Isolation, topic: &str, partition: i32, offset: i64) -> RequestFacts {
    RequestFacts::Fetch(FetchFacts {
        replica_id: -1,
        isolation,
        share_group: None,
        session_id: 0,
        session_epoch: -1,
        positions: vec![FetchPosition {
            topic: topic.to_owned(),
            partition,
            offset,
            leader_epoch: 0,
        }],
        forgotten: Vec::new(),
    })
}

pub(super) fn fetched(partition: FetchedPartition) -> ResponseFacts {
    ResponseFacts::Fetched {
        error: 0,
        session_id: 0,
        partitions: vec![partition],
    }
}

pub(super) fn read(topic: &str, partition: i32, batches: Vec<BatchFacts>) -> FetchedPartition {
    FetchedPartition {
        topic: topic.to_owned(),
        partition,
        error: 0,
        high_watermark: 100,
        last_stable_offset: 100,
        log_start_offset: 0,
        aborted: Vec::new(),
        batches,
        acquired: Vec::new(),
    }
}

pub(super) fn transaction(id: &str) -> TransactionFacts {
    TransactionFacts {
        transactional_id: id.to_owned(),
        producer_id: 7,
        producer_epoch: 0,
    }
}

/// The one member of the group `etl`.
pub(super) fn member() -> GroupFacts {
    GroupFacts {
        group_id: "etl".to_owned(),
        member_id: "member-1".to_owned(),
        instance_id: None,
        generation: 1,
    }
}

pub(super) fn nobody() -> GroupFacts {
    GroupFacts {
        member_id: String::new(),
        generation: -1,
        ..member()
    }
}

pub(super) fn offsets(group: GroupFacts, id: Option<&str>, offset: i64) -> CommitFacts {
    CommitFacts {
        group,
        transaction: id.map(transaction),
        offsets: vec![CommittedOffset {
            topic: "in".to_owned(),
            partition: 0,
            offset,
        }],
    }
}
