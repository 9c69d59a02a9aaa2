//! Apache Kafka as one node in KRaft mode: installed once, formatted, started, started again.
//!
//! ```text
//! java ≥ 17? ─▶ jars (cache or --kafka-home) ─▶ server.properties ─▶ format ─▶ broker
//! ```
//! It contains no distribution of Kafka and changes nothing in one.

mod install;
mod jars;
mod settings;
mod storage;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use install::KAFKA_VERSION;
pub(crate) use install::{INSTALL_BYTES, Installation, cached};

use crate::error::TargetError;
use crate::keeper::Keeper;
use crate::node::{Plan, Start, tied_to_parent};
use crate::observer::Observer;
use crate::port;
use crate::program::{self, Java};

/// Three seconds on a quiet machine and twelve after a crash; busy machines and long logs take a multiple.
const READY_LIMIT: Duration = Duration::from_secs(120);
/// Fine enough for a start of seconds.
const PROBE_EVERY: Duration = Duration::from_millis(5);
/// Longer than any pause of a scenario.
const SESSION_AT_FIRST: Duration = Duration::from_secs(600);
/// Kafka's default (`broker.session.timeout.ms`): after a crash the start has to wait for so long.
const SESSION_AGAIN: Duration = Duration::from_secs(9);
/// What one node needs for a load test on a laptop; idle it holds 350 MB resident.
const HEAP: [&str; 2] = ["-Xms512m", "-Xmx512m"];
/// As Kafka's own start script sets them, so that pauses of the collector are those that users see; and no
/// files in the temporary directory, which a SIGKILL would leave there.
const JVM: [&str; 6] = [
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:+PerfDisableSharedMem",
    "-Djava.awt.headless=true",
];

/// What the preparation of a node needs from outside.
pub(crate) struct Site<'a> {
    pub(crate) keeper: &'a Keeper,
    pub(crate) highwater: &'a Path,
    pub(crate) kafka_home: Option<&'a Path>,
    pub(crate) cache: &'a Path,
    pub(crate) observer: &'a Observer,
    pub(crate) interrupted: &'a AtomicBool,
}

/// What it takes to start a node of Apache Kafka, again and again on the same data and ports.
#[derive(Debug)]
pub(crate) struct KafkaNode {
    highwater: PathBuf,
    java: Java,
    installation: Installation,
    dir: PathBuf,
    log: PathBuf,
    client_port: u16,
    controller_port: u16,
    cluster_id: String,
    session: Duration,
}

/// What is needed to start a node is there, or Maven is there to fetch it.
pub(crate) fn preflight(kafka_home: Option<&Path>, cache: &Path) -> Result<(), TargetError> {
    program::java()?;
    match kafka_home {
        Some(home) => Installation::at_home(home).map(drop),
        None if cached(cache).is_some() => Ok(()),
        None => install::maven().map(drop),
    }
}

impl KafkaNode {
    /// Finds Java, fetches Kafka if need be, and makes its storage in `dir`. Storage that is there is used.
    pub(crate) fn prepare(site: &Site<'_>, dir: &Path) -> Result<Self, TargetError> {
        Self::prepare_at(site, dir, None)
    }

    /// The same with a port that clients know beforehand.
    pub(crate) fn prepare_at(
        site: &Site<'_>,
        dir: &Path,
        client_port: Option<u16>,
    ) -> Result<Self, TargetError> {
        let java = program::java()?;
        let installation = match site.kafka_home {
            Some(home) => Installation::at_home(home)?,
            None => install::obtain(site)?,
        };
        if dir.to_string_lossy().contains(':') {
            return Err(TargetError::UnusablePath { path: dir.to_owned() });
        }
        let [chosen, controller_port] = port::free_ports()?;
        let mut node = Self {
            highwater: site.highwater.to_owned(),
            java,
            installation,
            dir: dir.to_owned(),
            log: dir.join("kafka.log"),
            client_port: client_port.unwrap_or(chosen),
            controller_port,
            cluster_id: String::new(),
            session: SESSION_AT_FIRST,
        };
        node.write_settings()?;
        node.cluster_id = storage::ensure(site, &node)?;
        Ok(node)
    }

    /// The broker, not tied to the life of this process.
    pub(crate) fn free_command(&mut self, start: Start) -> Result<Command, TargetError> {
        self.session = match start {
            Start::First => SESSION_AT_FIRST,
            Start::Again => SESSION_AGAIN,
        };
        self.write_settings()?;
        let mut command = self.java(&HEAP);
        command.args(JVM).arg("-Dlog4j2.configurationFile=log4j2.xml");
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
        settings::write(&self.dir, self.client_port, self.controller_port, self.session)
    }
}

impl Plan for KafkaNode {
    fn name(&self) -> &'static str {
        "Apache Kafka"
    }

    fn description(&self) -> String {
        format!("Apache Kafka {}", self.installation.version)
    }

    fn address(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.client_port)
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

    fn longest_pause(&self) -> Option<Duration> {
        Some(self.session)
    }

    fn other_ports(&mut self) -> Result<(), TargetError> {
        [self.client_port, self.controller_port] = port::free_ports()?;
        Ok(())
    }

    fn command(&mut self, start: Start) -> Result<Command, TargetError> {
        let command = self.free_command(start)?;
        Ok(tied_to_parent(&self.highwater, &command))
    }
}
