//! The network between the brokers of a target of three: a proxy in front of the listener through which each of them is
//! read by the others.
//!
//! ```text
//! broker 2 ─▶ proxy of 1 ─▶ INTERNAL of broker 1        cut off 1: nothing passes its proxy, and nothing of
//! broker 3 ─▶ proxy of 1 ─▶ INTERNAL of broker 1        `broker-1-…` passes those of 2 and 3
//! ```
//! Invariant: brokers reach the controllers directly, so one that is cut off is alive for the cluster and misses only
//! from the copies: it can neither be copied from nor copy.

use std::collections::BTreeMap;
use std::net::{SocketAddrV4, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use highwater_model::history::NodeAddress;
use highwater_proxy::{Proxy, ProxyOptions, RuleSpec, Scope, Trigger};
use highwater_target::{Advertise, INTERNAL};
use tokio::runtime::Runtime;

use crate::session::described;

/// Addresses that brokers are told before anything listens behind them.
#[derive(Clone, Default)]
pub(crate) struct Reserved(Arc<Mutex<BTreeMap<i32, (TcpListener, SocketAddrV4)>>>);

impl Reserved {
    /// Gives every broker's internal listener an address of its own to tell.
    pub(crate) fn advertise(&self) -> Advertise {
        let reserved = Arc::clone(&self.0);
        Arc::new(move |at| {
            if at.listener != INTERNAL {
                return None;
            }
            let listener = TcpListener::bind("127.0.0.1:0").ok()?;
            let port = listener.local_addr().ok()?.port();
            let mut reserved = reserved.lock().unwrap_or_else(PoisonError::into_inner);
            reserved.insert(at.node, (listener, at.address));
            Some(("127.0.0.1".to_owned(), port))
        })
    }
}

/// The proxies.
pub(crate) struct Links {
    runtime: Runtime,
    proxies: BTreeMap<i32, Proxy>,
    /// Nodes in the order of the rules.
    nodes: Vec<i32>,
}

impl Links {
    /// Begins to serve at the reserved addresses, once the brokers are up.
    pub(crate) fn start(reserved: &Reserved) -> Result<Self, String> {
        let failed = |error: &dyn std::error::Error| {
            format!(
                "the proxies between the brokers could not be started: {}",
                described(error)
            )
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        let reserved = std::mem::take(&mut *reserved.0.lock().unwrap_or_else(PoisonError::into_inner));
        let nodes: Vec<i32> = reserved.keys().copied().collect();
        let mut proxies = BTreeMap::new();
        for (node, (listener, upstream)) in reserved {
            let listen = listener.local_addr().map_err(|error| failed(&error))?;
            // Whoever knocked meanwhile knocks again.
            drop(listener);
            let options = ProxyOptions {
                listen,
                rules: rules(&nodes),
                ..ProxyOptions::new(vec![NodeAddress {
                    host: upstream.ip().to_string(),
                    port: upstream.port(),
                }])
            };
            let proxy = runtime
                .block_on(Proxy::start(options))
                .map_err(|error| failed(&error))?;
            proxies.insert(node, proxy);
        }
        Ok(Self {
            runtime,
            proxies,
            nodes,
        })
    }

    /// Cuts a broker off from the others, in both directions.
    pub(crate) fn cut(&self, node: i32) {
        self.each(node, Proxy::arm);
    }

    /// Lets everything pass again.
    pub(crate) fn heal(&self, node: i32) {
        self.each(node, Proxy::lift);
    }

    fn each(&self, node: i32, act: impl Fn(&Proxy, u16) -> bool) {
        let of_node = self.nodes.iter().position(|other| *other == node);
        let from_node = of_node.and_then(|at| u16::try_from(at + 1).ok());
        for (of, proxy) in &self.proxies {
            let rule = if *of == node { Some(0) } else { from_node };
            if let Some(rule) = rule {
                act(proxy, rule);
            }
        }
    }

    pub(crate) fn stop(self) {
        for proxy in self.proxies.into_values() {
            self.runtime.block_on(proxy.stop());
        }
        self.runtime.shutdown_background();
    }
}

/// Nothing passes; then, for each node, nothing of that node passes.
fn rules(nodes: &[i32]) -> Vec<RuleSpec> {
    let rule = |name: String, client_id: Option<String>| RuleSpec {
        name,
        fault: "black-hole".to_owned(),
        scope: Scope {
            client_id,
            ..Scope::default()
        },
        trigger: Trigger {
            by_hand: true,
            ..Trigger::default()
        },
        parameters: highwater_proxy::Parameters::default(),
    };
    let from = nodes
        .iter()
        .map(|node| rule(format!("from-{node}"), Some(format!("broker-{node}-*"))));
    std::iter::once(rule("all".to_owned(), None))
        .chain(from)
        .collect()
}
