//! Transactions of one producer, one after the other: as raw requests, so that the broker is what is waited for, and
//! of librdkafka, whose own waiting is part of the figure.

use std::thread;
use std::time::{Duration, Instant};

use highwater_load::admin;
use highwater_wire::{BatchBuilder, Connection};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, EndTxnRequest, FindCoordinatorRequest, InitProducerIdRequest, ProduceRequest,
    ProducerId, TopicName, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::arm::Arm;
use super::measure::Kind;
use super::requests::connect;
use crate::bench::error::BenchError;

/// Records of a transaction in each partition: ten.
const RECORDS: [i32; 3] = [4, 3, 3];
const VALUE: [u8; 100] = [b'x'; 100];
/// The first ones make connections, and on Kafka the topic with the transactions.
const WARM_UP: u32 = 20;
const PATIENCE: Duration = Duration::from_secs(60);
/// How soon to ask again while the coordinator is busy with the transaction before; a client waits longer.
const PAUSE: Duration = Duration::from_micros(500);

/// One round.
pub(crate) fn measure(arm: &Arm, topic: &str, seconds: u64) -> Result<Vec<(Kind, f64)>, BenchError> {
    let time = Duration::from_secs(seconds);
    let of_librdkafka = format!("{topic}-librdkafka");
    for topic in [topic, &of_librdkafka] {
        admin::create_topic(arm.bootstrap(), topic, 3, 1, &[])?;
    }
    let mut raw = Raw::open(arm.bootstrap(), topic)?;
    let per_s = rate(time, || raw.transaction())?;
    let producer = librdkafka(arm.bootstrap(), &of_librdkafka)?;
    let per_s_of_librdkafka = rate(time, || transaction(&producer, &of_librdkafka))?;
    drop(producer);
    for topic in [topic, &of_librdkafka] {
        admin::delete_topic(arm.bootstrap(), topic)?;
    }
    Ok(vec![
        (Kind::Transactions, per_s),
        (Kind::TransactionsOfLibrdkafka, per_s_of_librdkafka),
    ])
}

/// How often something ends in a second.
fn rate(time: Duration, mut once: impl FnMut() -> Result<(), BenchError>) -> Result<f64, BenchError> {
    for _ in 0..WARM_UP {
        once()?;
    }
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < time {
        once()?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// A producer made of requests: AddPartitionsToTxn, one Produce to three partitions, EndTxn.
struct Raw {
    connection: Connection,
    topic: TopicName,
    id: TransactionalId,
    producer_id: ProducerId,
    epoch: i16,
    sequences: [i32; 3],
}

impl Raw {
    fn open(bootstrap: &str, topic: &str) -> Result<Self, BenchError> {
        let text = StrBytes::from_string(topic.to_owned());
        let mut connection = connect(bootstrap)?;
        let id = TransactionalId(text.clone());
        let find = FindCoordinatorRequest::default()
            .with_key(text.clone())
            .with_key_type(1);
        patiently("FindCoordinator", || Ok(connection.call(&find, 2)?.error_code))?;
        let init = InitProducerIdRequest::default()
            .with_transactional_id(Some(id.clone()))
            .with_transaction_timeout_ms(60_000)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let (mut producer_id, mut epoch) = (ProducerId(-1), -1);
        patiently("InitProducerId", || {
            let answer = connection.call(&init, 4)?;
            (producer_id, epoch) = (answer.producer_id, answer.producer_epoch);
            Ok(answer.error_code)
        })?;
        Ok(Self {
            connection,
            topic: TopicName(text),
            id,
            producer_id,
            epoch,
            sequences: [0; 3],
        })
    }

    fn transaction(&mut self) -> Result<(), BenchError> {
        let topic = AddPartitionsToTxnTopic::default()
            .with_name(self.topic.clone())
            .with_partitions(vec![0, 1, 2]);
        let add = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(self.id.clone())
            .with_v3_and_below_producer_id(self.producer_id)
            .with_v3_and_below_producer_epoch(self.epoch)
            .with_v3_and_below_topics(vec![topic]);
        patiently("AddPartitionsToTxn", || {
            let answer = self.connection.call(&add, 3)?;
            let mut partitions = answer
                .results_by_topic_v3_and_below
                .iter()
                .flat_map(|topic| &topic.results_by_partition);
            let refused = partitions.find(|partition| partition.partition_error_code != 0);
            Ok(refused.map_or(0, |partition| partition.partition_error_code))
        })?;
        let produce = self.produce();
        patiently("Produce", || {
            let answer = self.connection.call(&produce, 9)?;
            let mut partitions = answer
                .responses
                .iter()
                .flat_map(|topic| &topic.partition_responses);
            let refused = partitions.find(|partition| partition.error_code != 0);
            Ok(refused.map_or(0, |partition| partition.error_code))
        })?;
        let end = EndTxnRequest::default()
            .with_transactional_id(self.id.clone())
            .with_producer_id(self.producer_id)
            .with_producer_epoch(self.epoch)
            .with_committed(true);
        patiently("EndTxn", || Ok(self.connection.call(&end, 3)?.error_code))
    }

    fn produce(&mut self) -> ProduceRequest {
        let partitions = (0..).zip(RECORDS).zip(&mut self.sequences);
        let partitions = partitions.map(|((index, records), sequence)| {
            let batch =
                BatchBuilder::new()
                    .transactional()
                    .producer(self.producer_id.0, self.epoch, *sequence);
            *sequence += records;
            let batch = (0..records).fold(batch, |batch, _| batch.record(None, Some(&VALUE)));
            PartitionProduceData::default()
                .with_index(index)
                .with_records(Some(batch.build()))
        });
        let data = TopicProduceData::default()
            .with_name(self.topic.clone())
            .with_partition_data(partitions.collect());
        ProduceRequest::default()
            .with_transactional_id(Some(self.id.clone()))
            .with_acks(-1)
            .with_timeout_ms(30_000)
            .with_topic_data(vec![data])
    }
}

/// Asks until the answer is not that the coordinator is busy or not there yet.
fn patiently(what: &'static str, mut ask: impl FnMut() -> Result<i16, BenchError>) -> Result<(), BenchError> {
    let end = Instant::now() + PATIENCE;
    loop {
        let code = ask()?;
        match ResponseError::try_from_code(code) {
            None => return Ok(()),
            Some(
                ResponseError::ConcurrentTransactions
                | ResponseError::CoordinatorNotAvailable
                | ResponseError::CoordinatorLoadInProgress
                | ResponseError::NotCoordinator,
            ) if Instant::now() < end => thread::sleep(PAUSE),
            Some(_) => return Err(BenchError::Answer { what, code }),
        }
    }
}

fn librdkafka(bootstrap: &str, topic: &str) -> Result<BaseProducer, BenchError> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("transactional.id", topic)
        .set("linger.ms", "0")
        .create()?;
    producer.init_transactions(PATIENCE)?;
    Ok(producer)
}

fn transaction(producer: &BaseProducer, topic: &str) -> Result<(), BenchError> {
    producer.begin_transaction()?;
    for key in 0..RECORDS.iter().sum::<i32>() {
        let key = key.to_be_bytes();
        let record = BaseRecord::to(topic).key(&key[..]).payload(&VALUE[..]);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    // The commit waits for deliveries, and nobody else asks for them here.
    producer.flush(PATIENCE)?;
    producer.commit_transaction(PATIENCE)?;
    Ok(())
}
