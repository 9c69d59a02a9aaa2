//! Starting and stopping.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use highwater_model::history::{HistoryBody, NodeAddress, ProcessChange, Trouble};
use highwater_wire::addresses::Endpoint;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::address_book::AddressBook;
use crate::clock::Clock;
use crate::counters::{Counters, Snapshot};
use crate::error::ProxyError;
use crate::listening::Listening;
use crate::probe;
use crate::recorder::{self, Finished, Observer, Output};
use crate::rule::RuleSpec;
use crate::rule::engine::Engine;
use crate::shared::Shared;
use crate::tls::{Brokers, Sides, Tls, TlsError};
use crate::topics::Topics;

/// How long connections may take to end when the proxy stops.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// What a proxy is started with.
pub struct ProxyOptions {
    /// Addresses of the cluster to start from.
    pub upstream: Vec<NodeAddress>,
    /// Where clients connect first; port 0 takes a free one. Listeners for brokers are at the same address.
    pub listen: SocketAddr,
    /// Host that clients are told; the address of `listen` if none.
    pub advertise: Option<String>,
    /// TLS, on either side; none by default. If it passes, `upstream`, `listen` and `advertise` are not used.
    pub tls: Tls,
    /// The rules.
    pub rules: Vec<RuleSpec>,
    /// Seed of the rules.
    pub seed: u64,
    /// File of the history; must not exist.
    pub history: Option<PathBuf>,
    /// Called with every event of the history.
    pub observer: Option<Observer>,
    /// Record headers kept in the history.
    pub record_headers: Vec<String>,
    /// The beginning of the clock, to share one with a run.
    pub began: Instant,
}

impl ProxyOptions {
    /// A proxy on loopback, without rules and history.
    #[must_use]
    pub fn new(upstream: Vec<NodeAddress>) -> Self {
        Self {
            upstream,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            advertise: None,
            tls: Tls::default(),
            rules: Vec::new(),
            seed: 0,
            history: None,
            observer: None,
            record_headers: Vec::new(),
            began: Instant::now(),
        }
    }
}

/// A running proxy. Dropping it without [`Proxy::stop`] leaves its tasks to the runtime.
pub struct Proxy {
    shared: Arc<Shared>,
    bootstrap: NodeAddress,
    thread: std::thread::JoinHandle<Finished>,
    history: Option<PathBuf>,
    tls: &'static str,
}

/// How a proxy ended.
#[derive(Debug)]
pub struct Summary {
    /// What passed.
    pub snapshot: Snapshot,
    /// What became of TLS, in words.
    pub tls: &'static str,
    /// Events in the history.
    pub events: u64,
    /// Time that connections waited for the history.
    pub waited: Duration,
    /// Why the history is incomplete, if it is.
    pub history_failure: Option<ProxyError>,
}

impl Proxy {
    /// Looks at the cluster, and opens a listener for each broker.
    ///
    /// # Errors
    /// [`ProxyError`]; nothing is left running.
    pub async fn start(options: ProxyOptions) -> Result<Self, ProxyError> {
        let engine = Engine::new(&options.rules, options.seed)
            .map_err(|(at, source)| ProxyError::Rule { at, source })?;
        if options.tls.passes() {
            engine
                .refuse_frames()
                .map_err(|(at, source)| ProxyError::Rule { at, source })?;
        }
        let brokers = Sides::towards_brokers(&options.tls)?;
        let upstream = match &options.tls {
            Tls::Ends { .. } => options.upstream,
            Tls::Passes { listeners } if listeners.is_empty() => return Err(TlsError::NoListener.into()),
            Tls::Passes { listeners } => listeners.iter().map(|one| one.upstream.clone()).collect(),
        };
        let endpoints = look(upstream.clone(), brokers.clone(), options.tls.passes()).await?;
        let listeners = Listening::bind(&options.tls, options.listen)?;
        let local = listeners.first();
        let advertise = options
            .advertise
            .unwrap_or_else(|| reachable(local.ip()).to_string());
        let clients = Sides::towards_clients(&options.tls, &advertise)?;
        tracing::info!("{}", options.tls.words());
        let clock = Clock(options.began.into());
        let topics = Arc::new(Topics::default());
        let counters = Arc::new(Counters::default());
        let began = HistoryBody::Began {
            highwater_version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: jiff::Timestamp::now().to_string(),
            target: shown(&upstream),
            seed: format!("{:x}", options.seed),
            rules: engine.names(),
        };
        let output = Output {
            file: options.history.clone(),
            observer: options.observer,
            headers: options.record_headers,
        };
        let (recorder, thread) =
            recorder::start(output, clock, Arc::clone(&topics), Arc::clone(&counters), began).map_err(
                |source| ProxyError::History {
                    path: options.history.clone().unwrap_or_default(),
                    source,
                },
            )?;
        let shared = Arc::new(Shared {
            network: engine.has_network_rules(),
            engine,
            recorder,
            counters,
            book: AddressBook::new(local.ip(), advertise.clone()),
            topics,
            clock,
            tls: Sides {
                clients,
                brokers,
                passes: options.tls.passes(),
                ..Sides::default()
            },
            seed: options.seed,
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            connections: Mutex::default(),
            of_clients: Mutex::default(),
            next_connection: AtomicU32::new(1),
            next_exchange: AtomicU64::new(1),
        });
        let bootstrap = shared.book.shown(local);
        listeners.open(&shared, &upstream, &endpoints)?;
        shared.tasks.spawn(Arc::clone(&shared).keep_time());
        shared.tasks.spawn(Arc::clone(&shared).watch_for_bypass(local));
        Ok(Self {
            shared,
            bootstrap,
            thread,
            history: options.history,
            tls: options.tls.words(),
        })
    }

