//! How a worker of Kafka Connect is started.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{ConnectOptions, ConnectRest, DEBEZIUM};
use crate::error::TargetError;
use crate::kafka::{Installation, LOGGING, installation};
use crate::keeper::Keeper;
use crate::maven::Fetcher;
use crate::node::{Life, Plan, Start, tied_to_parent};
use crate::places::Places;
use crate::port;
use crate::program::{self, Java};
use crate::readiness::Prober;

/// Ten seconds on a quiet machine; a killed worker's place in the group may have to be waited for.
const READY_LIMIT: Duration = Duration::from_secs(180);
const PROBE_EVERY: Duration = Duration::from_millis(50);
/// The worker with one connector holds about 350 MB resident.
const JVM: [&str; 6] = [
    "-Xms256m",
    "-Xmx512m",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:+PerfDisableSharedMem",
    "-Djava.awt.headless=true",
];
const FILE: &str = "connect.properties";
const TEMPLATE: &str = include_str!("connect.properties");

/// What it takes to start a worker, again and again on the same group and port.
pub(super) struct ConnectPlan {
    highwater: PathBuf,
    java: Java,
    installation: Installation,
    plugins: PathBuf,
    dir: PathBuf,
    log: PathBuf,
    port: u16,
    options: ConnectOptions,
    life: Life,
}

impl ConnectPlan {
    pub(super) fn prepare(
        options: &ConnectOptions,
        keeper: &Keeper,
        life: Life,
    ) -> Result<Self, TargetError> {
        let java = program::java()?;
        let cache = Places::from_environment().cache;
        let fetcher = Fetcher {
            keeper,
            highwater: &options.highwater,
            cache: &cache,
            observer: &options.observer,
            interrupted: &options.interrupted,
        };
        let installation = installation(options.kafka_home.as_deref(), fetcher)?;
        let plugins = DEBEZIUM.obtain(fetcher)?;
        let port = match options.port {
            Some(port) if port::is_taken(port) => return Err(TargetError::PortTaken { port }),
            Some(port) => port,
            None => port::free_ports::<1>()?[0],
        };
        fs::create_dir_all(&options.dir).map_err(TargetError::file("create", &options.dir))?;
        let dir = options
            .dir
            .canonicalize()
            .map_err(TargetError::file("open", &options.dir))?;
        Ok(Self {
            highwater: options.highwater.clone(),
            java,
            installation,
            // The folder that has the plugin as a folder in it.
            plugins: plugins.parent().map_or_else(|| plugins.clone(), Path::to_owned),
            log: dir.join("connect.log"),
            dir,
            port,
            options: options.clone(),
            life,
        })
    }

    fn settings(&self) -> String {
        let names = &self.options.names;
        let set = |name: &str| self.options.properties.iter().any(|(other, _)| other == name);
        let mut text = String::new();
        let usual = TEMPLATE
            .lines()
            .filter(|line| !line.split_once('=').is_some_and(|(name, _)| set(name)));
        for line in usual {
            text += line;
            text.push('\n');
        }
        for (name, value) in &self.options.properties {
            text += &format!("{name}={value}\n");
        }
        text.replace("@BOOTSTRAP@", &self.options.bootstrap)
            .replace("@GROUP@", &names.group)
            .replace("@PORT@", &self.port.to_string())
            .replace("@PLUGINS@", &self.plugins.to_string_lossy())
            .replace("@CONFIGS@", &names.configs_topic)
            .replace("@OFFSETS@", &names.offsets_topic)
            .replace("@STATUS@", &names.status_topic)
            .replace("@REPLICAS@", &self.options.replicas.to_string())
    }
}

impl Plan for ConnectPlan {
    fn name(&self) -> &str {
        "Kafka Connect"
    }

    fn description(&self) -> String {
        format!(
            "Kafka Connect {} with {}",
            self.installation.version, DEBEZIUM.what
        )
    }

    fn address(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port)
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
        None
    }

    fn node_id(&self) -> Option<i32> {
        None
    }

    fn listener(&self, _name: &str) -> Option<SocketAddrV4> {
        None
    }

    fn longest_pause(&self) -> Option<Duration> {
        None
    }

    fn other_ports(&mut self) -> Result<(), TargetError> {
        [self.port] = port::free_ports()?;
        Ok(())
    }

    /// Ready is who lists the connectors: the worker has read its topics and found its group.
    fn prober(&self, _brokers: usize) -> std::io::Result<Prober> {
        let rest = ConnectRest::at(self.address());
        Prober::of(PROBE_EVERY, move || {
            rest.connectors()
                .map(|_| Instant::now())
                .map_err(|error| error.to_string())
        })
    }

    fn command(&mut self, _start: Start) -> Result<Command, TargetError> {
        let save = |name: &str, text: &str| {
            let path = self.dir.join(name);
            fs::write(&path, text).map_err(TargetError::file("write", path))
        };
        save(FILE, &self.settings())?;
        save("log4j2.xml", LOGGING)?;
        let mut class_path = OsString::from(&self.installation.libs);
        class_path.push("/*");
        let mut worker = Command::new(&self.java.program);
        worker.args(JVM).arg("-Dlog4j2.configurationFile=log4j2.xml");
        worker.arg("-cp").arg(class_path);
        worker.args(["org.apache.kafka.connect.cli.ConnectDistributed", FILE]);
        worker.current_dir(&self.dir);
        Ok(match self.life {
            Life::OfRun => tied_to_parent(&self.highwater, &worker),
            Life::ItsOwn => worker,
        })
    }
}
