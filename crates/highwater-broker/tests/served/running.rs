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
    pub(crate) address: SocketAddr,
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

pub(crate) fn start_with(config: BrokerConfig) -> Result<Running, BrokerError> {
    let (stop, stopped) = oneshot::channel();
    let (bound, address) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("runtime");
        runtime.block_on(async move {
            match Broker::bind(config).await {
                Ok(broker) => {
                    bound.send(Ok(broker.address())).expect("the test waits");
                    let stopped = async {
                        let _ = stopped.await;
                    };
                    broker.serve(stopped).await.expect("serves");
                }
                Err(error) => bound.send(Err(error)).expect("the test waits"),
            }
        });
    });
    let address = address.recv().expect("bound or not")?;
    Ok(Running {
        address,
        stop: Some(stop),
        thread: Some(thread),
    })
}

impl Running {
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address, PATIENCE).expect("connect")
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