    /// The address that clients start from.
    #[must_use]
    pub fn bootstrap(&self) -> &NodeAddress {
        &self.bootstrap
    }

    /// The brokers behind it: node and where it really is.
    #[must_use]
    pub fn brokers(&self) -> Vec<(i32, NodeAddress)> {
        self.shared.book.brokers()
    }

    /// What passed so far.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.counters.snapshot(self.shared.engine.counts())
    }

    /// What becomes of TLS, in words.
    #[must_use]
    pub fn tls(&self) -> &'static str {
        self.tls
    }

    /// Whether the history can't be written any more.
    #[must_use]
    pub fn history_failed(&self) -> bool {
        self.shared.recorder.has_failed()
    }

    /// Has `from` and `until` of rules count from this moment on the clock of the history, instead of its beginning;
    /// until it has come they stand at zero.
    pub fn begin_windows(&self, at: Duration) {
        self.shared.engine.begin_windows(at);
    }

    /// Arms a rule with `by_hand`: `nth`, `every` and `times` count from here. False if there is no such rule.
    pub fn arm(&self, rule: u16) -> bool {
        self.shared.engine.arm(rule, true)
    }

    /// Lifts a rule with `by_hand`: it does not fire from here on. False if there is no such rule.
    pub fn lift(&self, rule: u16) -> bool {
        self.shared.engine.arm(rule, false)
    }

    /// Lets everything go that a rule holds at this moment, without lifting it. False if there is no such rule.
    pub fn release(&self, rule: u16) -> bool {
        let found = self.shared.engine.rule(rule);
        if let Some(armed) = found {
            armed.let_go.notify_waiters();
        }
        found.is_some()
    }

    /// Writes into the history that a process changed its state.
    pub fn tell_process(&self, name: &str, pid: Option<u32>, change: ProcessChange, detail: &str) {
        self.shared.recorder.event(HistoryBody::Process {
            name: name.to_owned(),
            pid,
            change,
            detail: detail.to_owned(),
        });
    }

    /// Writes into the history that a client was seen past the proxy.
    pub fn tell_bypass(&self, evidence: &str) {
        self.shared.recorder.trouble(Trouble::Bypass {
            evidence: evidence.to_owned(),
        });
    }

    /// Ends all connections and closes the history.
    pub async fn stop(self) -> Summary {
        self.shared.stopping.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(STOP_LIMIT, self.shared.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("connections did not end in time");
        }
        let snapshot = self.snapshot();
        drop(self.shared);
        let path = self.history.unwrap_or_default();
        let thread = self.thread;
        let finished = tokio::task::spawn_blocking(move || thread.join()).await;
        let failed = |source| ProxyError::History {
            path: path.clone(),
            source,
        };
        match finished {
            Ok(Ok(finished)) => Summary {
                snapshot,
                tls: self.tls,
                events: finished.events,
                waited: Duration::from_nanos(finished.waited_ns),
                history_failure: finished.failure.map(failed),
            },
            _ => Summary {
                snapshot,
                tls: self.tls,
                events: 0,
                waited: Duration::ZERO,
                history_failure: Some(failed(io::Error::other("the recorder ended early"))),
            },
        }
    }
}

/// The brokers that the cluster names; none if it wants a login first, or if nothing of it can be understood.
async fn look(
    upstream: Vec<NodeAddress>,
    tls: Option<Brokers>,
    passes: bool,
) -> Result<Vec<Endpoint>, ProxyError> {
    let address = shown(&upstream);
    let looking = tokio::task::spawn_blocking(move || {
        if passes {
            probe::reach(&upstream).map(|()| Vec::new())
        } else {
            probe::endpoints(&upstream, tls.as_ref())
        }
    });
    looking.await.map_err(|error| ProxyError::Unreachable {
        address,
        source: io::Error::other(error),
    })?
}

/// An address that clients on this machine can connect to.
fn reachable(ip: IpAddr) -> IpAddr {
    if ip.is_unspecified() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        ip
    }
}

fn shown(addresses: &[NodeAddress]) -> String {
    let shown: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    shown.join(",")
}

/// All socket addresses of a host and port.
pub(crate) fn resolve(address: &NodeAddress) -> io::Result<Vec<SocketAddr>> {
    Ok((address.host.as_str(), address.port).to_socket_addrs()?.collect())
}
