//! Transactions, each with an id of its own; their coordinator tells what became of them.

use std::net::SocketAddr;

use highwater_check::outcome::Api;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::describe_transactions_response::TransactionState;
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, DescribeTransactionsRequest, EndTxnRequest, InitProducerIdRequest,
    InitProducerIdResponse, ProducerId, TransactionalId,
};

use crate::cluster::{Cluster, name, text, until};
use crate::seen::Seen;

const TRANSACTION: i8 = 1;
const OLD: i16 = 4;
const TOPIC: &str = "transactional";
const NOBODY: (i64, i16) = (-1, -1);

struct Producer {
    id: TransactionalId,
    at: SocketAddr,
    elsewhere: SocketAddr,
    known: (i64, i16),
}

impl Producer {
    /// Its second epoch, so that there is an older one.
    fn new(cluster: &Cluster, id: &str) -> Self {
        let coordinator = cluster.coordinator(TRANSACTION, id);
        let mut producer = Self {
            id: TransactionalId(text(id)),
            at: cluster.of(coordinator),
            elsewhere: cluster.not(coordinator),
            known: NOBODY,
        };
        for _ in 0..2 {
            producer.known = until("a producer id", || {
                let answer = producer.init(producer.at, 60_000, NOBODY);
                (answer.error_code == 0).then_some((answer.producer_id.0, answer.producer_epoch))
            });
        }
        producer
    }

    fn init(&self, at: SocketAddr, timeout_ms: i32, known: (i64, i16)) -> InitProducerIdResponse {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(self.id.clone()))
            .with_transaction_timeout_ms(timeout_ms)
            .with_producer_id(ProducerId(known.0))
            .with_producer_epoch(known.1);
        Cluster::call(at, &request, OLD)
    }

    fn add(&self, known: (i64, i16), topics: &[&str]) -> Vec<i16> {
        let topics = topics.iter().map(|topic| {
            AddPartitionsToTxnTopic::default()
                .with_name(name(topic))
                .with_partitions(vec![0])
        });
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(self.id.clone())
            .with_v3_and_below_producer_id(ProducerId(known.0))
            .with_v3_and_below_producer_epoch(known.1)
            .with_v3_and_below_topics(topics.collect());
        let answer = Cluster::call(self.at, &request, 3);
        let results = answer.results_by_topic_v3_and_below.iter();
        results
            .map(|topic| topic.results_by_partition[0].partition_error_code)
            .collect()
    }

    fn open(&self) {
        assert_eq!(self.add(self.known, &[TOPIC]), [0]);
    }

    fn end(&self, at: SocketAddr, known: (i64, i16)) -> i16 {
        let request = EndTxnRequest::default()
            .with_transactional_id(self.id.clone())
            .with_producer_id(ProducerId(known.0))
            .with_producer_epoch(known.1)
            .with_committed(true);
        Cluster::call(at, &request, OLD).error_code
    }

    fn state(&self) -> TransactionState {
        let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![self.id.clone()]);
        Cluster::call(self.at, &request, 0).transaction_states[0].clone()
    }

    fn is(&self, state: &str) -> bool {
        self.state().transaction_state.as_str() == state
    }
}

pub(crate) fn ends(cluster: &Cluster, seen: &mut Seen) {
    cluster.create(TOPIC, &[]);
    let producer = Producer::new(cluster, "ends");
    let (id, epoch) = producer.known;
    let error = producer.end(producer.at, producer.known);
    seen.error(Api::EndTxn, 48, error, !producer.is("Empty"));
    producer.open();
    for (expected, at, known) in [
        (16, producer.elsewhere, producer.known),
        (90, producer.at, (id, epoch - 1)),
        (49, producer.at, (id + 1_000, epoch)),
    ] {
        let error = producer.end(at, known);
        seen.error(Api::EndTxn, expected, error, !producer.is("Ongoing"));
    }
    assert_eq!(producer.end(producer.at, producer.known), 0);
    until("the end of the transaction", || {
        producer.is("CompleteCommit").then_some(())
    });
}

pub(crate) fn epochs(cluster: &Cluster, seen: &mut Seen) {
    let producer = Producer::new(cluster, "epochs");
    let (id, epoch) = producer.known;
    for (expected, at, timeout_ms, known) in [
        (16, producer.elsewhere, 60_000, NOBODY),
        (50, producer.at, i32::MAX, NOBODY),
        (90, producer.at, 60_000, (id + 1_000, epoch)),
    ] {
        let error = producer.init(at, timeout_ms, known).error_code;
        let applied = producer.state().producer_epoch != epoch;
        seen.error(Api::InitProducerId, expected, error, applied);
    }
    producer.open();
    let error = producer.init(producer.at, 60_000, NOBODY).error_code;
    until("the abort of the open transaction", || {
        producer.is("CompleteAbort").then_some(())
    });
    seen.error(Api::InitProducerId, 51, error, true);
}

pub(crate) fn partitions(cluster: &Cluster, seen: &mut Seen) {
    let producer = Producer::new(cluster, "partitions");
    let (id, epoch) = producer.known;
    let errors = producer.add((id, epoch - 1), &[TOPIC]);
    seen.error(Api::AddPartitionsToTxn, 90, errors[0], !producer.is("Empty"));
    let mut errors = producer.add(producer.known, &[TOPIC, "untransactional"]);
    errors.sort_unstable();
    for (expected, error) in [3, 55].into_iter().zip(errors) {
        seen.error(Api::AddPartitionsToTxn, expected, error, !producer.is("Empty"));
    }
}
