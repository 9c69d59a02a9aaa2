//! Apache Kafka in KRaft mode, one node or three: installed once, formatted, started, started again.
//!
//! ```text
//! java ≥ 17? ─▶ jars (cache or --kafka-home) ─▶ server.properties ─▶ format ─▶ broker
//! ```
//! It contains no distribution of Kafka and changes nothing in one.

mod install;
mod layout;
mod settings;
mod storage;

use std::ffi::OsString;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use install::KAFKA_VERSION;
pub(crate) use install::{Installation, PACKAGE, cached};
pub use layout::{Advertise, CLIENT, CONTROLLER, ExtraListener, INTERNAL, KafkaOptions, ListenerAt};

use self::layout::Layout;
pub(crate) use self::settings::LOGGING;
use crate::error::TargetError;
use crate::gc_log;
use crate::keeper::Keeper;
use crate::maven::Fetcher;
use crate::node::{Plan, Start, tied_to_parent};
use crate::observer::Observer;
use crate::program::{self, Java};

/// Three seconds on a quiet machine and twelve after a crash; busy machines and long logs take a multiple.
const READY_LIMIT: Duration = Duration::from_secs(120);
/// Fine enough for a start of seconds.
const PROBE_EVERY: Duration = Duration::from_millis(5);
/// Longer than any pause of a scenario.
const SESSION_AT_FIRST: Duration = Duration::from_secs(600);
/// Kafka's default (`broker.session.timeout.ms`): after a crash the start of a lone node has to wait for so long,
/// and others notice the crash of one of them after so long.
const SESSION_AGAIN: Duration = Duration::from_secs(9);
/// What one node needs for a load test on a laptop; idle it holds 350 MB resident.
const HEAP: [&str; 2] = ["-Xms512m", "-Xmx512m"];
/// For each of three; idle such a node holds about 500 MB resident.
const HEAP_OF_SEVERAL: [&str; 2] = ["-Xms384m", "-Xmx384m"];
/// As Kafka's own start script sets them, so that pauses of the collector are those that users see; and no
/// files in the temporary directory, which a SIGKILL would leave there.
const JVM: [&str; 7] = [
    "-XX:+UseG1GC",
    // The whole heap is resident from the start: what grows afterwards is a growth.
    "-XX:+AlwaysPreTouch",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:+PerfDisableSharedMem",
    "-Djava.awt.headless=true",
];

/// In the folder of a node: the pauses of its garbage collector.
const GC_LOG: &str = "gc.log";

/// What the preparation of a node needs from outside.
pub(crate) struct Site<'a> {
    pub(crate) keeper: &'a Keeper,
    pub(crate) highwater: &'a Path,
    pub(crate) kafka_home: Option<&'a Path>,
    pub(crate) cache: PathBuf,
    pub(crate) observer: &'a Observer,
    pub(crate) interrupted: &'a AtomicBool,
}

impl Site<'_> {
    fn fetcher(&self) -> Fetcher<'_> {
        Fetcher {
            keeper: self.keeper,
            highwater: self.highwater,
            cache: &self.cache,
            observer: self.observer,
            interrupted: self.interrupted,
        }
    }
}

/// The jars of a distribution that is installed, or of the cache, fetched if need be.
pub(crate) fn installation(home: Option<&Path>, fetcher: Fetcher<'_>) -> Result<Installation, TargetError> {
    match home {
        Some(home) => Installation::at_home(home),
        None => install::obtain(fetcher),
    }
}

/// What it takes to start a node of Apache Kafka, again and again on the same data and ports.
#[derive(Debug, Clone)]
pub(crate) struct KafkaNode {
    highwater: PathBuf,
    java: Java,
    installation: Installation,
    name: String,
    dir: PathBuf,
    log: PathBuf,
    /// Of all nodes of the cluster.
    layout: Layout,
    /// Its own place there.
    index: usize,
    wishes: KafkaOptions,
    cluster_id: String,
    session: Duration,
}

/// What is needed to start a node is there, or Maven is there to fetch it.
pub(crate) fn preflight(kafka_home: Option<&Path>, cache: &Path) -> Result<(), TargetError> {
    program::java()?;
    match kafka_home {
        Some(home) => Installation::at_home(home).map(drop),
        None if cached(cache).is_some() => Ok(()),
        None => PACKAGE.maven().map(drop),
    }
}

/// The name of a node in a run with several.
pub(crate) fn broker_name(index: usize) -> String {
    format!("broker-{}", index + 1)
}

impl KafkaNode {
    /// Finds Java, fetches Kafka if need be, and makes its storage in `dir`. Storage that is there is used.
    /// `client_port`: one that clients know beforehand.
    pub(crate) fn alone(
        site: &Site<'_>,
        dir: &Path,
        client_port: Option<u16>,
        wishes: &KafkaOptions,
    ) -> Result<Self, TargetError> {
        let layout = Layout::choose(&[client_port], wishes)?;
        let mut node = Self::planned(site, dir, layout, wishes)?;
        node.write_settings()?;
        node.cluster_id = storage::ensure(site, &node, None)?;
        Ok(node)
    }

