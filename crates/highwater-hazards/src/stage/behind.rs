//! A fault proxy in front of the target, for one arm.
//!
//! Invariant: it is stopped when it is dropped.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use highwater_model::history::{HistoryEvent, NodeAddress};
use highwater_proxy::{Proxy, ProxyOptions, RuleSpec};
use tokio::runtime::Handle;

use super::address;
use crate::error::HazardError;

/// Events of a history that are kept; an arm has some hundred.
const MAX_EVENTS: usize = 20_000;

/// What passed on the wire.
pub(crate) type Wire = Arc<Mutex<Vec<HistoryEvent>>>;

/// A proxy with its rules.
pub(crate) struct Behind {
    proxy: Option<Proxy>,
    runtime: Handle,
    bootstrap: String,
}

impl Behind {
    pub(crate) fn start(
        runtime: &Handle,
        upstream: &str,
        rules: Vec<RuleSpec>,
        seed: u64,
        wire: &Wire,
    ) -> Result<Self, HazardError> {
        let mut nodes = Vec::new();
        for one in upstream.split(',') {
            let at = address(one)?;
            nodes.push(NodeAddress {
                host: at.ip().to_string(),
                port: at.port(),
            });
        }
        let kept = Arc::clone(wire);
        let options = ProxyOptions {
            rules,
            seed,
            observer: Some(Box::new(move |event: &HistoryEvent| {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() < MAX_EVENTS {
                    kept.push(event.clone());
                }
            })),
            ..ProxyOptions::new(nodes)
        };
        let proxy = runtime.block_on(Proxy::start(options))?;
        Ok(Self {
            bootstrap: proxy.bootstrap().to_string(),
            proxy: Some(proxy),
            runtime: runtime.clone(),
        })
    }

    /// `HOST:PORT` for clients.
    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    pub(crate) fn address(&self) -> Result<SocketAddr, HazardError> {
        address(&self.bootstrap)
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        if let Some(proxy) = self.proxy.take() {
            // How it ended is told by nobody: the arm is judged by what is in the log.
            drop(self.runtime.block_on(proxy.stop()));
        }
    }
}
