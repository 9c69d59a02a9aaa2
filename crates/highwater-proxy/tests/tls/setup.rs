//! The dev broker, and proxies in front of it and of each other.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use highwater_broker::{Broker, BrokerConfig};
use highwater_model::history::{HistoryBody, HistoryEvent, NodeAddress, Trouble};
use highwater_proxy::{BrokerTls, ClientTls, Proxy, ProxyError, ProxyOptions, RuleSpec, Summary, Tls, Trust};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub(crate) struct Dev {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    _data: TempDir,
}

impl Dev {
    pub(crate) async fn start() -> Self {
        let data = TempDir::new().unwrap();
        let config = BrokerConfig::new("127.0.0.1:0".parse().unwrap(), data.path());
        let broker = Broker::bind(config).await.unwrap();
        let address = broker.address();
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(broker.serve(async {
            let _ = stopped.await;
        }));
        Self {
            address,
            stop: Some(stop),
            _data: data,
        }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

pub(crate) struct Behind {
    pub(crate) proxy: Proxy,
    pub(crate) events: Arc<Mutex<Vec<HistoryEvent>>>,
}

pub(crate) fn node(address: SocketAddr) -> NodeAddress {
    NodeAddress {
        host: address.ip().to_string(),
        port: address.port(),
    }
}

/// A proxy in front of an address.
pub(crate) async fn proxy(
    upstream: NodeAddress,
    tls: Tls,
    rules: Vec<RuleSpec>,
) -> Result<Behind, ProxyError> {
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let options = ProxyOptions {
        tls,
        rules,
        observer: Some(Box::new(move |event| seen.lock().unwrap().push(event.clone()))),
        ..ProxyOptions::new(vec![upstream])
    };
    let proxy = Proxy::start(options).await?;
    Ok(Behind { proxy, events })
}

impl Behind {
    pub(crate) fn bootstrap(&self) -> SocketAddr {
        self.proxy.bootstrap().to_string().parse().unwrap()
    }

    /// Stops it; gives what it told and what it wrote down.
    pub(crate) async fn end(self) -> (Summary, Vec<HistoryEvent>) {
        let summary = self.proxy.stop().await;
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        (summary, events)
    }
}

pub(crate) fn ends(clients: ClientTls, brokers: BrokerTls) -> Tls {
    Tls::Ends { clients, brokers }
}

pub(crate) fn on(trust: Trust) -> BrokerTls {
    BrokerTls::On {
        trust,
        certificate: None,
    }
}

/// Why connections ended.
pub(crate) fn reasons(events: &[HistoryEvent]) -> Vec<String> {
    let reason = |event: &HistoryEvent| match &event.body {
        HistoryBody::Disconnected { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    events.iter().filter_map(reason).collect()
}

/// Whether the clients of connections spoke TLS.
pub(crate) fn spoke_tls(events: &[HistoryEvent]) -> Vec<bool> {
    let tls = |event: &HistoryEvent| match &event.body {
        HistoryBody::Connected { tls, .. } => Some(*tls),
        _ => None,
    };
    events.iter().filter_map(tls).collect()
}

pub(crate) fn troubles(events: &[HistoryEvent]) -> Vec<Trouble> {
    let trouble = |event: &HistoryEvent| match &event.body {
        HistoryBody::Trouble(trouble) => Some(trouble.clone()),
        _ => None,
    };
    events.iter().filter_map(trouble).collect()
}

pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}
