//! Three brokers, and the requests that all parts of the test send.

use std::net::{SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use highwater_target::{CLIENT, FindingState, Target, TargetOptions, TargetSpec, Which, examine};
use highwater_wire::{BatchBuilder, Connection};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, FindCoordinatorRequest, ListOffsetsRequest, MetadataRequest,
    ProduceRequest, TopicName,
};
use kafka_protocol::protocol::{Request, StrBytes};
use tempfile::TempDir;

const PROBE: &str = env!("CARGO_BIN_EXE_highwater-target-probe");
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(20);
pub(crate) const ALL: i16 = -1;
/// The version of Produce that is sent: without verification errors of its own.
pub(crate) const PRODUCE: i16 = 9;

pub(crate) struct Cluster {
    target: Target,
    clients: Vec<SocketAddr>,
    // After the target: its data are in there.
    _dir: TempDir,
}

pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(crate) fn name(topic: &str) -> TopicName {
    TopicName(text(topic))
}

/// Retention and limits of timestamps go by the time of now.
pub(crate) fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_millis()).expect("not that late")
}

pub(crate) fn batch(value: &[u8]) -> Bytes {
    BatchBuilder::new()
        .timestamp(now_ms())
        .record(Some(b"k"), Some(value))
        .build()
}

pub(crate) fn produce_request(topic: &str, acks: i16, records: Bytes) -> ProduceRequest {
    let partition = PartitionProduceData::default().with_records(Some(records));
    let data = TopicProduceData::default()
        .with_name(name(topic))
        .with_partition_data(vec![partition]);
    ProduceRequest::default()
        .with_acks(acks)
        .with_timeout_ms(60_000)
        .with_topic_data(vec![data])
}

pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(LOOK);
    }
}

impl Cluster {
    /// Starts it; none, told and perhaps a failure, if Kafka can't be had here.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let findings = examine();
        let present = |name: &str| {
            let mut named = findings.iter().filter(|one| one.name == name);
            named.any(|one| one.state == FindingState::Present)
        };
        if !(present("Java") && (present("Apache Kafka") || present("Maven"))) {
            assert!(
                std::env::var_os("HIGHWATER_REQUIRE_KAFKA").is_none(),
                "{test}: Java or Maven is missing"
            );
            eprintln!("skipped: {test}: Java or Maven is missing");
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let options = TargetOptions {
            dir: dir.path().join("target"),
            highwater: PathBuf::from(PROBE),
            bugs: Vec::new(),
            kafka_home: None,
            observer: Arc::new(|_| ()),
            interrupted: Arc::new(AtomicBool::new(false)),
        };
        let target = Target::start(&TargetSpec::KafkaThree, options).expect("three nodes start");
        let at = |index| SocketAddr::from(target.listener(index, CLIENT).unwrap_or(nowhere()));
        Some(Self {
            clients: (0..3).map(at).collect(),
            target,
            _dir: dir,
        })
    }

    pub(crate) fn of(&self, node: i32) -> SocketAddr {
        self.clients[usize::try_from(node - 1).expect("ids from 1")]
    }

    /// Another node than this one.
    pub(crate) fn not(&self, node: i32) -> SocketAddr {
        self.of(node % 3 + 1)
    }

    pub(crate) fn pause(&mut self, node: i32) {
        self.brokers(node, |brokers| brokers.pause().map(drop));
    }

    pub(crate) fn resume(&mut self, node: i32) {
        self.brokers(node, |brokers| brokers.resume().map(drop));
    }

    pub(crate) fn kill(&mut self, node: i32) {
        self.brokers(node, |brokers| brokers.kill().map(drop));
    }

    pub(crate) fn start_again(&mut self, node: i32) {
        self.brokers(node, |brokers| brokers.start_again().map(drop));
    }

