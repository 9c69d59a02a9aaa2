//! The brokers that a body runs against.
//!
//! Every body has a dev broker of its own, in this process. Apache Kafka takes seconds to start, so that one is shared
//! by all bodies: names of topics, groups and transactional ids are different in every body.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use highwater_broker::{Broker, BrokerConfig, TransactionVersion};
use highwater_target::{Target, TargetOptions, TargetSpec};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// For everything that is waited for. Whoever waits so long has found something; machines are busy at times.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// For all proxies and dev brokers of this process.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime")
});

/// Apache Kafka for all bodies; it ends with this process.
static KAFKA: LazyLock<SharedKafka> = LazyLock::new(SharedKafka::start);

struct SharedKafka {
    bootstrap: SocketAddr,
    /// Both are only held: the broker ends with this process, and the folder is in use until then.
    _target: Mutex<Target>,
    _lock: File,
}

impl SharedKafka {
    fn start() -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("proxy-kafka");
        let lock = File::create(dir.with_extension("lock")).expect("a lock file in the target folder");
        lock.lock().expect("another run of these tests ends");
        // What is there belongs to an earlier run: statics are not dropped.
        let _ = fs::remove_dir_all(&dir);
        let options = TargetOptions {
            dir,
            highwater: PathBuf::from(env!("CARGO_BIN_EXE_highwater")),
            bugs: Vec::new(),
            kafka_home: None,
            observer: Arc::new(|_| {}),
            interrupted: Arc::new(AtomicBool::new(false)),
        };
        let target = Target::start(&TargetSpec::Kafka, options)
            .unwrap_or_else(|error| panic!("Apache Kafka does not start: {error}"));
        Self {
            bootstrap: target.bootstrap().parse().expect("an address"),
            _target: Mutex::new(target),
            _lock: lock,
        }
    }
}

/// A broker that a body runs against.
pub(crate) struct Arm {
    addresses: Vec<SocketAddr>,
    _own: Option<(oneshot::Sender<()>, TempDir)>,
}

impl Arm {
    /// A dev broker of one's own.
    pub(crate) fn dev() -> Self {
        Self::dev_with(|_| {})
    }

    /// A dev broker of three nodes.
    pub(crate) fn dev_of_three() -> Self {
        Self::dev_with(|config| config.brokers = 3)
    }

    /// A dev broker that tells clients to use the old protocol of transactions.
    pub(crate) fn dev_of_old_transactions() -> Self {
        Self::dev_with(|config| config.transaction_version = TransactionVersion::One)
    }

    fn dev_with(change: impl FnOnce(&mut BrokerConfig)) -> Self {
        let data = TempDir::new().expect("a temporary folder");
        let mut config = BrokerConfig::new(([127, 0, 0, 1], 0).into(), data.path());
        change(&mut config);
        let broker = RUNTIME.block_on(Broker::bind(config)).expect("the broker starts");
        let addresses = broker.addresses().to_vec();
        let (stop, stopped) = oneshot::channel::<()>();
        RUNTIME.spawn(broker.serve(async {
            let _ = stopped.await;
        }));
        Self {
            addresses,
            _own: Some((stop, data)),
        }
    }

    /// The Apache Kafka that all share.
    pub(crate) fn kafka() -> Self {
        Self {
            addresses: vec![KAFKA.bootstrap],
            _own: None,
        }
    }

    /// The first node, not through a proxy.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// All nodes, not through a proxy.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

/// Waits until something is so; panics with a word about it after [`PATIENCE`].
#[track_caller]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Makes two tests of each body: against the dev broker and against Apache Kafka.
macro_rules! on_both {
    ($($body:ident),+ $(,)?) => {
        mod on_the_dev_broker {
            $(#[test] fn $body() { super::$body(&$crate::arm::Arm::dev()); })+
        }
        mod on_apache_kafka {
            $(#[test] fn $body() { super::$body(&$crate::arm::Arm::kafka()); })+
        }
    };
}
