//! A little history: two producers, one of them with a transaction, a consumer, a lost acknowledgement, a kill.

use highwater_model::history::*;

/// Builds events in order.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) events: Vec<HistoryEvent>,
    at_ns: u64,
    exchange: u64,
}

impl Writer {
    pub(crate) fn at(&mut self, ms: f64) -> &mut Self {
        self.at_ns = (ms * 1e6) as u64;
        self
    }

    pub(crate) fn event(&mut self, body: HistoryBody) -> &mut Self {
        let sequence = self.events.len() as u64;
        self.events.push(HistoryEvent {
            sequence,
            at_ns: self.at_ns,
            body,
        });
        self
    }

    fn request(
        &mut self,
        connection: u32,
        api: (i16, i16),
        fate: RequestFate,
        rule: Option<u16>,
        facts: RequestFacts,
    ) -> u64 {
        self.exchange += 1;
        self.event(HistoryBody::Request {
            connection: ConnectionId(connection),
            exchange: ExchangeId(self.exchange),
            api_key: api.0,
            api_version: api.1,
            bytes: 1_312,
            fate,
            rule,
            facts,
        });
        self.exchange
    }

    fn response(&mut self, exchange: u64, fate: ResponseFate, rule: Option<u16>, facts: ResponseFacts) {
        self.event(HistoryBody::Response {
            exchange: ExchangeId(exchange),
            bytes: 64,
            fate,
            rule,
            facts,
        });
    }

    fn client(&mut self, connection: u32, node: Option<i32>, id: &str, software: (&str, &str)) {
        self.event(HistoryBody::Connected {
            connection: ConnectionId(connection),
            node,
            from: format!("127.0.0.1:{}", 50_000 + connection),
            tls: false,
        });
        self.event(HistoryBody::Identified {
            connection: ConnectionId(connection),
            client_id: Some(id.into()),
            software_name: Some(software.0.into()),
            software_version: Some(software.1.into()),
            principal: None,
        });
    }
}

fn batch(producer_id: i64, sequence: i32, base_offset: i64, records: i32, transactional: bool) -> BatchFacts {
    BatchFacts {
        base_offset,
        last_offset_delta: records - 1,
        leader_epoch: if base_offset > 0 { 0 } else { -1 },
        producer_id,
        producer_epoch: if producer_id < 0 { -1 } else { 0 },
        base_sequence: sequence,
        transactional,
        marker: None,
        codec: CodecName::None,
        max_timestamp_ms: 1_763_740_800_000,
        bytes: 300,
        records: (0..records)
            .map(|offset_delta| RecordFacts {
                offset_delta,
                key: Some(ContentHash(7)),
                value: Some(ContentHash(0x1111 * (offset_delta as u64 + 1))),
                value_bytes: 80,
                headers: Vec::new(),
            })
            .collect(),
    }
}

fn produce(transactional_id: Option<&str>, topic: &str, partition: i32, batch: BatchFacts) -> RequestFacts {
    RequestFacts::Produce(ProduceFacts {
        transactional_id: transactional_id.map(Into::into),
        acks: -1,
        timeout_ms: 30_000,
        partitions: vec![ProducedPartition {
            topic: topic.into(),
            partition,
            batches: vec![batch],
        }],
    })
}

fn result(topic: &str, partition: i32, error: i16, offset: i64) -> ResponseFacts {
    ResponseFacts::Partitions {
        error: 0,
        results: vec![PartitionResult {
            topic: topic.into(),
            partition,
            error,
            offset,
        }],
    }
}

fn transaction() -> TransactionFacts {
    TransactionFacts {
        transactional_id: "etl-1".into(),
        producer_id: 4001,
        producer_epoch: 0,
    }
}

