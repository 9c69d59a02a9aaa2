//! A dev broker in the process of the test, instances of the real program, and a client that repeats until it is told.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use highwater_broker::{Broker, BrokerConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longer than anything here takes; only a failure waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// A client that hears nothing for so long asks again, elsewhere.
const IMPATIENCE: Duration = Duration::from_secs(20);
/// Long enough for requests and windows to meet it.
const AWAY: Duration = Duration::from_secs(1);
const GLANCE: Duration = Duration::from_millis(20);

pub(crate) struct Rig {
    broker: Mutex<Option<Running>>,
    config: BrokerConfig,
    runtime: Runtime,
    pub(crate) bootstrap: SocketAddr,
    directory: TempDir,
    agent: ureq::Agent,
}

/// A broker under way.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn serve(runtime: &Runtime, config: &BrokerConfig) -> (SocketAddr, Running) {
    let broker = runtime.block_on(Broker::bind(config.clone())).unwrap();
    let address = broker.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = runtime.spawn(async move {
        let ended = broker.serve(async { drop(stopped.await) }).await;
        ended.unwrap();
    });
    (address, Running { stop, task })
}

/// A process that is ended with the test.
pub(crate) struct Instance {
    child: Child,
    pub(crate) url: String,
}

/// Status and body of an answer.
pub(crate) type Said = (u16, Value);

impl Rig {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let directory = TempDir::new().unwrap();
        let mut config = BrokerConfig::new(([127, 0, 0, 1], 0).into(), directory.path().join("broker"));
        let (bootstrap, broker) = serve(&runtime, &config);
        // It comes back where it was.
        config.listen = bootstrap;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(IMPATIENCE))
            .build()
            .into();
        Self {
            broker: Mutex::new(Some(broker)),
            config,
            runtime,
            bootstrap,
            directory,
            agent,
        }
    }

    /// The broker ends, and comes back after a while with what is in its files.
    pub(crate) fn broker_is_away(&self) {
        let mut broker = self.broker.lock().unwrap();
        let Running { stop, task } = broker.take().unwrap();
        stop.send(()).unwrap();
        self.runtime.block_on(task).unwrap();
        std::thread::sleep(AWAY);
        *broker = Some(serve(&self.runtime, &self.config).1);
    }

    fn program(&self, name: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_ledger"));
        program
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--partitions",
                "4",
                "--bootstrap",
            ])
            .arg(self.bootstrap.to_string())
            .arg("--directory")
            .arg(self.directory.path().join(name))
            .env("RUST_LOG", "off");
        program
    }

    /// Starts an instance, without waiting for more than its address.
    pub(crate) fn instance(&self, name: &str) -> Instance {
        let mut child = self.program(name).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line.trim().strip_prefix("ready ").unwrap().to_owned();
        Instance { child, url }
    }

    /// What an instance says that ends before it listens.
    pub(crate) fn refuses_to_start(&self, name: &str) -> String {
        let ended = self.program(name).output().unwrap();
        assert!(!ended.status.success());
        String::from_utf8(ended.stderr).unwrap()
    }

    /// Starts an instance, and waits until all partitions are served by somebody and its projections are there.
    pub(crate) fn ready(&self, name: &str) -> Instance {
        let instance = self.instance(name);
        until("ready", || self.get(&instance, "/ready").0 == 200);
        instance
    }

    pub(crate) fn get(&self, instance: &Instance, path: &str) -> Said {
        match self.agent.get(format!("{}{path}", instance.url)).call() {
            Ok(mut answer) => {
                let text = answer.body_mut().read_to_string().unwrap();
                (
                    answer.status().as_u16(),
                    serde_json::from_str(&text).unwrap_or(Value::String(text)),
                )
            }
            Err(_) => (0, Value::Null),
        }
    }

    /// One try: 0 if nobody answered.
    pub(crate) fn post(&self, url: &str, request: Option<&str>, body: &Value) -> (Said, Option<String>) {
        let mut asked = self.agent.post(url);
        if let Some(request) = request {
            asked = asked.header("Request-Id", request);
        }
        match asked.send(body.to_string()) {
            Ok(mut answer) => {
                let location = answer
                    .headers()
                    .get("location")
                    .map(|text| text.to_str().unwrap().to_owned());
                let text = answer.body_mut().read_to_string().unwrap_or_default();
                let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
                ((answer.status().as_u16(), body), location)
            }
            Err(_) => ((0, Value::Null), None),
        }
    }

    /// As a client does it: follows to where it is sent, and repeats with the same id, at any of these instances, until
    /// it is told yes or no.
    pub(crate) fn command(
        &self,
        instances: impl Fn() -> Vec<String>,
        account: &str,
        verb: &str,
        id: &str,
        body: &Value,
    ) -> Said {
        let (began, mut tries) = (Instant::now(), 0);
        loop {
            let urls = instances();
            let mut url = format!("{}/accounts/{account}/{verb}", urls[tries % urls.len()]);
            for _ in 0..4 {
                let (said, location) = self.post(&url, Some(id), body);
                match (said.0, location) {
                    (307, Some(location)) => url = location,
                    (0 | 503 | 307, _) => break,
                    _ => return said,
                }
            }
            assert!(began.elapsed() < PATIENCE, "{account} {verb} {id} got no answer");
            tries += 1;
            std::thread::sleep(GLANCE);
        }
    }

    /// Everything that is under way has arrived, at this instance.
    pub(crate) fn at_rest(&self, instance: &Instance, put_in: i64) {
        let mut last = Value::Null;
        until(&format!("{put_in} put in and nothing under way"), || {
            let (status, totals) = self.get(instance, "/totals");
            if status == 200 {
                assert_eq!(totals["conserved"], json!(true), "{totals}");
                last = totals;
            }
            last["under_way"] == json!(0) && last["put_in"] == json!(put_in)
        });
    }
}

impl Instance {
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.unwrap().success());
    }

    /// SIGKILL, and gone when this returns.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; whether it ended by itself and well.
    pub(crate) fn ends(mut self) -> bool {
        self.signal("TERM");
        self.child.wait().unwrap().success()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "not {what} in time");
        std::thread::sleep(GLANCE);
    }
}
