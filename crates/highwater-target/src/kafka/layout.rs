//! Who listens where: the listeners of every node, their ports, and the addresses that they tell others.
//!
//! ```text
//! node 1   CLIENT  INTERNAL  CONTROLLER  extra…      INTERNAL only where there are several nodes
//! node 2   …
//! ```
//! Invariant: all nodes of a cluster are written from one layout, so that they agree on each other's addresses.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use crate::error::TargetError;
use crate::port;

/// The listener for clients.
pub const CLIENT: &str = "CLIENT";
/// The listener that brokers copy from each other through; only where there are several.
pub const INTERNAL: &str = "INTERNAL";
/// The listener of the controller quorum.
pub const CONTROLLER: &str = "CONTROLLER";
/// Kafka turns names of listeners into keys of its configuration; longer ones help nobody.
const LONGEST_NAME: usize = 32;

/// A listener of a node, before it is told to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerAt<'a> {
    /// Id of the node, from 1.
    pub node: i32,
    /// Name of the listener: [`CLIENT`], [`INTERNAL`], [`CONTROLLER`] or that of an extra one.
    pub listener: &'a str,
    /// Where it really listens.
    pub address: SocketAddrV4,
}

/// Gives the host and port that a listener is to tell others instead of its own; none: its own.
///
/// It is asked before any node is started, once for each listener of each node, and again if other ports had
/// to be chosen. A proxy listens when it is asked and answers with its own address.
pub type Advertise = Arc<dyn Fn(&ListenerAt<'_>) -> Option<(String, u16)> + Send + Sync>;

/// A listener besides the usual ones, for encryption or authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraListener {
    /// Its name, in capital letters and digits, e.g. `SECURE`.
    pub name: String,
    /// `SSL`, `SASL_SSL` or `SASL_PLAINTEXT`, as in Kafka's `listener.security.protocol.map`.
    pub protocol: String,
}

/// What a caller wants of Apache Kafka beyond the usual.
#[derive(Clone, Default)]
pub struct KafkaOptions {
    /// Lines of `server.properties` for every node; they replace the usual ones of the same name.
    pub properties: Vec<(String, String)>,
    /// Listeners besides the usual ones; what they need (keys, users) is in `properties`.
    pub listeners: Vec<ExtraListener>,
    /// The addresses that listeners tell others; none: where they listen.
    pub advertise: Option<Advertise>,
    /// Heap of each node in bytes; none: what a load test on a laptop needs.
    pub heap_bytes: Option<u64>,
}

impl fmt::Debug for KafkaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaOptions")
            .field("properties", &self.properties.len())
            .field("listeners", &self.listeners)
            .field("advertise", &self.advertise.is_some())
            .field("heap_bytes", &self.heap_bytes)
            .finish()
    }
}

/// One listener of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Door {
    pub(super) name: String,
    pub(super) protocol: String,
    pub(super) port: u16,
    /// Host and port as others are told.
    pub(super) told: String,
}

/// The listeners of all nodes; the node with the id `i + 1` at the index `i`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) nodes: Vec<Vec<Door>>,
}

impl Layout {
    /// Chooses free ports; `client_ports` says how many nodes there are, and which ports clients know already.
    pub(super) fn choose(client_ports: &[Option<u16>], wishes: &KafkaOptions) -> Result<Self, TargetError> {
        wishes.listeners.iter().try_for_each(check)?;
        let mut chosen: BTreeSet<u16> = client_ports.iter().flatten().copied().collect();
        let usual = [CLIENT, INTERNAL, CONTROLLER];
        let plain = usual
            .into_iter()
            .filter(|name| *name != INTERNAL || client_ports.len() > 1)
            .map(|name| (name, "PLAINTEXT"));
        let extra = wishes.listeners.iter();
        let extra = extra.map(|one| (one.name.as_str(), one.protocol.as_str()));
        let names: Vec<(&str, &str)> = plain.chain(extra).collect();
        let mut nodes = Vec::new();
        for (node, client_port) in (1..).zip(client_ports) {
            let mut doors = Vec::new();
            for (name, protocol) in &names {
                let port = match client_port.filter(|_| *name == CLIENT) {
                    Some(port) => port,
                    None => port::free_port(&mut chosen)?,
                };
                let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
                let listener = ListenerAt {
                    node,
                    listener: name,
                    address,
                };
                let told = wishes.advertise.as_ref().and_then(|ask| ask(&listener));
                doors.push(Door {
                    name: (*name).to_owned(),
                    protocol: (*protocol).to_owned(),
                    port,
                    told: told.map_or_else(|| address.to_string(), |(host, port)| format!("{host}:{port}")),
                });
            }
            nodes.push(doors);
        }
        Ok(Self { nodes })
    }