    /// The same for a cluster of as many nodes as there are `client_ports`, each in a folder of its own in `dir`.
    pub(crate) fn several(
        site: &Site<'_>,
        dir: &Path,
        client_ports: &[Option<u16>],
        wishes: &KafkaOptions,
    ) -> Result<Vec<Self>, TargetError> {
        let layout = Layout::choose(client_ports, wishes)?;
        let first = Self::planned(site, dir, layout, wishes)?;
        let mut nodes = Vec::new();
        for index in 0..client_ports.len() {
            let mut node = first.clone();
            node.index = index;
            node.name = broker_name(index);
            node.session = SESSION_AGAIN;
            node.place(&dir.join(&node.name))?;
            nodes.push(node);
        }
        let cluster_id = storage::cluster_id(nodes.iter().map(|node| node.dir.as_path()))?;
        // Java takes a second and a half for each, most of it with one processor.
        let formatted: Vec<Result<String, TargetError>> = std::thread::scope(|scope| {
            let id = Some(cluster_id.as_str());
            let each = nodes
                .iter()
                .map(|node| scope.spawn(move || storage::ensure(site, node, id)));
            let each: Vec<_> = each.collect();
            each.into_iter()
                .map(|one| {
                    one.join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        });
        for (node, id) in nodes.iter_mut().zip(formatted) {
            node.cluster_id = id?;
        }
        Ok(nodes)
    }

    fn planned(
        site: &Site<'_>,
        dir: &Path,
        layout: Layout,
        wishes: &KafkaOptions,
    ) -> Result<Self, TargetError> {
        let java = program::java()?;
        let installation = installation(site.kafka_home, site.fetcher())?;
        if dir.to_string_lossy().contains(':') {
            return Err(TargetError::UnusablePath { path: dir.to_owned() });
        }
        Ok(Self {
            highwater: site.highwater.to_owned(),
            java,
            installation,
            name: "Apache Kafka".to_owned(),
            dir: dir.to_owned(),
            log: dir.join("kafka.log"),
            layout,
            index: 0,
            wishes: wishes.clone(),
            cluster_id: String::new(),
            session: SESSION_AT_FIRST,
        })
    }

    /// Moves it, before its first start, to a folder of its own, which is made.
    fn place(&mut self, dir: &Path) -> Result<(), TargetError> {
        std::fs::create_dir_all(dir).map_err(TargetError::file("create", dir))?;
        dir.clone_into(&mut self.dir);
        self.log = dir.join("kafka.log");
        self.write_settings()
    }

    /// True if another program listens on a port of its cluster.
    pub(crate) fn ports_taken(&self) -> bool {
        self.layout.any_taken()
    }

    fn is_alone(&self) -> bool {
        self.layout.nodes.len() == 1
    }

    /// The broker, not tied to the life of this process.
    pub(crate) fn free_command(&mut self, start: Start) -> Result<Command, TargetError> {
        self.session = match start {
            Start::First if self.is_alone() => SESSION_AT_FIRST,
            Start::First | Start::Again => SESSION_AGAIN,
        };
        self.write_settings()?;
        let usual = if self.is_alone() { HEAP } else { HEAP_OF_SEVERAL };
        let heap = match self.wishes.heap_bytes {
            Some(bytes) => ["-Xms", "-Xmx"].map(|option| format!("{option}{}k", bytes.div_ceil(1_024))),
            None => usual.map(str::to_owned),
        };
        let mut command = self.java(&heap.each_ref().map(String::as_str));
        command.args(JVM).arg(gc_log::option(GC_LOG));
        command.arg("-Dlog4j2.configurationFile=log4j2.xml");
        command.args(["kafka.Kafka", settings::FILE]);
        Ok(command)
    }

    /// Java with the class path of Kafka, in the folder of the node.
    fn java(&self, first: &[&str]) -> Command {
        let mut class_path = OsString::from(&self.installation.libs);
        class_path.push("/*");
        let mut command = Command::new(&self.java.program);
        command
            .args(first)
            .arg("-cp")
            .arg(class_path)
            .current_dir(&self.dir);
        command
    }

    fn write_settings(&self) -> Result<(), TargetError> {
        let properties = &self.wishes.properties;
        settings::write(&self.dir, &self.layout, self.index, self.session, properties)
    }
}

impl Plan for KafkaNode {
    fn name(&self) -> &str {
        &self.name
    }

    fn description(&self) -> String {
        format!("Apache Kafka {}", self.installation.version)
    }

    fn address(&self) -> SocketAddrV4 {
        // Every layout has this listener; port 0 answers nobody.
        let nowhere = SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0);
        self.listener(CLIENT).unwrap_or(nowhere)
    }

    fn log(&self) -> &Path {
        &self.log
    }

    fn ready_limit(&self) -> Duration {
        READY_LIMIT
    }

    fn probe_every(&self) -> Duration {
        PROBE_EVERY
    }

    fn ready_line(&self) -> Option<String> {
        None
    }

    fn cluster_id(&self) -> Option<String> {
        Some(self.cluster_id.clone())
    }

    fn node_id(&self) -> Option<i32> {
        i32::try_from(self.index + 1).ok()
    }

    fn listener(&self, name: &str) -> Option<SocketAddrV4> {
        self.layout.address(self.index, name)
    }

    fn longest_pause(&self) -> Option<Duration> {
        Some(self.session)
    }

    fn gc_log(&self) -> Option<PathBuf> {
        Some(self.dir.join(GC_LOG))
    }

    fn other_ports(&mut self) -> Result<(), TargetError> {
        // Only for a lone one: the others of a cluster would have to know.
        let anywhere = vec![None; self.layout.nodes.len()];
        self.layout = Layout::choose(&anywhere, &self.wishes)?;
        Ok(())
    }

    fn command(&mut self, start: Start) -> Result<Command, TargetError> {
        let command = self.free_command(start)?;
        Ok(tied_to_parent(&self.highwater, &command))
    }
}
