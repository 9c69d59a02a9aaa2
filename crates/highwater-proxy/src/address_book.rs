//! Which listener stands for which broker.
//!
//! Invariant: an address of a broker never reaches a client: each gets a listener before the answer that
//! names it goes on.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use highwater_model::history::{HistoryBody, NodeAddress};
use highwater_wire::addresses::Endpoint;

use crate::fault::Nodes;
use crate::shared::Shared;

/// Most listeners: far more than a cluster has brokers, and fewer than a process has sockets.
const MOST_LISTENERS: usize = 1_000;

/// Kafka's own word for no node.
const UNKNOWN_NODE: i32 = -1;

/// Number of the stand-in for node 0; clusters number their brokers from below.
const FIRST_STAND_IN: i32 = 1_000_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    upstream: NodeAddress,
    /// Whether it claims to be another node than the one behind it.
    stand_in: bool,
}

#[derive(Debug, Clone)]
struct Stand {
    node: i32,
    listener: SocketAddr,
}

/// The listeners of a proxy.
#[derive(Debug)]
pub(crate) struct AddressBook {
    /// Where listeners are opened.
    bind: IpAddr,
    /// What clients are told.
    advertise: String,
    stands: Mutex<HashMap<Key, Stand>>,
}

impl AddressBook {
    pub(crate) fn new(bind: IpAddr, advertise: String) -> Self {
        Self {
            bind,
            advertise,
            stands: Mutex::default(),
        }
    }

    /// The address that clients are given for a broker; a new broker gets a listener.
    pub(crate) fn listener_for(
        &self,
        shared: &Arc<Shared>,
        endpoint: &Endpoint,
    ) -> io::Result<(String, u16)> {
        let port = u16::try_from(endpoint.port).map_err(io::Error::other)?;
        let upstream = NodeAddress {
            host: endpoint.host.clone(),
            port,
        };
        let key = Key {
            upstream: upstream.clone(),
            stand_in: false,
        };
        let listener = self.stand(shared, key, endpoint.node, upstream)?;
        Ok((self.advertise.clone(), listener.port()))
    }

    fn stand(
        &self,
        shared: &Arc<Shared>,
        key: Key,
        node: i32,
        upstream: NodeAddress,
    ) -> io::Result<SocketAddr> {
        let mut stands = self.stands();
        if let Some(stand) = stands.get_mut(&key) {
            stand.node = node;
            return Ok(stand.listener);
        }
        if stands.len() >= MOST_LISTENERS {
            return Err(io::Error::other(format!(
                "{MOST_LISTENERS} listeners are open already"
            )));
        }
        let listener = TcpListener::bind((self.bind, 0))?;
        let address = listener.local_addr()?;
        shared.listen(listener, Some(node), vec![upstream.clone()])?;
        stands.insert(
            key,
            Stand {
                node,
                listener: address,
            },
        );
        drop(stands);
        shared.recorder.event(HistoryBody::Broker {
            node: Some(node),
            upstream,
            listener: self.shown(address),
        });
        Ok(address)
    }

    /// Takes in a listener that stands for a broker whose node is known, or is not.
    pub(crate) fn adopt(
        &self,
        shared: &Arc<Shared>,
        listener: TcpListener,
        node: Option<i32>,
        upstream: &NodeAddress,
    ) -> io::Result<()> {
        let address = listener.local_addr()?;
        shared.listen(listener, node, vec![upstream.clone()])?;
        let key = Key {
            upstream: upstream.clone(),
            stand_in: false,
        };
        let stand = Stand {
            node: node.unwrap_or(UNKNOWN_NODE),
            listener: address,
        };
        self.stands().insert(key, stand);
        shared.recorder.event(HistoryBody::Broker {
            node,
            upstream: upstream.clone(),
            listener: self.shown(address),
        });
        Ok(())
    }

    /// A listener as clients are told it.
    pub(crate) fn shown(&self, listener: SocketAddr) -> NodeAddress {
        NodeAddress {
            host: self.advertise.clone(),
            port: listener.port(),
        }
    }

    /// The brokers known so far: node and where it really is.
    pub(crate) fn brokers(&self) -> Vec<(i32, NodeAddress)> {
        let stands = self.stands();
        let real = stands.iter().filter(|(key, _)| !key.stand_in);
        let mut brokers: Vec<_> = real
            .map(|(key, stand)| (stand.node, key.upstream.clone()))
            .collect();
        brokers.sort();
        brokers
    }

    /// Addresses of all listeners for brokers.
    pub(crate) fn listeners(&self) -> Vec<SocketAddr> {
        self.stands().values().map(|stand| stand.listener).collect()
    }

    fn stands(&self) -> MutexGuard<'_, HashMap<Key, Stand>> {
        self.stands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nodes that are not there.
pub(crate) struct StandIns<'a>(pub(crate) &'a Arc<Shared>);

impl Nodes for StandIns<'_> {
    fn stand_in(&self, node: &Endpoint) -> Option<Endpoint> {
        let book = &self.0.book;
        if node.host != book.advertise {
            return None;
        }
        let (upstream, real) = {
            let stands = book.stands();
            let mut known = stands.iter().filter(|(key, _)| !key.stand_in);
            let (key, _) = known.find(|(_, stand)| i32::from(stand.listener.port()) == node.port)?;
            (key.upstream.clone(), node.node)
        };
        let key = Key {
            upstream: upstream.clone(),
            stand_in: true,
        };
        let listener = book.stand(self.0, key, real, upstream).ok()?;
        Some(Endpoint {
            node: real.checked_add(FIRST_STAND_IN)?,
            host: book.advertise.clone(),
            port: i32::from(listener.port()),
        })
    }
}
