//! What all connections of a broker share.
//!
//! Topics, groups and producer ids belong to the cluster; a [`Node`] is a listener with an id. There is
//! one node today, and whoever asks "who leads this?" asks here, so that there can be several.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bugs::Switches;
use crate::bugs::journal::{JOURNAL_FILE, Journal, read_journal};
use crate::config::BrokerConfig;
use crate::data_dir::DataDir;
use crate::error::BrokerError;
use crate::group::Groups;
use crate::producer_ids::ProducerIds;
use crate::topics::Topics;

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
    pub(crate) node: Node,
    origin: Instant,
}

impl Cluster {
    /// Opens the data directory and everything in it.
    pub(crate) fn open(
        config: BrokerConfig,
        data_dir: DataDir,
        address: SocketAddr,
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
        Ok(Self {
            topics: Topics::open(&config, switches, &entries)?,
            groups: Groups::open(&data_dir.root)?,
            producer_ids: ProducerIds::open(&data_dir.root)?,
            node: Node {
                id: config.node_id,
                address,
            },
            data_dir,
            config,
            origin: Instant::now(),
        })
    }

    /// Time since the broker was started; only differences mean anything.
    pub(crate) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Who leads a partition.
    pub(crate) fn leader(&self) -> &Node {
        &self.node
    }

    /// Who coordinates a group.
    pub(crate) fn coordinator(&self) -> &Node {
        &self.node
    }

    /// Every node.
    pub(crate) fn nodes(&self) -> &[Node] {
        std::slice::from_ref(&self.node)
    }
}