/// The history.
pub(crate) fn sample() -> Vec<HistoryEvent> {
    let mut writer = Writer::default();
    let w = &mut writer;
    w.event(HistoryBody::Began {
        highwater_version: "0.1.0".into(),
        started_at: "2026-11-21T08:15:00Z".into(),
        target: "127.0.0.1:9092".into(),
        seed: "7f3a91".into(),
        rules: vec!["lost-ack".into(), "no-leader".into()],
    });
    let address = |port| NodeAddress {
        host: "127.0.0.1".into(),
        port,
    };
    w.event(HistoryBody::Broker {
        node: Some(1),
        upstream: address(9092),
        listener: address(41_001),
    });
    w.event(HistoryBody::Broker {
        node: Some(2),
        upstream: address(9093),
        listener: address(41_002),
    });
    for rule in 0..2 {
        w.event(HistoryBody::Fault {
            rule,
            change: FaultChange::Armed,
            exchange: None,
            connection: None,
            matched: 0,
            fired: 0,
        });
    }
    w.at(12.0)
        .client(1, Some(1), "orders-service", ("librdkafka", "2.12.1"));
    w.at(14.5)
        .client(2, Some(2), "etl", ("apache-kafka-java", "4.3.1"));
    w.at(15.0)
        .client(3, Some(1), "billing", ("apache-kafka-java", "4.3.1"));
    // The first producer: an acknowledgement is lost, the retry is told apart by its sequence.
    w.at(1_002.1);
    let first = w.request(
        1,
        (0, 13),
        RequestFate::Forwarded,
        None,
        produce(None, "orders", 2, batch(4000, 0, 0, 3, false)),
    );
    w.at(1_003.0)
        .response(first, ResponseFate::Delivered, None, result("orders", 2, 0, 0));
    w.at(1_100.4);
    let second = w.request(
        1,
        (0, 13),
        RequestFate::Forwarded,
        None,
        produce(None, "orders", 2, batch(4000, 3, 0, 2, false)),
    );
    w.at(1_101.2).event(HistoryBody::Fault {
        rule: 0,
        change: FaultChange::Fired,
        exchange: Some(ExchangeId(second)),
        connection: Some(ConnectionId(1)),
        matched: 2,
        fired: 1,
    });
    w.response(
        second,
        ResponseFate::Discarded,
        Some(0),
        result("orders", 2, 0, 3),
    );
    // The second producer: a transaction.
    w.at(1_200.0);
    let init = w.request(
        2,
        (22, 5),
        RequestFate::Forwarded,
        None,
        RequestFacts::InitProducerId(InitProducerFacts {
            transactional_id: Some("etl-1".into()),
            transaction_timeout_ms: 60_000,
            producer_id: -1,
            producer_epoch: -1,
        }),
    );
    w.at(1_201.0).response(
        init,
        ResponseFate::Delivered,
        None,
        ResponseFacts::Producer {
            error: 0,
            producer_id: 4001,
            producer_epoch: 0,
        },
    );
    w.at(1_210.0);
    let rejected = w.request(
        2,
        (0, 13),
        RequestFate::Rejected,
        Some(1),
        produce(Some("etl-1"), "payments", 0, batch(4001, 0, 0, 1, true)),
    );
    w.event(HistoryBody::Fault {
        rule: 1,
        change: FaultChange::Fired,
        exchange: Some(ExchangeId(rejected)),
        connection: Some(ConnectionId(2)),
        matched: 1,
        fired: 1,
    });
    w.response(
        rejected,
        ResponseFate::Made,
        Some(1),
        result("payments", 0, 6, -1),
    );
    w.at(1_312.0);
    let sent = w.request(
        2,
        (0, 13),
        RequestFate::Forwarded,
        None,
        produce(Some("etl-1"), "payments", 0, batch(4001, 0, 0, 1, true)),
    );
    w.at(1_313.4)
        .response(sent, ResponseFate::Delivered, None, result("payments", 0, 0, 41));
    w.at(1_314.0);
    let end = w.request(
        2,
        (26, 5),
        RequestFate::Held,
        Some(0),
        RequestFacts::EndTxn(EndTxnFacts {
            transaction: transaction(),
            commit: true,
        }),
    );
    w.at(1_400.0).event(HistoryBody::Forwarded {
        exchange: ExchangeId(end),
        client_gone: false,
    });
    w.at(1_402.0).response(
        end,
        ResponseFate::Delivered,
        None,
        ResponseFacts::Producer {
            error: 0,
            producer_id: 4001,
            producer_epoch: 1,
        },
    );
    // The retry of the first, which the broker knows already.
    w.at(2_100.9);
    let retry = w.request(
        1,
        (0, 13),
        RequestFate::Forwarded,
        None,
        produce(None, "orders", 2, batch(4000, 3, 0, 2, false)),
    );
    w.at(2_101.5)
        .response(retry, ResponseFate::Delivered, None, result("orders", 2, 0, 3));
    // The consumer.
    w.at(2_200.0);
    let fetch = w.request(
        3,
        (1, 17),
        RequestFate::Forwarded,
        None,
        RequestFacts::Fetch(FetchFacts {
            replica_id: -1,
            isolation: Isolation::ReadCommitted,
            share_group: None,
            session_id: 0,
            session_epoch: 0,
            positions: vec![FetchPosition {
                topic: "orders".into(),
                partition: 2,
                offset: 0,
                leader_epoch: 0,
            }],
            forgotten: Vec::new(),
        }),
    );
    w.at(2_201.0).response(
        fetch,
        ResponseFate::Delivered,
        None,
        ResponseFacts::Fetched {
            error: 0,
            session_id: 991,
            partitions: vec![FetchedPartition {
                topic: "orders".into(),
                partition: 2,
                error: 0,
                high_watermark: 5,
                last_stable_offset: 5,
                log_start_offset: 0,
                aborted: Vec::new(),
                batches: vec![batch(4000, 0, 0, 3, false), batch(4000, 3, 3, 2, false)],
                acquired: Vec::new(),
            }],
        },
    );
    w.at(2_210.0);
    let group = GroupFacts {
        group_id: "billing".into(),
        member_id: "billing-9f0c7e6a-1b2c-4d5e-8f90".into(),
        instance_id: None,
        generation: 4,
    };
    let commit = w.request(
        3,
        (8, 9),
        RequestFate::Forwarded,
        None,
        RequestFacts::OffsetCommit(CommitFacts {
            group,
            transaction: None,
            offsets: vec![CommittedOffset {
                topic: "orders".into(),
                partition: 2,
                offset: 5,
            }],
        }),
    );
    w.at(2_230.0).event(HistoryBody::Process {
        name: "broker 1".into(),
        pid: Some(4711),
        change: ProcessChange::Killed,
        detail: String::new(),
    });
    w.at(2_231.0).event(HistoryBody::Unanswered {
        exchange: ExchangeId(commit),
        forwarded: true,
    });
    w.event(HistoryBody::Disconnected {
        connection: ConnectionId(3),
        by: Side::Broker,
        reason: "connection reset".into(),
    });
    w.at(2_300.0).event(HistoryBody::Trouble(Trouble::Bypass {
        evidence: "127.0.0.1:50009 is connected to 127.0.0.1:9093".into(),
    }));
    w.at(3_000.0).event(HistoryBody::Ended {
        requests: 9,
        responses: 8,
        waited_ns: 0,
    });
    writer.events
}
