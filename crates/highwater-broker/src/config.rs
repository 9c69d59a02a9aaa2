//! What a broker is started with.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::bug::Bug;

/// Settings of one broker. [`BrokerConfig::new`] gives the defaults named at each field.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Directory of everything the broker keeps; made if it is not there.
    pub data_dir: PathBuf,
    /// Planted defects. Default: none.
    pub bugs: BTreeSet<Bug>,
    /// Partitions of a topic whose creator does not say. Default: 1, as in Kafka.
    pub default_partitions: i32,
    /// Whether asking for an unknown topic makes it. Default: true, as in Kafka.
    pub auto_create_topics: bool,
    /// Nodes in this one process, each with a port of its own: `listen`'s port and the ones after it, or
    /// all free ones if that is 0. Default: 1; at most 32, as more show nothing that three do not.
    pub brokers: u16,
    /// The first node's id in Metadata, the others follow. Default: 1.
    pub node_id: i32,
    /// A connection on which nothing comes for this long is closed. Default: 10 min, as in Kafka
    /// (`connections.max.idle.ms`).
    pub connections_max_idle: Duration,
    /// How long a request may take to arrive from its first byte on, and an answer to be taken: whoever is
    /// slower is cut off, as both are held in memory meanwhile. Default: 60 s, enough for the longest of
    /// them at 600 kB/s.
    pub client_patience: Duration,
    /// Bytes of records in answers to Fetch that clients have not taken yet, of all connections together;
    /// who comes when they are used up gets less, or waits. Default: 256 MiB: sixteen of the longest
    /// answers, and little enough for a laptop and a container of 1 GiB.
    pub fetch_memory_bytes: usize,
    /// Bytes of requests longer than 64 KiB that are arriving or being served, of all connections together;
    /// the others are not read meanwhile. Default: 256 MiB: eight of the longest.
    pub request_memory_bytes: usize,
    /// A segment file is closed when the next batch would make it larger, in bytes. Default: 128 MiB.
    pub segment_bytes: u64,
    /// Whether a batch is forced to the disk before it is acknowledged, so that the death of the machine
    /// loses nothing either. Default: false.
    pub fsync: bool,
    /// How often logs are looked through for what retention may remove. Default: 5 min, as in Kafka
    /// (`log.retention.check.interval.ms`).
    pub retention_interval: Duration,
    /// How often logs are looked through for what compaction may remove. Default: 15 s, as in Kafka
    /// (`log.cleaner.backoff.ms`).
    pub cleaner_interval: Duration,
    /// Longest record batch taken unless the topic says otherwise, in bytes. Default: 1,048,588, as in
    /// Kafka (`max.message.bytes`).
    pub max_message_bytes: usize,
    /// Shortest session timeout that a group member may ask for. Default: 6 s, as in Kafka
    /// (`group.min.session.timeout.ms`).
    pub min_session_timeout: Duration,
    /// Members of one group at most. Default: 1,000 (`group.max.size`; Kafka has no limit).
    pub group_max_size: usize,
    /// How long an empty group waits for more members after its first has joined. Default: not at all
    /// (`group.initial.rebalance.delay.ms`; Kafka's default is 3 s, a nuisance while developing).
    pub group_initial_rebalance_delay: Duration,
    /// Whether producers use version 2 of transactions (KIP-890) when they can. Default: yes, as in
    /// Kafka (`transaction.version`).
    pub transaction_version: TransactionVersion,
    /// Whether a transactional batch is taken only if its partition is in an open transaction. Default: yes, as in
    /// Kafka (`transaction.partition.verification.enable`, KIP-890); without it a late batch leaves a transaction
    /// open that nobody ends.
    pub transaction_partition_verification: bool,
}

/// The protocol that clients are told to use for transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionVersion {
    /// Partitions are added by requests of their own, and an epoch lasts until the next
    /// InitProducerId.
    One,
    /// Produce adds partitions, and every end of a transaction raises the epoch.
    Two,
}

impl BrokerConfig {
    /// The defaults, at this address and in this directory.
    pub fn new(listen: SocketAddr, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            listen,
            data_dir: data_dir.into(),
            bugs: BTreeSet::new(),
            default_partitions: 1,
            auto_create_topics: true,
            brokers: 1,
            node_id: 1,
            segment_bytes: 128 << 20,
            fsync: false,
            connections_max_idle: Duration::from_secs(600),
            client_patience: Duration::from_secs(60),
            fetch_memory_bytes: 256 << 20,
            request_memory_bytes: 256 << 20,
            retention_interval: Duration::from_secs(300),
            cleaner_interval: Duration::from_secs(15),
            max_message_bytes: 1_048_588,
            min_session_timeout: Duration::from_secs(6),
            group_max_size: 1_000,
            group_initial_rebalance_delay: Duration::ZERO,
            transaction_version: TransactionVersion::Two,
            transaction_partition_verification: true,
        }
    }
}