    fn brokers(
        &mut self,
        node: i32,
        act: impl FnOnce(&mut highwater_target::Brokers<'_>) -> Result<(), highwater_target::TargetError>,
    ) {
        let name = format!("broker-{node}");
        let mut brokers = self.target.brokers(Which::Named(&name)).expect("a broker");
        act(&mut brokers).expect("done");
    }

    pub(crate) fn connect(address: SocketAddr) -> Connection {
        Connection::open(address, PATIENCE).expect("connected")
    }

    pub(crate) fn call<R: Request>(address: SocketAddr, request: &R, version: i16) -> R::Response {
        Self::connect(address).call(request, version).expect("answered")
    }

    /// Makes a topic of one partition; gives the error.
    pub(crate) fn try_create(&self, topic: CreatableTopic) -> i16 {
        let request = CreateTopicsRequest::default()
            .with_timeout_ms(60_000)
            .with_topics(vec![topic]);
        Self::call(self.of(1), &request, 7).topics[0].error_code
    }

    /// Makes a topic with these settings, and waits for its leader; gives the leader.
    pub(crate) fn create(&self, topic: &str, settings: &[(&str, &str)]) -> i32 {
        let settings = settings.iter().map(|(name, value)| {
            CreatableTopicConfig::default()
                .with_name(text(name))
                .with_value(Some(text(value)))
        });
        let wanted = CreatableTopic::default()
            .with_name(name(topic))
            .with_num_partitions(1)
            .with_replication_factor(-1)
            .with_configs(settings.collect());
        assert_eq!(self.try_create(wanted), 0, "{topic}");
        self.leader(topic)
    }

    /// Makes a topic whose partition is on these nodes, the first of them leading.
    pub(crate) fn create_on(&self, topic: &str, nodes: &[i32]) {
        let assignment = CreatableReplicaAssignment::default()
            .with_partition_index(0)
            .with_broker_ids(nodes.iter().copied().map(BrokerId).collect());
        let wanted = CreatableTopic::default()
            .with_name(name(topic))
            .with_num_partitions(-1)
            .with_replication_factor(-1)
            .with_assignments(vec![assignment]);
        assert_eq!(self.try_create(wanted), 0, "{topic}");
        until("a leader", || (self.leader(topic) == nodes[0]).then_some(()));
    }

    /// How a node sees a partition; none if it does not know the topic.
    pub(crate) fn partition(&self, at: SocketAddr, topic: &str) -> Option<MetadataResponsePartition> {
        let wanted = MetadataRequestTopic::default().with_name(Some(name(topic)));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![wanted]))
            .with_allow_auto_topic_creation(false);
        Self::call(at, &request, 12).topics[0].partitions.first().cloned()
    }

    /// Who leads the partition, by its own word too.
    pub(crate) fn leader(&self, topic: &str) -> i32 {
        until("a leader", || {
            let leader = self.partition(self.of(1), topic)?.leader_id.0;
            (leader > 0 && self.offset(self.of(leader), topic, -1).is_some()).then_some(leader)
        })
    }

    /// The offset of a special timestamp, if the node leads the partition.
    pub(crate) fn offset(&self, at: SocketAddr, topic: &str, timestamp: i64) -> Option<i64> {
        let partition = ListOffsetsPartition::default()
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp);
        let wanted = ListOffsetsTopic::default()
            .with_name(name(topic))
            .with_partitions(vec![partition]);
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_topics(vec![wanted]);
        let answer = Self::call(at, &request, 7).topics[0].partitions[0].clone();
        (answer.error_code == 0).then_some(answer.offset)
    }

    /// Produces; gives the error and the offset.
    pub(crate) fn produce(&self, at: SocketAddr, request: &ProduceRequest) -> (i16, i64) {
        let answer = Self::call(at, request, PRODUCE);
        let answer = &answer.responses[0].partition_responses[0];
        (answer.error_code, answer.base_offset)
    }

    /// Writes one record that is acknowledged by all; gives its offset. So many came before it.
    pub(crate) fn next_offset(&self, topic: &str) -> i64 {
        until("an acknowledgement", || {
            let (error, offset) = self.produce(
                self.of(self.leader(topic)),
                &produce_request(topic, ALL, batch(b"v")),
            );
            (error == 0).then_some(offset)
        })
    }

    /// The node that coordinates a group (kind 0) or a transactional id (kind 1).
    pub(crate) fn coordinator(&self, kind: i8, key: &str) -> i32 {
        let request = FindCoordinatorRequest::default()
            .with_key_type(kind)
            .with_coordinator_keys(vec![text(key)]);
        until("a coordinator", || {
            let answer = Self::call(self.of(1), &request, 4).coordinators[0].clone();
            (answer.error_code == 0).then_some(answer.node_id.0)
        })
    }
}

fn nowhere() -> SocketAddrV4 {
    SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0)
}
