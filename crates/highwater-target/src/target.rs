//! The one handle that a run holds on what it is pointed at.
//!
//! Dropping it, on whatever way, ends what it started.

use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use highwater_model::{NoticeLevel, ProcessRole, ProcessState};

use crate::attached::{Attached, Way, knock};
use crate::child::{Ended, Proof};
use crate::cluster::{Brokers, Cluster, Which};
use crate::dev_broker::DevBroker;
use crate::doctor::too_little_memory;
use crate::error::TargetError;
use crate::gc_log::GcLog;
use crate::kafka::{self, KafkaNode, KafkaOptions};
use crate::keeper::Keeper;
use crate::node::{Node, Plan, Started};
use crate::observer::{Observer, notice, tell};
use crate::places::Places;
use crate::readiness::ask;
use crate::sampler::Watched;
use crate::spec::TargetSpec;

/// What starting a target needs to know.
#[derive(Clone)]
pub struct TargetOptions {
    /// Where data and logs of the target go; made if missing. Usually `target` in the run directory.
    pub dir: PathBuf,
    /// The `highwater` executable: children are started through it, and the dev broker is part of it.
    pub highwater: PathBuf,
    /// Bug switches of the dev broker.
    pub bugs: Vec<String>,
    /// An installed distribution of Apache Kafka (the directory with `libs/`); none: fetched once.
    pub kafka_home: Option<PathBuf>,
    /// Is told of every change of state.
    pub observer: Observer,
    /// Set when the run is to end: every wait ends within 100 ms with [`TargetError::Interrupted`].
    pub interrupted: Arc<AtomicBool>,
}

/// What a run is pointed at.
pub struct Target {
    kind: Kind,
    bootstrap: String,
    description: String,
}

enum Kind {
    Attached,
    Run(Cluster),
}

/// Finds out, before anything is made or started, whether a target can be had: a cluster answers, Java is
/// there, and Kafka is in the cache or Maven is there to fetch it.
///
/// # Errors
/// [`TargetError`] with what is missing.
pub fn preflight(
    spec: &TargetSpec,
    kafka_home: Option<&Path>,
    interrupted: &AtomicBool,
) -> Result<(), TargetError> {
    match spec {
        TargetSpec::Dev => Ok(()),
        TargetSpec::Bootstrap(servers) => Attached::reach(servers, ask, interrupted).map(drop),
        TargetSpec::Secured(servers) => Attached::reach(servers, knock, interrupted).map(drop),
        TargetSpec::Kafka | TargetSpec::KafkaThree => {
            kafka::preflight(kafka_home, &Places::from_environment().cache)
        }
    }
}

impl Target {
    /// Starts (or, for an existing cluster, reaches) the target; returns when it answers its protocol.
    ///
    /// # Errors
    /// [`TargetError`]; nothing that was started is left behind. What is missing on the machine is found
    /// before anything is started.
    pub fn start(spec: &TargetSpec, options: TargetOptions) -> Result<Self, TargetError> {
        Self::start_with(spec, options, &KafkaOptions::default())
    }

    /// The same with wishes for Apache Kafka: settings, listeners, and the addresses that it tells others.
    /// The dev broker takes the settings that it has a switch for; other targets have no use for them.
    ///
    /// # Errors
    /// As [`Target::start`]; [`TargetError::BadListener`].
    pub fn start_with(
        spec: &TargetSpec,
        options: TargetOptions,
        wishes: &KafkaOptions,
    ) -> Result<Self, TargetError> {
        if *spec != TargetSpec::Dev && !options.bugs.is_empty() {
            let (bugs, target) = (options.bugs.join(", "), spec.to_string());
            return Err(TargetError::NoBugsHere { bugs, target });
        }
        match spec {
            TargetSpec::Bootstrap(servers) => {
                Self::attach(servers, ask, "answers ApiVersions and Metadata", &options)
            }
            TargetSpec::Secured(servers) => Self::attach(servers, knock, "its port is open", &options),
            TargetSpec::Dev => {
                let dir = prepared(&options.dir)?;
                let plan = DevBroker::prepare(&dir, &options.highwater, &options.bugs, &wishes.properties)?;
                Self::alone(Box::new(plan), keeper()?, options)
            }
            TargetSpec::Kafka => {
                let (dir, keeper) = (prepared(&options.dir)?, keeper()?);
                let plan = KafkaNode::alone(&site(&keeper, &options), &dir, None, wishes)?;
                Self::alone(Box::new(plan), keeper, options)
            }
            TargetSpec::KafkaThree => Self::three(&options, wishes),
        }
    }

