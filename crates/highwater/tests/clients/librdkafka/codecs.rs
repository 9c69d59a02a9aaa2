//! Idempotent producers with every codec that is built in, and what a consumer gets of it.

use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use super::{consumer, locked, producer, topic};
use crate::arm::{Arm, PATIENCE, until};
use rdkafka::consumer::Consumer;
use std::time::Duration;

const RECORDS: u32 = 2_000;
const BEGAN_MS: i64 = 1_750_000_000_000;

fn every_codec_comes_back_as_it_was_sent(arm: &mut Arm) {
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let name = format!("codec-{codec}");
        // Timestamps of the past are not to be taken for old age.
        topic(arm, &name, 1, &[("retention.ms", "-1")]);
        let client = producer(arm, &[("compression.type", codec), ("linger.ms", "5")]);
        for number in 0..RECORDS {
            let (key, value) = (format!("key-{number}"), value(number));
            let record = BaseRecord::to(&name)
                .partition(0)
                .key(&key)
                .payload(&value)
                .timestamp(BEGAN_MS + i64::from(number))
                .headers(OwnedHeaders::new().insert(Header {
                    key: "number",
                    value: Some(&number.to_string()),
                }));
            if let Err((error, _)) = client.send(record) {
                panic!("{codec}: {error}");
            }
            client.poll(Duration::ZERO);
        }
        client.flush(PATIENCE).expect("everything is answered");
        let delivered = locked(&client.context().delivered);
        let offsets = delivered
            .iter()
            .map(|result| result.as_ref().expect("acknowledged").2);
        assert!(offsets.eq(0..i64::from(RECORDS)), "{codec}: offsets in order");
        read_back(arm, &name);
    }
}

fn read_back(arm: &Arm, name: &str) {
    let reader = consumer(arm, "nobody", &[("check.crcs", "true")]);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(name, 0, Offset::Beginning)
        .expect("an offset");
    reader.assign(&list).expect("assigned");
    let mut number = 0;
    until(&format!("all of {name}"), || {
        while let Some(message) = reader.poll(Duration::from_millis(50)) {
            let message = message.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(message.offset(), i64::from(number));
            assert_eq!(message.key(), Some(format!("key-{number}").as_bytes()));
            assert_eq!(message.payload(), Some(value(number).as_bytes()));
            assert_eq!(
                message.timestamp().to_millis(),
                Some(BEGAN_MS + i64::from(number))
            );
            let header = message.headers().expect("headers").get(0);
            assert_eq!(
                (header.key, header.value),
                ("number", Some(number.to_string().as_bytes()))
            );
            number += 1;
        }
        number == RECORDS
    });
}

/// Compressible, and of many lengths.
fn value(number: u32) -> String {
    format!("{number} ").repeat((number % 97) as usize)
}

on_both!(every_codec_comes_back_as_it_was_sent);
