//! Topics and logs, made and read past the proxy.

use std::time::Instant;

use highwater_wire::Connection;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::{CreateTopicsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use crate::arm::{Arm, PATIENCE};
use crate::clients::{consumer_at, text};

impl Arm {
    /// A connection of raw requests to the first node.
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address(), PATIENCE).expect("a connection")
    }

    /// Makes a topic, and waits until its partitions have leaders.
    pub(crate) fn topic(&self, name: &str, partitions: i32) {
        let topic = CreatableTopic::default()
            .with_name(TopicName(StrBytes::from_string(name.to_owned())))
            .with_num_partitions(partitions)
            .with_replication_factor(1);
        let request = CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(30_000);
        let answer = self.connect().call(&request, 7).expect("an answer");
        assert_eq!(answer.topics[0].error_code, 0, "{name}: {answer:?}");
        let client = consumer_at(&self.address().to_string(), "topics", &[]);
        crate::arm::until("every partition has a leader", || {
            let metadata = client.fetch_metadata(Some(name), PATIENCE);
            metadata.is_ok_and(|metadata| {
                let partitions = metadata.topics()[0].partitions();
                !partitions.is_empty()
                    && partitions
                        .iter()
                        .all(|one| one.error().is_none() && one.leader() >= 0)
            })
        });
    }

    /// Every value of partition 0, transactions or not.
    pub(crate) fn log(&self, topic: &str) -> Vec<String> {
        self.read(topic, 0, "read_uncommitted")
    }

    /// What readers of committed transactions get of partition 0.
    pub(crate) fn committed(&self, topic: &str) -> Vec<String> {
        self.read(topic, 0, "read_committed")
    }

    /// Reads a partition from its beginning to its end.
    pub(crate) fn read(&self, topic: &str, partition: i32, isolation: &str) -> Vec<String> {
        let more = [("isolation.level", isolation), ("enable.partition.eof", "true")];
        let client = consumer_at(&self.address().to_string(), "nobody", &more);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Beginning)
            .expect("an offset");
        client.assign(&list).expect("assigned");
        let (mut read, limit) = (Vec::new(), Instant::now() + PATIENCE);
        loop {
            assert!(Instant::now() < limit, "{topic} has no end: {read:?}");
            match client.poll(std::time::Duration::from_millis(100)) {
                Some(Ok(message)) => read.push(text(&message)),
                Some(Err(KafkaError::PartitionEOF(_))) => return read,
                Some(Err(error)) => panic!("{topic}: {error}"),
                None => {}
            }
        }
    }
}
