//! What all connections of a proxy share.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use highwater_model::history::{
    ConnectionId, ExchangeId, FaultChange, HistoryBody, NodeAddress, Side, Trouble,
};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::address_book::AddressBook;
use crate::bypass;
use crate::clock::Clock;
use crate::connection::{Connection, Ending, address};
use crate::counters::Counters;
use crate::fault::OnLink;
use crate::proxy::resolve;
use crate::recorder::Recorder;
use crate::rule::engine::Engine;
use crate::rule::watch::Watching;
use crate::tls::{Hello, Sides};
use crate::topics::Topics;

/// Most connections at once: more than the clients of one machine open, fewer than a process may.
const MOST_CONNECTIONS: usize = 10_000;

/// An effect on a whole client.
pub(crate) struct OfClient {
    client_id: Option<String>,
    rule: u16,
    effect: OnLink,
    until: Option<Duration>,
}

/// What the connections share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) recorder: Recorder,
    pub(crate) counters: Arc<Counters>,
    pub(crate) book: AddressBook,
    pub(crate) topics: Arc<Topics>,
    pub(crate) clock: Clock,
    pub(crate) tls: Sides,
    pub(crate) seed: u64,
    /// Whether any rule acts on bytes.
    pub(crate) network: bool,
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) connections: Mutex<HashMap<ConnectionId, Weak<Connection>>>,
    /// Effects on all connections of a client, also on those that it opens later.
    pub(crate) of_clients: Mutex<Vec<OfClient>>,
    pub(crate) next_connection: AtomicU32,
    pub(crate) next_exchange: AtomicU64,
}

#[cfg(test)]
impl Shared {
    /// Without listeners; the clock begins now.
    pub(crate) fn for_simulation(
        rules: &[crate::rule::RuleSpec],
        seed: u64,
        observer: crate::recorder::Observer,
    ) -> (Arc<Self>, std::thread::JoinHandle<crate::recorder::Finished>) {
        let engine = Engine::new(rules, seed).unwrap();
        let clock = Clock(tokio::time::Instant::now());
        let (topics, counters) = (Arc::new(Topics::default()), Arc::new(Counters::default()));
        let output = crate::recorder::Output {
            file: None,
            observer: Some(observer),
            headers: Vec::new(),
        };
        let began = HistoryBody::Began {
            highwater_version: String::new(),
            started_at: String::new(),
            target: String::new(),
            seed: String::new(),
            rules: engine.names(),
        };
        let (recorder, thread) =
            crate::recorder::start(output, clock, Arc::clone(&topics), Arc::clone(&counters), began).unwrap();
        let shared = Self {
            network: engine.has_network_rules(),
            engine,
            recorder,
            counters,
            book: AddressBook::new(std::net::Ipv4Addr::LOCALHOST.into(), "127.0.0.1".to_owned()),
            topics,
            clock,
            tls: Sides::default(),
            seed,
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            connections: Mutex::default(),
            of_clients: Mutex::default(),
            next_connection: AtomicU32::new(1),
            next_exchange: AtomicU64::new(1),
        };
        (Arc::new(shared), thread)
    }
}

impl Shared {
    pub(crate) fn next_exchange(&self) -> ExchangeId {
        ExchangeId(self.next_exchange.fetch_add(1, Ordering::Relaxed))
    }

