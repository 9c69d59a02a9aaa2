//! The ways to a broker that are compared, running.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use highwater_target::{ExtraListener, KafkaOptions, Target, TargetOptions, TargetSpec};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::Site;
use crate::bench::error::BenchError;
use crate::bench::process;
use crate::bench::workspace::Workspace;

pub(super) const DIRECT: &str = "direct";
pub(super) const PASSING: &str = "proxy";
pub(super) const RECORDED: &str = "proxy with history";
pub(super) const TOXIPROXY: &str = "toxiproxy";

/// The newest that the Go module proxy has.
const TOXIPROXY_MODULE: &str = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0";
/// Name of Kafka's listener that tells toxiproxy's address.
const LISTENER: &str = "TOXIC";
/// How long toxiproxy may take until it listens.
const PATIENCE: Duration = Duration::from_secs(10);

/// One way to the broker.
pub(super) struct Road {
    pub(super) name: &'static str,
    pub(super) bootstrap: String,
    /// What is in between.
    between: Option<Between>,
}

/// A process in between; ended when dropped.
struct Between(Child);

/// A broker with everything in front of it.
pub(super) struct Ways {
    pub(super) roads: Vec<Road>,
    // In this order: what is in between ends before the broker, the files go last.
    _target: Target,
    _directory: TempDir,
}

/// Builds toxiproxy unless that was done before.
pub(super) fn build_toxiproxy(workspace: &Workspace) -> Result<PathBuf, BenchError> {
    let directory = workspace.bench_directory().join("toxiproxy");
    let program = directory.join("server");
    if program.exists() {
        return Ok(program);
    }
    eprintln!("building toxiproxy");
    fs::create_dir_all(&directory).map_err(|source| BenchError::File {
        path: directory.clone(),
        source,
    })?;
    let absolute = directory.canonicalize().map_err(|source| BenchError::File {
        path: directory.clone(),
        source,
    })?;
    process::output(
        Command::new("go")
            .args(["install", TOXIPROXY_MODULE])
            .env("GOBIN", &absolute),
    )?;
    Ok(absolute.join("server"))
}

impl Ways {
    pub(super) fn start(broker: &str, site: &Site<'_>) -> Result<Self, BenchError> {
        let file = |source| BenchError::File {
            path: site.directory.clone(),
            source,
        };
        fs::create_dir_all(&site.directory).map_err(file)?;
        let directory = tempfile::tempdir_in(&site.directory).map_err(file)?;
        let options = TargetOptions {
            dir: directory.path().join("target"),
            highwater: site.highwater.to_owned(),
            bugs: Vec::new(),
            kafka_home: None,
            observer: Arc::new(|_| {}),
            interrupted: Arc::new(AtomicBool::new(false)),
        };
        let toxic_port = free_port().map_err(file)?;
        let toxic_upstream = Arc::new(Mutex::new(None));
        let target = if broker == "kafka" {
            let found = Arc::clone(&toxic_upstream);
            let wishes = KafkaOptions {
                // Deleted topics would stay on the disk for a minute, at a gigabyte every ten seconds.
                properties: vec![("log.segment.delete.delay.ms".to_owned(), "1000".to_owned())],
                listeners: vec![ExtraListener {
                    name: LISTENER.to_owned(),
                    protocol: "PLAINTEXT".to_owned(),
                }],
                advertise: Some(Arc::new(move |at| {
                    if at.listener != LISTENER {
                        return None;
                    }
                    *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(at.address);
                    Some(("127.0.0.1".to_owned(), toxic_port))
                })),
                heap_bytes: None,
            };
            Target::start_with(&TargetSpec::Kafka, options, &wishes)?
        } else {
            Target::start(&TargetSpec::Dev, options)?
        };
        let direct = target.bootstrap().to_owned();
        let mut roads = vec![
            Road {
                name: DIRECT,
                bootstrap: direct.clone(),
                between: None,
            },
            proxied(PASSING, site, &direct, None)?,
            proxied(
                RECORDED,
                site,
                &direct,
                Some(&directory.path().join("history.hwh")),
            )?,
        ];
        let upstream = *toxic_upstream.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(upstream), Some(program)) = (upstream, site.toxiproxy) {
            roads.push(toxiproxy(
                program,
                directory.path(),
                toxic_port,
                &upstream.to_string(),
            )?);
        }
        Ok(Self {
            roads,
            _target: target,
            _directory: directory,
        })
    }

    pub(super) fn road(&self, name: &str) -> Option<&Road> {
        self.roads.iter().find(|road| road.name == name)
    }
}

impl Road {
    /// CPU seconds of what is in between.
    pub(super) fn cpu_seconds(&self) -> Option<f64> {
        process::cpu_seconds_of(self.between.as_ref()?.0.id())
    }

    /// Most memory that it had.
    pub(super) fn peak_bytes(&self) -> Option<u64> {
        process::memory_of(self.between.as_ref()?.0.id(), "VmHWM:")
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended already, and that is what is wanted.
            let _ = kill_process(pid, Signal::INT);
        }
        drop(self.0.wait());
    }
}

fn proxied(
    name: &'static str,
    site: &Site<'_>,
    broker: &str,
    history: Option<&Path>,
) -> Result<Road, BenchError> {
    let mut command = Command::new(site.highwater);
    command.args(["proxy", "--target", &format!("bootstrap:{broker}")]);
    if let Some(history) = history {
        command.arg("--history").arg(history);
    }
    let start = |source| BenchError::Start {
        program: "highwater proxy".to_owned(),
        source,
    };
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(start)?;
    let mut lines = BufReader::new(child.stdout.take().ok_or(BenchError::Missing("its output"))?);
    let between = Between(child);
    let mut line = String::new();
    lines.read_line(&mut line).map_err(start)?;
    let bootstrap = line
        .split(|c: char| c.is_whitespace() || c == '"')
        .find_map(|word| {
            let address: SocketAddr = word.parse().ok()?;
            Some(address.to_string())
        });
    // What it says later is of no interest, and must not block it.
    std::thread::spawn(move || std::io::copy(&mut lines.by_ref(), &mut std::io::sink()));
    Ok(Road {
        name,
        bootstrap: bootstrap.ok_or_else(|| BenchError::Output {
            program: "highwater proxy".to_owned(),
            output: line,
        })?,
        between: Some(between),
    })
}

fn toxiproxy(program: &Path, directory: &Path, port: u16, upstream: &str) -> Result<Road, BenchError> {
    let config = directory.join("toxiproxy.json");
    let listen = format!("127.0.0.1:{port}");
    let proxies = serde_json::json!([{
        "name": "kafka", "listen": listen, "upstream": upstream, "enabled": true,
    }]);
    fs::write(&config, proxies.to_string()).map_err(|source| BenchError::File {
        path: config.clone(),
        source,
    })?;
    let start = |source| BenchError::Start {
        program: program.display().to_string(),
        source,
    };
    let child = Command::new(program)
        .args([
            "-host",
            "127.0.0.1",
            "-port",
            &free_port().map_err(start)?.to_string(),
        ])
        .arg("-config")
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(start)?;
    let between = Between(child);
    let limit = Instant::now() + PATIENCE;
    while TcpStream::connect(&listen).is_err() {
        if Instant::now() > limit {
            return Err(BenchError::Missing("toxiproxy, which does not listen"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(Road {
        name: TOXIPROXY,
        bootstrap: listen,
        between: Some(between),
    })
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
