//! The events topic, read from outside.

use std::collections::BTreeMap;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use serde_json::{Value, json};

use super::rig::{PATIENCE, Rig};

/// Each account lies in one partition, its events are numbered from 0 without a gap and in order, each balance follows
/// from the one before, and all of it is what was put in.
pub(crate) fn check(rig: &Rig, put_in: i64) {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", rig.bootstrap.to_string())
        .set("group.id", "outside")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .create()
        .unwrap();
    let mut all = TopicPartitionList::new();
    for partition in 0..4 {
        all.add_partition_offset("ledger.events", partition, Offset::Beginning)
            .unwrap();
    }
    consumer.assign(&all).unwrap();
    let (mut accounts, mut ends) = (BTreeMap::<String, (i32, u64, i64)>::new(), 0);
    while ends < 4 {
        match consumer.poll(PATIENCE).unwrap() {
            Ok(record) => {
                let event: Value = serde_json::from_slice(record.payload().unwrap()).unwrap();
                let key = std::str::from_utf8(record.key().unwrap()).unwrap().to_owned();
                assert_eq!(event["account"], json!(key));
                let (partition, next, balance) = accounts.entry(key).or_insert((record.partition(), 0, 0));
                assert_eq!(
                    (record.partition(), &event["sequence"]),
                    (*partition, &json!(*next)),
                    "{event}"
                );
                *next += 1;
                let fact = &event["fact"];
                // A reversal says by itself how much came back.
                let cents = fact["cents"].as_i64().unwrap_or(0);
                *balance += match fact["type"].as_str().unwrap() {
                    "deposited" | "transfer-received" | "transfer-reversed" => cents,
                    "withdrawn" | "transfer-begun" => -cents,
                    _ => 0,
                };
                assert_eq!(event["balance"], json!(*balance), "{event}");
                assert!(*balance >= 0, "{event}");
            }
            Err(KafkaError::PartitionEOF(_)) => ends += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(
        accounts.values().map(|(_, _, balance)| balance).sum::<i64>(),
        put_in
    );
    assert!(accounts.len() > 4);
}
