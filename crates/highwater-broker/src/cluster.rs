//! What all connections of a broker share.
//!
//! Topics, groups and producer ids belong to the cluster; a [`Node`] is a listener with an id. All nodes
//! see the same data: what makes them several is who leads a partition and who coordinates a group.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::api::blocking;
use crate::bugs::Switches;
use crate::bugs::journal::{JOURNAL_FILE, Journal, read_journal};
use crate::config::BrokerConfig;
use crate::coordination::Coordination;
use crate::data_dir::{DataDir, Durability};
use crate::error::BrokerError;
use crate::group::Groups;
use crate::leadership::{Leadership, PlacementError, Roster, count_start};
use crate::memory::Budget;
use crate::producer_ids::ProducerIds;
use crate::topic_config::TopicConfig;
use crate::topics::{Topic, TopicError, Topics};
use crate::transaction::Transactions;

/// One listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) id: i32,
    pub(crate) address: SocketAddr,
}

impl Node {
    /// The address that a client can reach, given the one it has reached us by.
    pub(crate) fn advertised(&self, reached_by: IpAddr) -> SocketAddr {
        if self.address.ip().is_unspecified() {
            SocketAddr::new(reached_by, self.address.port())
        } else {
            self.address
        }
    }
}

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) config: BrokerConfig,
    pub(crate) data_dir: DataDir,
    pub(crate) topics: Topics,
    pub(crate) groups: Groups,
    pub(crate) producer_ids: ProducerIds,
    pub(crate) transactions: Transactions,
    pub(crate) roster: Roster,
    /// For the records in answers that were not taken yet.
    pub(crate) answers: Budget,
    /// For long requests, from their length on until they are served.
    pub(crate) requests: Budget,
    /// In order of id, never empty.
    nodes: Vec<Node>,
    origin: Instant,
}

impl Cluster {
    /// Opens the data directory and everything in it, for nodes that listen on these addresses.
    pub(crate) fn open(
        config: BrokerConfig,
        data_dir: DataDir,
        addresses: &[SocketAddr],
    ) -> Result<Self, BrokerError> {
        let (journal, entries) = if config.bugs.is_empty() {
            (None, Vec::new())
        } else {
            let entries = read_journal(&data_dir.root)?;
            let journal = Journal::open(data_dir.root.join(JOURNAL_FILE))?;
            (Some(Arc::new(journal)), entries)
        };
        let switches = Switches {
            on: config.bugs.clone(),
            journal,
        };
        let durability = Durability::of(&config);
        let starts = count_start(&data_dir.root, durability)?;
        let roster = Roster::new(config.node_id, config.brokers, starts);
        let node = |(id, &address)| Node { id, address };
        // Before the directory of topics is made, which says that everything else must be there.
        let producer_ids = ProducerIds::open(&data_dir.root, durability, data_dir.is_new)?;
        let cluster = Self {
            topics: Topics::open(&config, roster.clone(), switches.clone(), &entries)?,
            groups: Groups::open(&data_dir.root, &config, &switches)?,
            producer_ids,
            transactions: Transactions::open(
                &data_dir.root,
                durability,
                config.transaction_version,
                &switches,
            )?,
            nodes: roster.ids().zip(addresses).map(node).collect(),
            roster,
            answers: Budget::new(config.fetch_memory_bytes),
            requests: Budget::new(config.request_memory_bytes),
            data_dir,
            config,
            origin: Instant::now(),
        };
        cluster.transactions.finish_prepared(&cluster);
        Ok(cluster)
    }

    /// Milliseconds since 1970.
    pub(crate) fn wall_clock_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// Time since the broker was started; only differences mean anything.
    pub(crate) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Every node.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node with an id.
    pub(crate) fn node(&self, id: i32) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// Which node the clients are told is the controller: in Kafka any broker, as each forwards.
    pub(crate) fn controller(&self) -> &Node {
        &self.nodes[0]
    }

    /// The topic of a kind of coordination, made when it is first asked for, as in Kafka.
    pub(crate) fn coordination_topic(&self, kind: Coordination) -> Result<Arc<Topic>, TopicError> {
        if let Some(topic) = self.topics.get(kind.topic()) {
            return Ok(topic);
        }
        let make = || {
            self.topics
                .create(kind.topic(), Coordination::PARTITIONS, TopicConfig::default())
        };
        match blocking(make) {
            // Somebody else was faster.
            Err(TopicError::Exists(name)) => self.topics.get(&name).ok_or(TopicError::Exists(name)),
            made => made,
        }
    }

    /// Who coordinates a group or transactional id; `None` before anybody asked for a coordinator.
    pub(crate) fn coordinator(&self, kind: Coordination, key: &str) -> Option<&Node> {
        let topic = self.topics.get(kind.topic())?;
        let partition = topic.partition(kind.partition_of(key, topic.partitions.len()))?;
        self.node(partition.leadership().leader)
    }

    /// Moves a partition to other replicas, and with it what its leader coordinates.
    pub(crate) fn reassign(
        &self,
        topic: &str,
        partition: i32,
        replicas: Vec<i32>,
    ) -> Result<bool, MoveError> {
        self.roster.check_replicas(&replicas)?;
        self.change_leadership(topic, partition, |leadership| {
            Some(leadership.reassigned(replicas))
        })
    }

    /// Has the first replica lead; `Ok(None)` when it does.
    pub(crate) fn elect_preferred(&self, topic: &str, partition: i32) -> Result<Option<bool>, MoveError> {
        let mut needed = true;
        let found = self.change_leadership(topic, partition, |leadership| {
            let preferred = leadership.preferred();
            needed = preferred.is_some();
            preferred
        })?;
        Ok(needed.then_some(found))
    }

    fn change_leadership(
        &self,
        topic: &str,
        partition: i32,
        change: impl FnOnce(&Leadership) -> Option<Leadership>,
    ) -> Result<bool, MoveError> {
        let mut moved = false;
        let found = self.topics.lead(topic, partition, |before| {
            let after = change(before)?;
            moved = after.leader != before.leader;
            Some(after)
        })?;
        if moved && topic == Coordination::Group.topic() {
            let count = self.topics.get(topic).map_or(1, |topic| topic.partitions.len());
            let moves = |group: &str| Coordination::Group.partition_of(group, count) == partition;
            self.groups.resign(moves);
        }
        Ok(found)
    }
}

/// Why a partition is not moved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MoveError {
    #[error(transparent)]
    Placement(#[from] PlacementError),
    #[error("keep who leads in the data directory")]
    Storage(#[from] BrokerError),
}
