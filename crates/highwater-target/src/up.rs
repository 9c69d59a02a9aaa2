//! Apache Kafka that stays: started by one command, ended by another.
//!
//! Invariant: at most one of a kind runs. The data of Kafka alone stay on the disk and are used by the next
//! [`up_kafka`].

mod cdc;
mod down;
mod record;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use highwater_model::ProcessState;
use serde::{Deserialize, Serialize};

pub use self::cdc::up_cdc;

use self::down::down_at;
use self::record::{alive, write_down};
use crate::child::Process;
use crate::cluster::THREE;
use crate::error::TargetError;
use crate::kafka::{KafkaNode, KafkaOptions, Site};
use crate::keeper::Keeper;
use crate::node::{Plan, Start};
use crate::observer::{Observer, tell};
use crate::places::Places;
use crate::port;
use crate::rising::{Riser, Rising, await_all};

/// Where people look for Kafka first.
const USUAL_PORT: u16 = 9092;
/// Kafka that can be up, each at most once: the name of its folder and state file, and how many nodes it has.
const KINDS: [(&str, usize); 2] = [("kafka", 1), ("kafka-3", THREE)];
/// Kafka with change data capture, the same.
const CDC: &str = "cdc";

/// What [`up_kafka`] needs to know.
#[derive(Clone)]
pub struct UpOptions {
    /// The `highwater` executable.
    pub highwater: PathBuf,
    /// An installed distribution; none: fetched once.
    pub kafka_home: Option<PathBuf>,
    /// The port for clients, of the first node; none: 9092 if it is free, another one otherwise. Further nodes
    /// take the ports after it, where those are free.
    pub port: Option<u16>,
    /// Three nodes instead of one.
    pub three: bool,
    /// Is told of every change of state.
    pub observer: Observer,
    /// Set when it is to be given up.
    pub interrupted: Arc<AtomicBool>,
}

/// A cluster that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpInfo {
    /// `HOST:PORT` for clients; of every node, separated by commas.
    pub bootstrap: String,
    /// Pids of the nodes.
    pub pids: Vec<u32>,
    /// Its folder, with settings and data.
    pub dir: PathBuf,
    /// The logs of the nodes.
    pub logs: Vec<PathBuf>,
    /// What it is, e.g. `Apache Kafka 4.3.1`.
    pub description: String,
    /// What runs beside the nodes, and where.
    #[serde(default)]
    pub parts: Vec<UpPart>,
    /// True if it was running before it was asked for.
    #[serde(skip)]
    pub already_running: bool,
}

/// A server beside Kafka.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpPart {
    /// `PostgreSQL 15.14`.
    pub description: String,
    /// Where, for programs: a URL, with the password if it needs one.
    pub url: String,
    /// Its pid.
    pub pid: u32,
}

/// A cluster that was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// What it was, e.g. `Apache Kafka 4.3.1`.
    pub description: String,
    /// Where it listened.
    pub bootstrap: String,
    /// The pids of the nodes that still ran.
    pub pids: Vec<u32>,
    /// Its folder; the data of Kafka alone are still there, those of [`up_cdc`] are gone.
    pub dir: PathBuf,
    /// True if any of them had to be killed.
    pub killed: bool,
}

/// Starts Apache Kafka so that it stays; if it runs already, says so.
///
/// # Errors
/// [`TargetError`]; then nothing is left running.
pub fn up_kafka(options: &UpOptions) -> Result<UpInfo, TargetError> {
    up_at(options, &Places::from_environment())
}

/// The clusters of [`up_kafka`] and [`up_cdc`] that run.
#[must_use]
pub fn running() -> Vec<UpInfo> {
    let state = Places::from_environment().state;
    let records = kinds().filter_map(|kind| alive(&state, kind));
    records.map(|record| record.info).collect()
}

/// Ends the clusters of [`up_kafka`], whose data stay, and of [`up_cdc`]; empty if there was nothing to end.
///
/// # Errors
/// [`TargetError::NotProven`] if one does not end even after SIGKILL.
pub fn down() -> Result<Vec<Stopped>, TargetError> {
    let state = Places::from_environment().state;
    let ended = kinds().filter_map(|kind| down_at(&state, kind).transpose());
    ended.collect()
}

fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(kind, _)| *kind).chain([CDC])
}