    fn attach(servers: &str, way: Way, detail: &str, options: &TargetOptions) -> Result<Self, TargetError> {
        let attached = Attached::reach(servers, way, &options.interrupted)?;
        let name = attached.description();
        tell(&options.observer, &name, None, ProcessState::Ready, detail);
        Ok(Self {
            kind: Kind::Attached,
            bootstrap: servers.to_owned(),
            description: name,
        })
    }

    fn alone(plan: Box<dyn Plan>, keeper: Keeper, options: TargetOptions) -> Result<Self, TargetError> {
        let node = Node::start(plan, keeper, options.observer, options.interrupted)?;
        Ok(Self {
            bootstrap: node.plan().address().to_string(),
            description: node.plan().description(),
            kind: Kind::Run(Cluster::alone(node)),
        })
    }

    fn three(options: &TargetOptions, wishes: &KafkaOptions) -> Result<Self, TargetError> {
        let (dir, keeper) = (prepared(&options.dir)?, keeper()?);
        if let Some(text) = too_little_memory() {
            notice(&options.observer, NoticeLevel::Warning, &text);
        }
        let site = site(&keeper, options);
        let cluster = Cluster::three(&site, &dir, wishes, &options.observer, &options.interrupted)?;
        let addresses = cluster
            .nodes()
            .iter()
            .map(|node| node.plan().address().to_string());
        let first = cluster.nodes().first().map(|node| node.plan().description());
        Ok(Self {
            bootstrap: addresses.collect::<Vec<_>>().join(","),
            description: format!("{}, three nodes", first.unwrap_or_default()),
            kind: Kind::Run(cluster),
        })
    }

    /// `HOST:PORT` for clients; of every broker that was started, separated by commas.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// What it is, for people: `dev broker`, `Apache Kafka 4.3.1, three nodes`, `cluster at host:port (3 brokers)`.
    #[must_use]
    pub fn description(&self) -> String {
        self.description.clone()
    }

    /// The names of the brokers that it runs as processes, for [`Which::Named`]; none if it started none.
    #[must_use]
    pub fn broker_names(&self) -> Vec<String> {
        self.run().map_or_else(Vec::new, Cluster::names)
    }

    /// Where a listener of a broker really listens, whatever address it tells others: the broker's place in
    /// [`Target::broker_names`], and the name of the listener.
    #[must_use]
    pub fn listener(&self, broker: usize, name: &str) -> Option<SocketAddrV4> {
        self.run()?.nodes().get(broker)?.plan().listener(name)
    }

    /// Whether it can be killed, stopped and paused: only what Highwater started.
    #[must_use]
    pub fn can_fault(&self) -> bool {
        self.run().is_some()
    }

    /// Its running processes, for [`crate::Sampler`].
    #[must_use]
    pub fn processes(&self) -> Vec<Watched> {
        let nodes = self.run().map_or(&[][..], Cluster::nodes).iter();
        let watched = nodes.filter_map(|node| {
            Some(Watched {
                name: node.plan().name().to_owned(),
                role: ProcessRole::Broker,
                pid: node.pid()?,
            })
        });
        watched.collect()
    }

    /// The logs of the garbage collectors of its processes that are JVMs.
    #[must_use]
    pub fn gc_logs(&self) -> Vec<GcLog> {
        let nodes = self.run().map_or(&[][..], Cluster::nodes).iter();
        nodes
            .filter_map(|node| Some(GcLog::new(node.plan().name(), &node.plan().gc_log()?)))
            .collect()
    }