    /// Where a listener of a node listens.
    pub(super) fn address(&self, index: usize, name: &str) -> Option<SocketAddrV4> {
        let door = self.nodes.get(index)?.iter().find(|door| door.name == name)?;
        Some(SocketAddrV4::new(Ipv4Addr::LOCALHOST, door.port))
    }

    /// True if somebody else listens on a port of it.
    pub(super) fn any_taken(&self) -> bool {
        self.nodes.iter().flatten().any(|door| port::is_taken(door.port))
    }
}

fn check(listener: &ExtraListener) -> Result<(), TargetError> {
    let name = &listener.name;
    let wrong = |reason| TargetError::BadListener {
        given: name.clone(),
        reason,
    };
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(plain) {
        return Err(wrong(
            "its name is not 1 to 32 capital letters, digits and underscores",
        ));
    }
    if [CLIENT, INTERNAL, CONTROLLER].contains(&name.as_str()) {
        return Err(wrong("there is one of that name already"));
    }
    if !["SSL", "SASL_SSL", "SASL_PLAINTEXT", "PLAINTEXT"].contains(&listener.protocol.as_str()) {
        return Err(wrong(
            "its protocol is not SSL, SASL_SSL, SASL_PLAINTEXT or PLAINTEXT",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(layout: &Layout, index: usize) -> Vec<&str> {
        layout.nodes[index]
            .iter()
            .map(|door| door.name.as_str())
            .collect()
    }

    #[test]
    fn nodes_have_different_ports_and_one_node_needs_no_internal_listener() {
        let secure = ExtraListener {
            name: "SECURE".to_owned(),
            protocol: "SSL".to_owned(),
        };
        let wishes = KafkaOptions {
            listeners: vec![secure],
            ..KafkaOptions::default()
        };
        let one = Layout::choose(&[Some(9092)], &wishes).unwrap();
        assert_eq!(names(&one, 0), [CLIENT, CONTROLLER, "SECURE"]);
        assert_eq!(one.address(0, CLIENT).unwrap().port(), 9092);
        assert_eq!(one.address(0, INTERNAL), None);
        let three = Layout::choose(&[None; 3], &wishes).unwrap();
        let ports: BTreeSet<u16> = three.nodes.iter().flatten().map(|door| door.port).collect();
        assert_eq!(ports.len(), 12);
        assert_eq!(names(&three, 2), [CLIENT, INTERNAL, CONTROLLER, "SECURE"]);
    }

    #[test]
    fn what_is_told_to_others_is_what_the_caller_says() {
        let advertise: Advertise = Arc::new(|at| {
            (at.listener == INTERNAL && at.node == 2).then(|| ("proxy".to_owned(), at.address.port() + 1))
        });
        let wishes = KafkaOptions {
            advertise: Some(advertise),
            ..KafkaOptions::default()
        };
        let layout = Layout::choose(&[None; 2], &wishes).unwrap();
        for (index, door) in layout
            .nodes
            .iter()
            .enumerate()
            .flat_map(|(index, doors)| doors.iter().map(move |door| (index, door)))
        {
            let expected = if index == 1 && door.name == INTERNAL {
                format!("proxy:{}", door.port + 1)
            } else {
                format!("127.0.0.1:{}", door.port)
            };
            assert_eq!(door.told, expected);
        }
    }

    #[test]
    fn a_listener_that_kafka_would_refuse_is_refused_before() {
        for (name, protocol, expected) in [
            ("", "SSL", "its name"),
            ("secure", "SSL", "its name"),
            ("A=B", "SSL", "its name"),
            ("CLIENT", "SSL", "already"),
            ("SECURE", "TLS", "its protocol"),
        ] {
            let listener = ExtraListener {
                name: name.to_owned(),
                protocol: protocol.to_owned(),
            };
            let error = check(&listener).unwrap_err().to_string();
            assert!(error.contains(expected), "{name} {protocol}: {error}");
        }
    }
}
