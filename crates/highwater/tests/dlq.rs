//! `highwater dlq` as a person types it: letters of four families, sent back in their order.

mod support;

use std::fs;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;
use support::command;
use support::foreground::Foreground;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

struct Cluster {
    broker: Foreground,
    producer: BaseProducer,
    directory: TempDir,
}

impl Cluster {
    fn start() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let broker = Foreground::broker(&directory.path().join("data"));
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", broker.address());
        let producer = config.create().expect("a client");
        Self {
            broker,
            producer,
            directory,
        }
    }

    fn write(&self, topic: &str, key: &str, value: &str, headers: &[(&str, &[u8])]) {
        let mut own = OwnedHeaders::new();
        for (key, value) in headers {
            own = own.insert(Header {
                key,
                value: Some(*value),
            });
        }
        let record = BaseRecord::to(topic).key(key).payload(value).headers(own);
        self.producer
            .send(record)
            .map_err(|(error, _)| error)
            .expect("taken");
        self.producer.flush(PATIENCE).expect("delivered");
    }

    fn dlq(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut all = vec!["dlq"];
        all.extend(arguments);
        all.extend(["--bootstrap", self.broker.address()]);
        command(&all)
    }

    fn redrive(&self, arguments: &[&str]) -> String {
        let journal = self.directory.path().join("done.jsonl");
        let mut all = vec!["redrive"];
        all.extend(arguments);
        all.extend(["--journal", journal.to_str().expect("UTF-8")]);
        let (code, said, errors) = self.dlq(&all);
        assert_eq!(code, 0, "{said}{errors}");
        said
    }

    fn journal(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.directory.path().join("done.jsonl")).expect("written");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }

    /// Values and headers of a topic with one partition, in order.
    fn read(&self, topic: &str, records: usize) -> Vec<(String, Vec<String>)> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.broker.address())
            .set("group.id", "reader")
            .create()
            .expect("a client");
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Beginning)
            .expect("an offset");
        consumer.assign(&list).expect("assigned");
        let mut read = Vec::new();
        while read.len() < records {
            let message = consumer.poll(PATIENCE).expect("in time").expect("a record");
            let headers = message
                .headers()
                .map(|headers| headers.iter().map(|header| header.key.to_owned()).collect());
            let value = String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned();
            read.push((value, headers.unwrap_or_default()));
        }
        read
    }
}

#[test]
fn letters_of_four_families_are_listed_and_shown() {
    let cluster = Cluster::start();
    let spring_offset = 7_i64.to_be_bytes();
    cluster.write(
        "orders-dlt",
        "a",
        "1",
        &[
            ("kafka_dlt-original-topic", b"orders"),
            ("kafka_dlt-original-offset", &spring_offset),
            ("kafka_dlt-exception-message", b"no such account"),
        ],
    );
    cluster.write(
        "orders-dlt",
        "b",
        "2",
        &[
            ("__connect.errors.topic", b"orders"),
            ("__connect.errors.exception.message", b"not JSON"),
        ],
    );
    cluster.write(
        "orders-dlt",
        "c",
        "3",
        &[
            ("dead-letter-topic", b"orders"),
            ("dead-letter-reason", b"no such account"),
        ],
    );
    cluster.write(
        "orders-dlt",
        "d",
        "4",
        &[
            ("highwater.topic", b"orders"),
            ("highwater.error-message", b"no such account"),
        ],
    );
    cluster.write("orders-dlt", "e", "5", &[]);
    cluster.write("orders", "f", "6", &[]);
    let (code, said, errors) = cluster.dlq(&["list", "--json"]);
    assert_eq!(code, 0, "{errors}");
    let topics: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(topics.as_array().map(Vec::len), Some(1), "orders is none: {said}");
    assert_eq!(topics[0]["waiting"], 5, "{said}");
    let (code, said, _) = cluster.dlq(&["list"]);
    assert_eq!(code, 0);
    assert!(said.contains("no such account"), "{said}");
    assert!(said.contains("nobody says where from"), "{said}");
    let (code, said, _) = cluster.dlq(&["show", "orders-dlt", "--error", "not JSON"]);
    assert_eq!(code, 0);
    assert!(
        said.contains("orders-dlt/0@1") && said.contains("Connect"),
        "{said}"
    );
    assert!(!said.contains("orders-dlt/0@0"), "{said}");
}

