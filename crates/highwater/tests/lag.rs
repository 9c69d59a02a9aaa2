//! `highwater lag` as a person types it, against a cluster that real clients use.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;
use support::foreground::Foreground;
use support::{command, program, until};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config
}

fn make(bootstrap: &str, topic: &str, partitions: i32) {
    let admin: AdminClient<DefaultClientContext> = client(bootstrap).create().expect("a client");
    let new = [NewTopic::new(topic, partitions, TopicReplication::Fixed(1))];
    let made = futures_lite(admin.create_topics(&new, &AdminOptions::new()));
    made.expect("an answer")[0].as_ref().expect("the topic is made");
}

/// Drives a future of the client library, whose answers come from a thread of its own.
fn futures_lite<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn produce(producer: &BaseProducer, topic: &str, records: std::ops::Range<i32>, partitions: i32) {
    for number in records {
        let key = number.to_string();
        let record = BaseRecord::to(topic)
            .partition(number % partitions)
            .key(&key)
            .payload("event");
        producer.send(record).map_err(|(error, _)| error).expect("taken");
    }
    producer.flush(PATIENCE).expect("delivered");
}

/// Commits for a group that nobody is a member of.
fn commit(bootstrap: &str, group: &str, topic: &str, offsets: &[(i32, i64)]) {
    let consumer: BaseConsumer = client(bootstrap)
        .set("group.id", group)
        .create()
        .expect("a client");
    let mut list = TopicPartitionList::new();
    for (partition, offset) in offsets {
        list.add_partition_offset(topic, *partition, Offset::Offset(*offset))
            .expect("an offset");
    }
    consumer.commit(&list, CommitMode::Sync).expect("committed");
}

fn survey(bootstrap: &str, group: &str) -> Value {
    let (code, said, errors) = command(&["lag", "--bootstrap", bootstrap, "--group", group, "--json"]);
    assert_eq!(code, 0, "{errors}");
    serde_json::from_str(&said).expect("JSON")
}

fn lag(partition: &Value) -> Option<u64> {
    partition["state"]["records"].as_u64()
}

/// The scenario of the reports: 1,000 produced, 97 consumed, and 903 at every reading.
#[test]
fn a_thousand_produced_and_97_consumed_leave_903() {
    let directory = TempDir::new().expect("a temporary directory");
    let broker = Foreground::broker(directory.path());
    let bootstrap = broker.address();
    make(bootstrap, "orders", 3);
    let producer: BaseProducer = client(bootstrap).create().expect("a client");
    produce(&producer, "orders", 0..1_000, 3);
    // 334, 333 and 333 are there.
    commit(bootstrap, "billing", "orders", &[(0, 60), (1, 37), (2, 0)]);
    for _ in 0..10 {
        let survey = survey(bootstrap, "bill*");
        let partitions = survey["groups"][0]["partitions"].as_array().expect("a list");
        let lags: Vec<_> = partitions.iter().map(lag).collect();
        assert_eq!(lags, [Some(274), Some(296), Some(333)]);
        assert_eq!(lags.iter().flatten().sum::<u64>(), 903);
    }
    let (code, said, _) = command(&["lag", "--bootstrap", bootstrap]);
    assert_eq!(code, 0);
    let row = said.lines().find(|line| line.contains("billing"));
    assert!(row.is_some_and(|row| row.contains(" 903 ")), "{said}");
}

/// What is no lag is not told as one.
#[test]
fn states_that_are_no_number_are_told_apart() {
    let directory = TempDir::new().expect("a temporary directory");
    let broker = Foreground::broker(directory.path());
    let bootstrap = broker.address();
    make(bootstrap, "orders", 3);
    let producer: BaseProducer = client(bootstrap)
        .set("transactional.id", "open")
        .create()
        .expect("a client");
    producer.init_transactions(PATIENCE).expect("transactions");
    producer.begin_transaction().expect("a transaction");
    produce(&producer, "orders", 0..30, 3);
    producer.commit_transaction(PATIENCE).expect("committed");
    producer.begin_transaction().expect("a transaction");
    produce(&producer, "orders", 30..60, 3);
    // Ten records and a marker in each, and ten more that nobody may read yet.
    commit(bootstrap, "billing", "orders", &[(0, 11), (1, 5_000)]);
    let all = survey(bootstrap, "billing");
    let partitions = all["groups"][0]["partitions"].as_array().expect("a list");
    assert_eq!(
        lag(&partitions[0]),
        Some(0),
        "an open transaction is no lag: {all}"
    );
    assert_eq!(partitions[0]["sample"]["high_watermark"], 21);
    assert_eq!(partitions[0]["sample"]["last_stable"], 11);
    assert_eq!(partitions[1]["state"]["state"], "ahead-of-log");
    assert_eq!(partitions[1]["state"]["records"], 5_000 - 21);
    let (code, said, _) = command(&["lag", "--bootstrap", bootstrap]);
    assert_eq!(code, 0);
    assert!(said.contains("was the topic made anew?"), "{said}");
    producer.abort_transaction(PATIENCE).expect("aborted");
}

/// A scrape, with no more than a socket.
fn scrape(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

#[test]
fn prometheus_gets_what_a_person_gets() {
    let directory = TempDir::new().expect("a temporary directory");
    let broker = Foreground::broker(directory.path());
    let bootstrap = broker.address();
    make(bootstrap, "orders", 1);
    let producer: BaseProducer = client(bootstrap).create().expect("a client");
    produce(&producer, "orders", 0..1_000, 1);
    commit(bootstrap, "billing", "orders", &[(0, 97)]);
    let mut command = program();
    command.args([
        "lag",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--every",
        "1s",
        "--compat",
        "kafka-exporter",
    ]);
    let served = Foreground::start(command.args(["--bootstrap", bootstrap]));
    let address = served
        .first
        .trim()
        .strip_prefix("ready http://")
        .expect("`ready URL`");
    let address = address.strip_suffix("/metrics").expect("a path").to_owned();
    let mut page = String::new();
    until("a first reading", PATIENCE, || {
        page = scrape(&address, "/metrics");
        page.contains("highwater_group_lag_records{")
    });
    assert!(page.contains("text/plain; version=0.0.4"), "{page}");
    for line in [
        "highwater_group_lag_records{group=\"billing\",topic=\"orders\",partition=\"0\"} 903",
        "kafka_consumergroup_lag{consumergroup=\"billing\",topic=\"orders\",partition=\"0\"} 903",
    ] {
        assert!(page.contains(line), "{line} is not in {page}");
    }
    assert!(scrape(&address, "/health").contains("200 OK"));
    let (code, _, errors) = served.interrupt();
    assert_eq!(code, 0, "{errors}");
}

#[test]
fn a_cluster_that_is_not_there_is_named() {
    let (code, _, errors) = command(&["lag", "--bootstrap", "127.0.0.1:1"]);
    assert_eq!(code, 4);
    assert!(errors.contains("no broker answers at 127.0.0.1:1"), "{errors}");
    assert!(errors.contains("--bootstrap HOST:PORT"), "{errors}");
}