    /// The brokers to do something to.
    ///
    /// # Errors
    /// [`TargetError::CannotFault`] for a cluster that Highwater did not start, [`TargetError::UnknownBroker`].
    pub fn brokers(&mut self, which: Which<'_>) -> Result<Brokers<'_>, TargetError> {
        match &mut self.kind {
            Kind::Run(cluster) => cluster.choose(which, &self.description),
            Kind::Attached => Err(TargetError::CannotFault {
                target: self.description.clone(),
            }),
        }
    }

    /// Kills the broker, the first of several, with SIGKILL and waits for its end.
    ///
    /// # Errors
    /// [`TargetError::CannotFault`], [`TargetError::Died`], [`TargetError::WrongState`].
    pub fn kill(&mut self) -> Result<Ended, TargetError> {
        self.first()?.kill()
    }

    /// Asks the broker, the first of several, to end with SIGTERM and waits; after `limit` it is killed, and the proof says so.
    ///
    /// # Errors
    /// As [`Target::kill`]; [`TargetError::Interrupted`], then it has been killed.
    pub fn stop(&mut self, limit: Duration) -> Result<Ended, TargetError> {
        self.first()?.stop(limit)
    }

    /// Halts the broker, the first of several, with SIGSTOP; returns when every one of its threads is seen halted.
    ///
    /// # Errors
    /// As [`Target::kill`]; [`TargetError::NotProven`].
    pub fn pause(&mut self) -> Result<Proof, TargetError> {
        self.first()?.pause()
    }

    /// Continues a paused broker, the first of several, with SIGCONT, also when interrupted.
    ///
    /// # Errors
    /// As [`Target::pause`].
    pub fn resume(&mut self) -> Result<Proof, TargetError> {
        self.first()?.resume()
    }

    /// Starts the broker, the first of several, again on the same data and the same port; returns when it answers its protocol.
    ///
    /// # Errors
    /// [`TargetError::PortTaken`], [`TargetError::EndedAtStart`], [`TargetError::NotReady`],
    /// [`TargetError::Interrupted`].
    pub fn start_again(&mut self) -> Result<Started, TargetError> {
        self.first()?.start_again()
    }

    /// The story of its end with the last lines of its log, if it, or one of its brokers, ended on its own and
    /// was not started again since. None for a cluster that Highwater did not start.
    pub fn died(&mut self) -> Option<String> {
        match &mut self.kind {
            Kind::Run(cluster) => cluster.died(),
            Kind::Attached => None,
        }
    }

    /// Ends what was started, at once. Dropping does the same.
    pub fn shutdown(self) {}

    fn run(&self) -> Option<&Cluster> {
        match &self.kind {
            Kind::Run(cluster) => Some(cluster),
            Kind::Attached => None,
        }
    }

    fn first(&mut self) -> Result<&mut Node, TargetError> {
        let cannot = TargetError::CannotFault {
            target: self.description.clone(),
        };
        match &mut self.kind {
            Kind::Run(cluster) => cluster.first().ok_or(cannot),
            Kind::Attached => Err(cannot),
        }
    }
}

fn keeper() -> Result<Keeper, TargetError> {
    Keeper::start().map_err(|source| TargetError::Process {
        action: "start",
        process: "the keeper thread".to_owned(),
        source,
    })
}

fn site<'a>(keeper: &'a Keeper, options: &'a TargetOptions) -> kafka::Site<'a> {
    kafka::Site {
        keeper,
        highwater: &options.highwater,
        kafka_home: options.kafka_home.as_deref(),
        cache: Places::from_environment().cache,
        observer: &options.observer,
        interrupted: &options.interrupted,
    }
}

/// The directory, made and absolute: the processes have their own working directory.
fn prepared(dir: &Path) -> Result<PathBuf, TargetError> {
    std::fs::create_dir_all(dir).map_err(TargetError::file("create", dir))?;
    dir.canonicalize().map_err(TargetError::file("open", dir))
}