#[test]
fn letters_go_back_in_the_order_of_their_keys_and_only_once() {
    let cluster = Cluster::start();
    cluster.write("orders", "x", "before", &[]);
    let home: [(&str, &[u8]); 2] = [("highwater.topic", b"orders"), ("highwater.partition", b"0")];
    for (key, value, error) in [
        ("a", "a1", "timeout"),
        ("b", "b1", "poison"),
        ("a", "a2", "timeout"),
        ("b", "b2", "timeout"),
        ("a", "a3", "timeout"),
    ] {
        let mut headers = home.to_vec();
        headers.push(("highwater.error-message", error.as_bytes()));
        headers.push(("trace", b"7"));
        cluster.write("orders.billing.dead-letters", key, value, &headers);
    }
    let topic = "orders.billing.dead-letters";
    let said = cluster
        .dlq(&["redrive", topic, "--error", "timeout", "--dry-run"])
        .1;
    assert!(said.contains("would be redriven: 3"), "{said}");
    // b2 is meant, and b1 in front of it stays.
    let said = cluster.redrive(&[topic, "--error", "timeout"]);
    assert!(
        said.contains("redriven: 3") && said.contains("an earlier one of its key stays"),
        "{said}"
    );
    let read = cluster.read("orders", 4);
    let values: Vec<&str> = read.iter().map(|(value, _)| value.as_str()).collect();
    assert_eq!(values, ["before", "a1", "a2", "a3"]);
    assert_eq!(read[1].1, ["trace", "highwater.redriven-from"]);
    let journal = cluster.journal();
    assert_eq!(journal.len(), 3);
    assert_eq!(journal[2]["offset"], 4);
    assert_eq!(journal[2]["to"], serde_json::json!(["orders", 0, 3]));
    // What was sent is not sent again; what stayed goes when it is meant.
    let said = cluster.redrive(&[topic]);
    assert!(said.contains("redriven: 2"), "{said}");
    let values: Vec<String> = cluster
        .read("orders", 6)
        .into_iter()
        .map(|(value, _)| value)
        .collect();
    assert_eq!(values[4..], ["b1", "b2"]);
    assert!(cluster.redrive(&[topic]).contains("redriven: 0"));
}

#[test]
fn what_is_discarded_stays_in_its_topic() {
    let cluster = Cluster::start();
    for value in ["1", "2", "3"] {
        cluster.write("orders-dlq", value, value, &[]);
    }
    let journal = cluster.directory.path().join("discarded.jsonl");
    let journal = journal.to_str().expect("UTF-8");
    let (code, said, errors) = cluster.dlq(&["discard", "orders-dlq", "--key", "2", "--journal", journal]);
    assert_eq!(code, 0, "{errors}");
    assert!(said.contains("discarded: 1"), "{said}");
    let (_, said, _) = cluster.dlq(&["show", "orders-dlq"]);
    assert!(
        said.contains("@0") && !said.contains("@1") && said.contains("@2"),
        "{said}"
    );
    let (_, said, _) = cluster.dlq(&["show", "orders-dlq", "--all"]);
    assert!(said.contains("@1  seen to"), "{said}");
    // Nobody says where they were.
    let said = cluster.redrive(&["orders-dlq"]);
    assert!(
        said.contains("redriven: 0") && said.contains("--to TOPIC"),
        "{said}"
    );
    let said = cluster.redrive(&["orders-dlq", "--to", "orders.again", "--rate", "1000"]);
    assert!(said.contains("2 to orders.again"), "{said}");
}

#[test]
fn a_topic_that_is_not_there_is_named() {
    let cluster = Cluster::start();
    let (code, _, errors) = cluster.dlq(&["show", "nothing-dlt"]);
    assert_eq!(code, 4);
    assert!(errors.contains("nothing-dlt"), "{errors}");
}