fn up_at(options: &UpOptions, places: &Places) -> Result<UpInfo, TargetError> {
    let (kind, nodes) = KINDS[usize::from(options.three)];
    let dir = places.state.join(kind);
    fs::create_dir_all(&dir).map_err(TargetError::file("create", &dir))?;
    let _lock = lock(&places.state)?;
    if let Some(record) = alive(&places.state, kind) {
        return Ok(UpInfo {
            already_running: true,
            ..record.info
        });
    }
    let raised = raise(options, places, &dir, nodes)?;
    let info = raised.info(&dir);
    write_down(&places.state, kind, &info, Vec::new(), Vec::new())?;
    raised.leave(&options.observer);
    Ok(info)
}

/// Two at the same time: the second waits and then finds it running.
fn lock(state: &Path) -> Result<fs::File, TargetError> {
    let path = state.join("kafka.lock");
    let lock = fs::File::create(&path).map_err(TargetError::file("create", &path))?;
    lock.lock().map_err(TargetError::file("lock", &path))?;
    Ok(lock)
}

/// Nodes of Kafka that answer and are not left yet: dropped, they end.
struct Raised {
    nodes: Vec<KafkaNode>,
    // Before the keeper, which has to outlive them.
    processes: Vec<Process>,
    _keeper: Keeper,
}

fn raise(options: &UpOptions, places: &Places, dir: &Path, count: usize) -> Result<Raised, TargetError> {
    if let Some(port) = options.port.filter(|port| port::is_taken(*port)) {
        return Err(TargetError::PortTaken { port });
    }
    let first = options.port.unwrap_or(USUAL_PORT);
    let ports = (0..count).map(|at| {
        let port = u16::try_from(at).ok().and_then(|at| first.checked_add(at))?;
        Some(port).filter(|port| !port::is_taken(*port))
    });
    let ports: Vec<Option<u16>> = ports.collect();
    let keeper = Keeper::start().map_err(TargetError::file("start a thread for", dir))?;
    let site = Site {
        keeper: &keeper,
        highwater: &options.highwater,
        kafka_home: options.kafka_home.as_deref(),
        cache: places.cache.clone(),
        observer: &options.observer,
        interrupted: &options.interrupted,
    };
    let wishes = KafkaOptions::default();
    let mut nodes = match &ports[..] {
        [one] => vec![KafkaNode::alone(&site, dir, *one, &wishes)?],
        several => KafkaNode::several(&site, dir, several, &wishes)?,
    };
    let mut processes = Vec::new();
    for node in &mut nodes {
        // There may be data of an earlier one, and how that ended is not known.
        let command = node.free_command(Start::Again)?;
        let process = Process::start(&keeper, node.name(), command, node.log())?;
        let (pid, detail) = (process.pid(), format!("listens on {} when ready", node.address()));
        let state = ProcessState::Starting;
        tell(&options.observer, node.name(), Some(pid), state, &detail);
        processes.push(process);
    }
    let mut risers = Vec::new();
    for (plan, process) in nodes.iter().zip(&mut processes) {
        let rising = Rising::begin(plan, nodes.len())?;
        risers.push(Riser {
            plan,
            process,
            rising,
        });
    }
    await_all(&mut risers, &options.interrupted)?;
    drop(risers);
    Ok(Raised {
        nodes,
        processes,
        _keeper: keeper,
    })
}

impl Raised {
    fn info(&self, dir: &Path) -> UpInfo {
        let addresses = self.nodes.iter().map(|node| node.address().to_string());
        let what = self.nodes.first().map(Plan::description).unwrap_or_default();
        UpInfo {
            bootstrap: addresses.collect::<Vec<_>>().join(","),
            pids: self.processes.iter().map(Process::pid).collect(),
            dir: dir.to_owned(),
            logs: self.nodes.iter().map(|node| node.log().to_owned()).collect(),
            description: match self.nodes.len() {
                1 => what,
                more => format!("{what}, {more} nodes"),
            },
            parts: Vec::new(),
            already_running: false,
        }
    }

    fn leave(self, observer: &Observer) {
        for (node, process) in self.nodes.iter().zip(self.processes) {
            let (pid, address) = (process.pid(), node.address().to_string());
            process.leave();
            tell(observer, node.name(), Some(pid), ProcessState::Ready, &address);
        }
    }
}
