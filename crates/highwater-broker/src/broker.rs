//! Starting, serving, stopping.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::api::Reply;
use crate::bug::Bug;
use crate::bugs::ack_before_append;
use crate::cleaner;
use crate::cluster::{Cluster, Node};
use crate::config::BrokerConfig;
use crate::connection;
use crate::data_dir::{DataDir, Durability};
use crate::error::BrokerError;
use crate::leadership::MAX_NODES;

/// Connections at one time: each may hold a frame of 64 KiB in memory, longer ones share a budget.
const MAX_CONNECTIONS: usize = 10_000;

/// How long a graceful stop waits for requests that are being served: those that wait are answered at
/// once, and what remains are writes, which take milliseconds, and clients that do not read.
const STOP_PATIENCE: Duration = Duration::from_millis(700);

/// Pause after a failed accept: the usual reason, too many descriptors, goes away when others close.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A broker that listens, and has its data directory to itself.
#[derive(Debug)]
pub struct Broker {
    cluster: Arc<Cluster>,
    /// One for each node, in order of their ids.
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

impl Broker {
    /// Takes the data directory, recovers the logs, and listens. Clients that connect from now on are
    /// served as soon as [`Broker::serve`] runs.
    ///
    /// # Errors
    /// [`BrokerError`], each with what to do about it; nothing was changed then except cut torn tails.
    pub async fn bind(config: BrokerConfig) -> Result<Self, BrokerError> {
        check(&config)?;
        raise_descriptor_limit();
        let data_dir = DataDir::open(&config.data_dir, Durability::of(&config))?;
        let (listeners, addresses) = listen(&config).await?;
        let cluster = Cluster::open(config, data_dir, &addresses)?;
        Ok(Self {
            cluster: Arc::new(cluster),
            listeners,
            addresses,
        })
    }

    /// The address that the first node listens on, with the port that was really taken.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// The addresses of all nodes, in order of their ids.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves the content of one frame as if it had come over a connection to the first node, for tests that offer
    /// millions of them: the whole answer, or none where there is nothing to say.
    ///
    /// # Errors
    /// Why a connection would have been closed, in words.
    pub async fn answer(&self, frame: Bytes) -> Result<Option<BytesMut>, String> {
        let (_stop, stopping) = watch::channel(false);
        let node = *self.cluster.nodes().first().ok_or("no node")?;
        let reached_by = self.address().ip();
        match connection::serve_frame(frame, &self.cluster, node, reached_by, reached_by, &stopping).await {
            Ok(Reply::Frame(answer) | Reply::Records(answer, _)) => Ok(Some(answer)),
            Ok(Reply::None) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Serves until `shutdown` is ready. Requests that are being served get up to 0.7 s;
    /// everything acknowledged is in the files already.
    ///
    /// # Errors
    /// None today; a later version may end with an error of the data directory.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<(), BrokerError> {
        let (stop, stopping) = watch::channel(false);
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut background = JoinSet::new();
        background.spawn(self.background());
        let mut nodes = JoinSet::new();
        for (listener, node) in self.listeners.into_iter().zip(self.cluster.nodes()) {
            let cluster = Arc::clone(&self.cluster);
            nodes.spawn(accept(
                listener,
                *node,
                cluster,
                Arc::clone(&permits),
                stopping.clone(),
            ));
        }
        shutdown.await;
        // A receiver that is gone is a node that has ended.
        let _ = stop.send(true);
        self.cluster.groups.resign(|_| true);
        let all_ended = async { while nodes.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_PATIENCE, all_ended).await.is_err() {
            tracing::warn!("stopped with requests still being served");
        }
        Ok(())
    }

    /// What happens without a request: the clocks of groups and transactions, retention, compaction, and
    /// what a bug switch puts off. Never ends.
    fn background(&self) -> impl Future<Output = ()> + use<> {
        let cluster = Arc::clone(&self.cluster);
        async move {
            tokio::join!(
                cluster.groups.run_clock(),
                cluster.transactions.run_clock(&*cluster),
                cleaner::run_retention(Arc::clone(&cluster)),
                cleaner::run_compaction(Arc::clone(&cluster)),
                run_deferred(&cluster)
            );
        }
    }
}

/// Lets the clock of `ack-before-append` run, if it is on.
async fn run_deferred(cluster: &Cluster) {
    if !cluster.config.bugs.contains(&Bug::AckBeforeAppend) {
        return;
    }
    loop {
        tokio::time::sleep(ack_before_append::TICK).await;
        write_deferred(cluster);
    }
}

fn write_deferred(cluster: &Cluster) {
    let now = cluster.now();
    for topic in cluster.topics.all() {
        for partition in &topic.partitions {
            if let Err(error) = partition.write_deferred(now) {
                tracing::error!(topic = %topic.name, error = &error as &dyn std::error::Error, "write failed");
            }
        }
    }
}

/// Listens for each node: on the given port and those after it, or on free ones.
async fn listen(config: &BrokerConfig) -> Result<(Vec<TcpListener>, Vec<SocketAddr>), BrokerError> {
    let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
    for turn in 0..config.brokers {
        let mut address = config.listen;
        if address.port() != 0 {
            address.set_port(address.port() + turn);
        }
        let failed = |source| BrokerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        addresses.push(listener.local_addr().map_err(failed)?);
        listeners.push(listener);
    }
    Ok((listeners, addresses))
}

/// Takes the connections of one node until the broker stops, and ends with the last of them.
async fn accept(
    listener: TcpListener,
    node: Node,
    cluster: Arc<Cluster>,
    permits: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let mut stopped = stopping.clone();
    let stopped = async { drop(stopped.wait_for(|stop| *stop).await) };
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            () = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
                        tracing::warn!("refused a connection: {MAX_CONNECTIONS} are open");
                        continue;
                    };
                    let task = serve_one(stream, Arc::clone(&cluster), node, stopping.clone());
                    connections.spawn(async move {
                        task.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve_one(stream: TcpStream, cluster: Arc<Cluster>, node: Node, stopping: watch::Receiver<bool>) {
    let peer = stream.peer_addr();
    if let Err(error) = connection::serve(stream, &cluster, node, stopping).await {
        tracing::debug!(
            ?peer,
            error = &error as &dyn std::error::Error,
            "connection closed"
        );
    }
}

fn check(config: &BrokerConfig) -> Result<(), BrokerError> {
    let refused = |setting, value: String, expected| {
        Err(BrokerError::Config {
            setting,
            value,
            expected,
        })
    };
    if config.default_partitions < 1 {
        return refused(
            "default_partitions",
            config.default_partitions.to_string(),
            "must be at least 1",
        );
    }
    if !(1..=MAX_NODES).contains(&config.brokers) {
        return refused("brokers", config.brokers.to_string(), "must be 1 to 32");
    }
    let last = config.brokers - 1;
    if config.listen.port() != 0 && config.listen.port().checked_add(last).is_none() {
        return refused(
            "listen",
            config.listen.to_string(),
            "must leave a port above it for each further node",
        );
    }
    if config.node_id > i32::MAX - i32::from(MAX_NODES) {
        return refused("node_id", config.node_id.to_string(), "must be smaller");
    }
    if config.node_id < 0 {
        return refused("node_id", config.node_id.to_string(), "must not be negative");
    }
    if config.max_message_bytes > highwater_wire::batch::MAX_BATCH_BYTES {
        return refused(
            "max_message_bytes",
            config.max_message_bytes.to_string(),
            "must be at most 33554432",
        );
    }
    Ok(())
}

/// Every connection and every partition in use takes a descriptor, and the usual soft limit is 1,024.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "could not raise the limit of open files");
    }
}
