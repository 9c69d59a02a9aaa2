//! The one handle that a run holds on what it is pointed at.
//!
//! Dropping it, on whatever way, ends what it started.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use highwater_model::{ProcessRole, ProcessState};

use crate::attached::Attached;
use crate::child::{Ended, Proof};
use crate::dev_broker::DevBroker;
use crate::error::TargetError;
use crate::kafka::{self, KafkaNode};
use crate::keeper::Keeper;
use crate::node::{Node, Plan, Started};
use crate::observer::{Observer, tell};
use crate::places::Places;
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
}

enum Kind {
    Attached(Attached),
    Node(Box<Node>),
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
        TargetSpec::Bootstrap(servers) => Attached::reach(servers, interrupted).map(drop),
        TargetSpec::Kafka => kafka::preflight(kafka_home, &Places::from_environment().cache),
    }
}

impl Target {
    /// Starts (or, for an existing cluster, reaches) the target; returns when it answers its protocol.
    ///
    /// # Errors
    /// [`TargetError`]; nothing that was started is left behind. What is missing on the machine is found
    /// before anything is started.
    pub fn start(spec: &TargetSpec, options: TargetOptions) -> Result<Self, TargetError> {
        if *spec != TargetSpec::Dev && !options.bugs.is_empty() {
            let (bugs, target) = (options.bugs.join(", "), spec.to_string());
            return Err(TargetError::NoBugsHere { bugs, target });
        }
        if let TargetSpec::Bootstrap(servers) = spec {
            let attached = Attached::reach(servers, &options.interrupted)?;
            let (name, detail) = (attached.description(), "answers ApiVersions and Metadata");
            tell(&options.observer, &name, None, ProcessState::Ready, detail);
            return Ok(Self {
                kind: Kind::Attached(attached),
                bootstrap: servers.clone(),
            });
        }
        let dir = prepared(&options.dir)?;
        let keeper = Keeper::start().map_err(|source| TargetError::Process {
            action: "start",
            process: "the keeper thread".to_owned(),
            source,
        })?;
        let plan: Box<dyn Plan> = match spec {
            TargetSpec::Dev => Box::new(DevBroker::prepare(&dir, &options.highwater, &options.bugs)?),
            TargetSpec::Kafka | TargetSpec::Bootstrap(_) => {
                let site = kafka::Site {
                    keeper: &keeper,
                    highwater: &options.highwater,
                    kafka_home: options.kafka_home.as_deref(),
                    cache: &Places::from_environment().cache,
                    observer: &options.observer,
                    interrupted: &options.interrupted,
                };
                Box::new(KafkaNode::prepare(&site, &dir)?)
            }
        };
        let node = Node::start(plan, keeper, options.observer, options.interrupted)?;
        let bootstrap = node.plan().address().to_string();
        Ok(Self {
            kind: Kind::Node(Box::new(node)),
            bootstrap,
        })
    }

    /// `HOST:PORT` for clients.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// What it is, for people: `dev broker`, `Apache Kafka 4.3.1`, `cluster at host:port (3 brokers)`.
    #[must_use]
    pub fn description(&self) -> String {
        match &self.kind {
            Kind::Attached(cluster) => cluster.description(),
            Kind::Node(node) => node.plan().description(),
        }
    }

    /// Whether it can be killed, stopped and paused: only what Highwater started.
    #[must_use]
    pub fn can_fault(&self) -> bool {
        matches!(self.kind, Kind::Node(_))
    }

    /// Its running processes, for [`crate::Sampler`].
    #[must_use]
    pub fn processes(&self) -> Vec<Watched> {
        let Kind::Node(node) = &self.kind else {
            return Vec::new();
        };
        let name = node.plan().name();
        let watched = |pid| Watched {
            name: name.to_owned(),
            role: ProcessRole::Broker,
            pid,
        };
        node.pid().map(watched).into_iter().collect()
    }

    /// Kills the broker with SIGKILL and waits for its end.
    ///
    /// # Errors
    /// [`TargetError::CannotFault`], [`TargetError::Died`], [`TargetError::WrongState`].
    pub fn kill(&mut self) -> Result<Ended, TargetError> {
        self.node()?.kill()
    }

    /// Asks the broker to end with SIGTERM and waits; after `limit` it is killed, and the proof says so.
    ///
    /// # Errors
    /// As [`Target::kill`]; [`TargetError::Interrupted`], then it has been killed.
    pub fn stop(&mut self, limit: Duration) -> Result<Ended, TargetError> {
        self.node()?.stop(limit)
    }

    /// Halts the broker with SIGSTOP; returns when every one of its threads is seen halted.
    ///
    /// # Errors
    /// As [`Target::kill`]; [`TargetError::NotProven`].
    pub fn pause(&mut self) -> Result<Proof, TargetError> {
        self.node()?.pause()
    }

    /// Continues a paused broker with SIGCONT, also when interrupted.
    ///
    /// # Errors
    /// As [`Target::pause`].
    pub fn resume(&mut self) -> Result<Proof, TargetError> {
        self.node()?.resume()
    }

    /// Starts the broker again on the same data and the same port; returns when it answers its protocol.
    ///
    /// # Errors
    /// [`TargetError::PortTaken`], [`TargetError::EndedAtStart`], [`TargetError::NotReady`],
    /// [`TargetError::Interrupted`].
    pub fn start_again(&mut self) -> Result<Started, TargetError> {
        self.node()?.start_again()
    }

    /// The story of its end with the last lines of its log, if it ended on its own and was not started
    /// again since. None for a cluster that Highwater did not start.
    pub fn died(&mut self) -> Option<String> {
        self.node().ok()?.died()
    }

    /// Ends what was started, at once. Dropping does the same.
    pub fn shutdown(self) {}

    fn node(&mut self) -> Result<&mut Node, TargetError> {
        match &mut self.kind {
            Kind::Node(node) => Ok(node),
            Kind::Attached(cluster) => Err(TargetError::CannotFault {
                target: cluster.description(),
            }),
        }
    }
}

/// The directory, made and absolute: the processes have their own working directory.
fn prepared(dir: &Path) -> Result<PathBuf, TargetError> {
    std::fs::create_dir_all(dir).map_err(TargetError::file("create", dir))?;
    dir.canonicalize().map_err(TargetError::file("open", dir))
}
