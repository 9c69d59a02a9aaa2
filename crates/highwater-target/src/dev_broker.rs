//! How the dev broker is started: `highwater broker` as a child, over `exec-with-parent`.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::TargetError;
use crate::kafka::CLIENT;
use crate::node::{Plan, Start, tied_to_parent};
use crate::port;

/// It is ready within tens of milliseconds; recovery of a log of gigabytes on a slow disk takes longer.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// Start to first acknowledgement is a figure that people look at: asked finely.
const PROBE_EVERY: Duration = Duration::from_millis(2);

/// What it takes to start the dev broker, again and again on the same data and port.
#[derive(Debug)]
pub(crate) struct DevBroker {
    highwater: PathBuf,
    dir: PathBuf,
    log: PathBuf,
    bugs: Vec<String>,
    /// Settings by their switches.
    switches: Vec<String>,
    port: u16,
}

/// Settings of Kafka that the dev broker has a switch for.
const SWITCHES: [(&str, &str); 1] = [(
    "transaction.partition.verification.enable",
    "--transaction-partition-verification",
)];

impl DevBroker {
    /// `properties`: settings of Kafka; those without a switch have no meaning for the dev broker.
    pub(crate) fn prepare(
        dir: &Path,
        highwater: &Path,
        bugs: &[String],
        properties: &[(String, String)],
    ) -> Result<Self, TargetError> {
        let [port] = port::free_ports()?;
        let switch = |(name, value): &(String, String)| {
            let (_, switch) = SWITCHES.iter().find(|(known, _)| known == name)?;
            Some([(*switch).to_owned(), value.clone()])
        };
        Ok(Self {
            highwater: highwater.to_owned(),
            dir: dir.to_owned(),
            log: dir.join("dev-broker.log"),
            bugs: bugs.to_vec(),
            switches: properties.iter().filter_map(switch).flatten().collect(),
            port,
        })
    }
}

impl Plan for DevBroker {
    fn name(&self) -> &str {
        "dev broker"
    }

    fn description(&self) -> String {
        "dev broker".to_owned()
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

    /// The line that it prints when it listens: without it whoever answers on the port is somebody else.
    fn ready_line(&self) -> Option<String> {
        Some(format!("ready {}", self.address()))
    }

    fn cluster_id(&self) -> Option<String> {
        None
    }

    fn node_id(&self) -> Option<i32> {
        None
    }

    /// It has one, for everybody.
    fn listener(&self, name: &str) -> Option<SocketAddrV4> {
        (name == CLIENT).then(|| self.address())
    }

    fn longest_pause(&self) -> Option<Duration> {
        None
    }

    fn other_ports(&mut self) -> Result<(), TargetError> {
        [self.port] = port::free_ports()?;
        Ok(())
    }

    fn command(&mut self, _start: Start) -> Result<Command, TargetError> {
        let mut broker = Command::new(&self.highwater);
        broker.arg("broker").arg("--data-dir").arg(self.dir.join("data"));
        broker
            .arg("--listen")
            .arg(self.address().to_string())
            .arg("--exit-with-parent");
        broker.args(&self.switches);
        broker.args(self.bugs.iter().flat_map(|bug| ["--bug", bug]));
        Ok(tied_to_parent(&self.highwater, &broker))
    }
}
