//! Transactions of one librdkafka producer, one after the other.

use std::time::{Duration, Instant};

use highwater_load::admin;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use super::arm::Arm;
use super::measure::Kind;
use crate::bench::error::BenchError;

const RECORDS: u32 = 10;
const VALUE: [u8; 100] = [b'x'; 100];
/// The first ones make connections, and on Kafka the topic with the transactions.
const WARM_UP: u32 = 20;
const PATIENCE: Duration = Duration::from_secs(60);

/// One round.
pub(crate) fn measure(arm: &Arm, topic: &str, seconds: u64) -> Result<Vec<(Kind, f64)>, BenchError> {
    admin::create_topic(arm.bootstrap(), topic, 3, 1, &[])?;
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", arm.bootstrap())
        .set("transactional.id", topic)
        .set("linger.ms", "0")
        .create()?;
    producer.init_transactions(PATIENCE)?;
    for _ in 0..WARM_UP {
        transaction(&producer, topic)?;
    }
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_secs(seconds) {
        transaction(&producer, topic)?;
        count += 1;
    }
    let per_s = f64::from(count) / began.elapsed().as_secs_f64();
    drop(producer);
    admin::delete_topic(arm.bootstrap(), topic)?;
    Ok(vec![(Kind::Transactions, per_s)])
}

fn transaction(producer: &ThreadedProducer<DefaultProducerContext>, topic: &str) -> Result<(), BenchError> {
    producer.begin_transaction()?;
    for key in 0..RECORDS {
        let key = key.to_be_bytes();
        let record = BaseRecord::to(topic).key(&key[..]).payload(&VALUE[..]);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    producer.commit_transaction(PATIENCE)?;
    Ok(())
}
