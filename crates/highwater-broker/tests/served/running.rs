//! A broker in this process, stopped when it is dropped.

use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use highwater_broker::{Broker, BrokerConfig, BrokerError, Bug};
use highwater_wire::Connection;
use tokio::sync::oneshot;

/// Longer than anything here takes, so that a hang is a failure and not a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    /// Of the first node.
    pub(crate) address: SocketAddr,
    /// Of all nodes, the one with id 1 first.
    pub(crate) addresses: Vec<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) fn config(dir: &Path) -> BrokerConfig {
    let mut config = BrokerConfig::new(([127, 0, 0, 1], 0).into(), dir);
    // Short enough to see a session end within a test.
    config.min_session_timeout = Duration::from_millis(100);
    config
}

pub(crate) fn start(dir: &Path) -> Running {
    start_with(config(dir)).expect("the broker starts")
}

pub(crate) fn start_with_bug(dir: &Path, bug: Bug) -> Running {
    let mut config = config(dir);
    config.bugs.insert(bug);
    start_with(config).expect("the broker starts")
}

/// A broker of several nodes.
pub(crate) fn start_nodes(dir: &Path, brokers: u16) -> Running {
    let mut config = config(dir);
    config.brokers = brokers;
    start_with(config).expect("the broker starts")
}

pub(crate) fn start_with(config: BrokerConfig) -> Result<Running, BrokerError> {
    let (stop, stopped) = oneshot::channel();
    let (bound, addresses) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("runtime");
        runtime.block_on(async move {
            match Broker::bind(config).await {
                Ok(broker) => {
                    bound
                        .send(Ok(broker.addresses().to_vec()))
                        .expect("the test waits");
                    let stopped = async {
                        let _ = stopped.await;
                    };
                    broker.serve(stopped).await.expect("serves");
                }
                Err(error) => bound.send(Err(error)).expect("the test waits"),
            }
        });
    });
    let addresses = addresses.recv().expect("bound or not")?;
    Ok(Running {
        address: addresses[0],
        addresses,
        stop: Some(stop),
        thread: Some(thread),
    })
}

impl Running {
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address, PATIENCE).expect("connect")
    }

    /// To the node with this id.
    pub(crate) fn connect_to(&self, node: i32) -> Connection {
        let index = usize::try_from(node - 1).expect("an id");
        Connection::open(self.addresses[index], PATIENCE).expect("connect")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the broker panicked");
        }
    }
}