    /// Accepts connections for a broker until the proxy stops.
    pub(crate) fn listen(
        self: &Arc<Self>,
        listener: TcpListener,
        node: Option<i32>,
        upstream: Vec<NodeAddress>,
    ) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let shared = Arc::clone(self);
        self.tasks.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = shared.stopping.cancelled() => return,
                };
                match accepted {
                    Ok((stream, _)) => {
                        let (serving, upstream) = (Arc::clone(&shared), upstream.clone());
                        shared
                            .tasks
                            .spawn(async move { serving.serve(stream, node, &upstream).await });
                    }
                    Err(error) => {
                        // Out of file descriptors, most likely; connections that end make room.
                        tracing::warn!(%error, "a connection was not accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        });
        Ok(())
    }

    async fn serve(self: Arc<Self>, client: TcpStream, node: Option<i32>, upstream: &[NodeAddress]) {
        let hello = self.hello(&client).await;
        let id = ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed));
        let from = client.peer_addr().map_or_else(|_| "unknown".to_owned(), address);
        self.recorder.event(HistoryBody::Connected {
            connection: id,
            node,
            from,
            tls: hello == Some(Hello::Tls),
        });
        if self.tls.passes {
            self.recorder.trouble(Trouble::Opaque {
                connection: id,
                reason: "TLS passes as bytes: no request is seen".to_owned(),
            });
        }
        let connection = Connection::new(id, Arc::clone(&self), node);
        let open = {
            let mut connections = self.connections();
            connections.insert(id, Arc::downgrade(&connection));
            connections.len()
        };
        self.counters.connections_open.fetch_add(1, Ordering::Relaxed);
        self.counters.connections_total.fetch_add(1, Ordering::Relaxed);
        let ending = if open > MOST_CONNECTIONS {
            Ending::new(
                Side::Proxy,
                format!("{MOST_CONNECTIONS} connections are open already"),
            )
        } else {
            match self.open_ends(client, hello, upstream).await {
                Ok((client, broker)) => connection.run(client, broker).await,
                Err(ending) => ending,
            }
        };
        self.connections().remove(&id);
        self.counters.connections_open.fetch_sub(1, Ordering::Relaxed);
        self.recorder.event(HistoryBody::Disconnected {
            connection: id,
            by: ending.by,
            reason: ending.reason,
        });
    }

    /// A rule changed; connections and counts as far as there are any.
    pub(crate) fn tell_rule(
        &self,
        rule: u16,
        change: FaultChange,
        exchange: Option<ExchangeId>,
        connection: Option<ConnectionId>,
    ) {
        let counts = self.engine.counts();
        let (matched, fired) = counts
            .get(usize::from(rule))
            .map_or((0, 0), |count| (count.matched, count.fired));
        self.recorder.event(HistoryBody::Fault {
            rule,
            change,
            exchange,
            connection,
            matched,
            fired,
        });
    }

    /// A network rule fired at a request of this connection.
    pub(crate) fn begin_link(&self, connection: &Arc<Connection>, rule: u16) {
        let Some(armed) = self.engine.rule(rule) else {
            return;
        };
        let Some(effect) = armed.fault.on_link() else {
            return;
        };
        let until = armed.lasting.map(|lasting| self.clock.now() + lasting);
        if armed.fault.of_whole_client() {
            let client_id = connection.identity().client_id.clone();
            let now = self.clock.now();
            let mut of_clients = self.of_clients();
            of_clients.retain(|one| one.until.is_none_or(|until| now < until));
            of_clients.push(OfClient {
                client_id: client_id.clone(),
                rule,
                effect,
                until,
            });
            drop(of_clients);
            for other in self.open_connections() {
                let same = client_id.is_some() && other.identity().client_id == client_id;
                if same || Arc::ptr_eq(&other, connection) {
                    other.link.begin(rule, effect, until);
                }
            }
        } else {
            connection.link.begin(rule, effect, until);
        }
    }

    /// A connection says which client it is of: what happens to that client happens to it.
    pub(crate) fn join_client(&self, connection: &Connection) {
        let client_id = connection.identity().client_id.clone();
        let now = self.clock.now();
        for one in self.of_clients().iter() {
            if one.client_id == client_id && one.until.is_none_or(|until| now < until) {
                connection.link.begin(one.rule, one.effect, one.until);
            }
        }
    }

    /// How much of what releases the frames of a rule was seen so far; to be asked when a frame is held, as its
    /// successors are looked at before anybody waits.
    pub(crate) fn releases(&self, rule: u16) -> u64 {
        let release = self.engine.rule(rule).and_then(|armed| armed.release.as_ref());
        release.map_or(0, Watching::count)
    }

    /// Waits until a frame that a rule holds since so many [`Shared::releases`] may go on.
    pub(crate) async fn released(&self, rule: u16, since: u64) {
        let Some(armed) = self.engine.rule(rule) else {
            return;
        };
        let timer = async {
            match armed.delay {
                Some(delay) => tokio::time::sleep(delay).await,
                None => std::future::pending().await,
            }
        };
        let event = async {
            match &armed.release {
                Some(release) => release.happens_after(since).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = timer => {}
            () = event => {}
            () = armed.let_go.notified() => {}
        }
        self.tell_rule(rule, FaultChange::Lifted, None, None);
    }

    /// Watches windows open and close, and ends connections where a rule of the clock says so.
    pub(crate) async fn keep_time(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.stopping.cancelled() => return,
            }
            if self.network {
                for connection in self.open_connections() {
                    connection.lift_what_is_over();
                }
            }
            for (rule, change, _) in self.engine.changes(self.clock.now()) {
                self.tell_rule(rule, change, None, None);
                if change == FaultChange::Armed {
                    self.strike(rule);
                }
            }
        }
    }

    /// Watches for clients of this machine that talk past the proxy, and tells each once.
    pub(crate) async fn watch_for_bypass(self: Arc<Self>, bootstrap: SocketAddr) {
        let mut told = BTreeSet::new();
        let mut looks = tokio::time::interval(bypass::LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                () = self.stopping.cancelled() => return,
            }
            let mut listeners: HashSet<_> = self.book.listeners().into_iter().collect();
            listeners.insert(bootstrap);
            let brokers = self.book.brokers();
            let looked = tokio::task::spawn_blocking(move || {
                let resolved = brokers.iter().filter_map(|(_, address)| resolve(address).ok());
                bypass::look(&listeners, &resolved.flatten().collect())
            });
            for past in looked.await.unwrap_or_default() {
                if told.insert((past.pid, past.broker)) {
                    let evidence = format!(
                        "process {} ({}) is connected to the broker at {} as well as to the proxy",
                        past.pid, past.name, past.broker
                    );
                    self.recorder.trouble(Trouble::Bypass { evidence });
                }
            }
        }
    }

    /// What a rule of the clock does once to every connection it means.
    fn strike(&self, rule: u16) {
        let Some(armed) = self.engine.rule(rule).filter(|armed| armed.is_standing()) else {
            return;
        };
        let Some(effect) = armed.fault.on_link().filter(|effect: &OnLink| effect.is_event()) else {
            return;
        };
        for connection in self.open_connections() {
            let meant = armed.matcher.matches_identity(&connection.identity());
            if meant {
                connection.touch(rule);
                connection.link.begin(rule, effect, None);
            }
        }
    }

    fn open_connections(&self) -> Vec<Arc<Connection>> {
        self.connections().values().filter_map(Weak::upgrade).collect()
    }

    fn of_clients(&self) -> MutexGuard<'_, Vec<OfClient>> {
        self.of_clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<ConnectionId, Weak<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
