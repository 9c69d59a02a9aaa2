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

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    upstream: NodeAddress,
    /// The node that a listener claims to be, where it is not the node behind it.
    alias: Option<i32>,
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
            alias: None,
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
            alias: None,
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
        let real = stands.iter().filter(|(key, _)| key.alias.is_none());
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

/// What faults may know of listeners.
pub(crate) struct Aliases<'a>(pub(crate) &'a Arc<Shared>);

impl Nodes for Aliases<'_> {
    fn alias(&self, host: &str, port: i32, alias: Option<i32>) -> Option<(i32, String, i32)> {
        let book = &self.0.book;
        if host != book.advertise {
            return None;
        }
        let (upstream, real, other) = {
            let stands = book.stands();
            let (key, stand) = stands
                .iter()
                .find(|(_, stand)| i32::from(stand.listener.port()) == port)?;
            let others = stands.iter().filter(|(key, _)| key.alias.is_none());
            let other = others
                .map(|(_, other)| other.node)
                .filter(|node| *node != stand.node)
                .min();
            (key.upstream.clone(), stand.node, other)
        };
        // A cluster of one has no other node; a number that no broker has serves as well.
        let node = alias.or(other).unwrap_or(real + 1);
        let key = Key {
            upstream: upstream.clone(),
            alias: Some(node),
        };
        let listener = book.stand(self.0, key, real, upstream).ok()?;
        Some((node, book.advertise.clone(), i32::from(listener.port())))
    }
}
