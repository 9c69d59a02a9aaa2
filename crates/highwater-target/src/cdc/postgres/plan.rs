//! How PostgreSQL is made and started.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::server::{Access, USER};
use super::{Binaries, Home, PostgresOptions};
use crate::child::{how_it_ended, run_to_end};
use crate::error::TargetError;
use crate::family::Family;
use crate::keeper::Keeper;
use crate::log_tail::LogTail;
use crate::node::{Life, Plan, Start, tied_as};
use crate::port;
use crate::readiness::Prober;
use crate::user::SystemUser;

/// A second on a quiet machine.
const INITDB_LIMIT: Duration = Duration::from_secs(120);
/// Half a second; after a kill it has to go through the WAL since the last checkpoint first.
const READY_LIMIT: Duration = Duration::from_secs(120);
const PROBE_EVERY: Duration = Duration::from_millis(20);
/// What capturing changes needs, and nothing outside the data directory: no socket, no shared memory with a name.
const SETTINGS: [(&str, &str); 8] = [
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("dynamic_shared_memory_type", "mmap"),
    ("wal_level", "logical"),
    ("max_replication_slots", "10"),
    ("max_wal_senders", "10"),
    ("logging_collector", "off"),
    ("log_timezone", "UTC"),
];

/// What it takes to start PostgreSQL, again and again on the same data and port.
pub(super) struct PostgresPlan {
    highwater: PathBuf,
    binaries: Binaries,
    user: Option<SystemUser>,
    dir: PathBuf,
    data: PathBuf,
    log: PathBuf,
    port: u16,
    settings: Vec<(String, String)>,
    access: Access,
    life: Life,
}

impl PostgresPlan {
    /// Makes the database with a password of its own.
    pub(super) fn prepare(
        options: &PostgresOptions,
        binaries: Binaries,
        home: &Home,
        keeper: &Keeper,
        life: Life,
    ) -> Result<Self, TargetError> {
        let port = match options.port {
            Some(port) if port::is_taken(port) => return Err(TargetError::PortTaken { port }),
            Some(port) => port,
            None => port::free_ports::<1>()?[0],
        };
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        let plan = Self {
            highwater: options.highwater.clone(),
            binaries,
            user: home.user(),
            dir: home.dir().to_owned(),
            data: home.data(),
            log: home.papers().join("postgres.log"),
            port,
            settings: options.settings.clone(),
            access: Access::new(address, password()?),
            life,
        };
        plan.make_database(options, home, keeper)?;
        Ok(plan)
    }

    pub(super) fn access(&self) -> Access {
        self.access.clone()
    }

    fn make_database(
        &self,
        options: &PostgresOptions,
        home: &Home,
        keeper: &Keeper,
    ) -> Result<(), TargetError> {
        let paper = self.dir.join("password");
        write_secret(&paper, self.access.password())?;
        home.give(&paper)?;
        let mut initdb = Command::new(self.binaries.dir.join("initdb"));
        initdb.arg("--pgdata").arg(&self.data).arg("--pwfile").arg(&paper);
        initdb.args(["--username", USER, "--auth", "scram-sha-256"]);
        // Synced by the first checkpoint as much as it is needed.
        initdb.args([
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--no-sync",
            "--no-instructions",
        ]);
        initdb.current_dir(&self.dir);
        let name = "the making of PostgreSQL's data";
        let log = home.papers().join("initdb.log");
        let command = tied_as(self.user, &self.highwater, &initdb);
        let status = run_to_end(keeper, name, command, &log, INITDB_LIMIT, &options.interrupted)?;
        fs::remove_file(&paper).map_err(TargetError::file("remove", &paper))?;
        if status.success() {
            return Ok(());
        }
        Err(TargetError::EndedAtStart {
            process: name.to_owned(),
            how: how_it_ended(status),
            log: LogTail::read(&log, 0),
        })
    }
}

impl Plan for PostgresPlan {
    fn name(&self) -> &str {
        "PostgreSQL"
    }

    fn description(&self) -> String {
        format!("PostgreSQL {}", self.binaries.version)
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

    /// Ready is who answers a query after having taken the password, which nobody else knows.
    fn prober(&self, _brokers: usize) -> std::io::Result<Prober> {
        let access = self.access.clone().at(self.address());
        Prober::of(PROBE_EVERY, move || access.answers().map(|()| Instant::now()))
    }

    /// Its fast shutdown; SIGTERM would wait for its clients to leave.
    fn stop_signal(&self) -> Signal {
        Signal::INT
    }

    fn family(&self) -> Option<Family> {
        Some(Family::of(self.data.clone()))
    }

    fn command(&mut self, _start: Start) -> Result<Command, TargetError> {
        let mut server = Command::new(self.binaries.dir.join("postgres"));
        server
            .arg("-D")
            .arg(&self.data)
            .arg("-c")
            .arg(format!("port={}", self.port));
        let given = |name: &str| self.settings.iter().any(|(other, _)| other == name);
        let usual = SETTINGS.iter().filter(|(name, _)| !given(name));
        for (name, value) in usual {
            server.arg("-c").arg(format!("{name}={value}"));
        }
        for (name, value) in &self.settings {
            server.arg("-c").arg(format!("{name}={value}"));
        }
        server.current_dir(&self.dir);
        if self.life == Life::OfRun {
            return Ok(tied_as(self.user, &self.highwater, &server));
        }
        if let Some(user) = self.user {
            server.uid(user.uid).gid(user.gid);
        }
        Ok(server)
    }
}

/// 128 random bits in hexadecimal.
fn password() -> Result<String, TargetError> {
    let source = "/dev/urandom";
    let mut bytes = [0; 16];
    fs::File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(TargetError::file("read", source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn write_secret(path: &Path, text: &str) -> Result<(), TargetError> {
    let mut options = fs::OpenOptions::new();
    let opened = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    opened
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
        .map_err(TargetError::file("write", path))
}
