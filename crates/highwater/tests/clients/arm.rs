//! The brokers that a body runs against.
//!
//! Every body has a dev broker of its own. Apache Kafka takes seconds to start, so that one is shared by all bodies:
//! names of topics, groups and transactional ids are different in every body.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use highwater_target::{Target, TargetOptions, TargetSpec};
use tempfile::TempDir;

/// For everything that a client waits for. Whoever waits so long has found something; machines are busy at times.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Apache Kafka for all bodies that do not break it; it ends with this process.
static KAFKA: LazyLock<SharedKafka> = LazyLock::new(SharedKafka::start);

struct SharedKafka {
    bootstrap: String,
    /// Both are only held: the broker ends with this process, and the folder is in use until then.
    _target: Mutex<Target>,
    _lock: File,
}

impl SharedKafka {
    fn start() -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients-kafka");
        let lock = File::create(dir.with_extension("lock")).expect("a lock file in the target folder");
        lock.lock().expect("another run of these tests ends");
        // What is there belongs to an earlier run: statics are not dropped.
        let _ = fs::remove_dir_all(&dir);
        let target = start(&TargetSpec::Kafka, &dir);
        Self {
            bootstrap: target.bootstrap().to_owned(),
            _target: Mutex::new(target),
            _lock: lock,
        }
    }
}

/// A broker that a body runs against.
pub(crate) struct Arm {
    own: Option<(Target, TempDir)>,
}

impl Arm {
    /// A dev broker of one's own.
    pub(crate) fn dev() -> Self {
        Self::own(&TargetSpec::Dev)
    }

    /// The Apache Kafka that all share.
    pub(crate) fn kafka() -> Self {
        LazyLock::force(&KAFKA);
        Self { own: None }
    }

    /// An Apache Kafka that may be killed.
    pub(crate) fn own_kafka() -> Self {
        Self::own(&TargetSpec::Kafka)
    }

    fn own(spec: &TargetSpec) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        Self {
            own: Some((start(spec, dir.path()), dir)),
        }
    }

    /// `HOST:PORT`.
    pub(crate) fn bootstrap(&self) -> &str {
        self.own
            .as_ref()
            .map_or(KAFKA.bootstrap.as_str(), |(target, _)| target.bootstrap())
    }

    /// Kills the broker with SIGKILL and starts it again on its data.
    pub(crate) fn crash(&mut self) {
        let (target, _) = self.own.as_mut().expect("a broker of one's own");
        target.kill().expect("it is killed");
        target.start_again().expect("it starts again");
    }
}

fn start(spec: &TargetSpec, dir: &Path) -> Target {
    let options = TargetOptions {
        dir: dir.to_owned(),
        highwater: PathBuf::from(env!("CARGO_BIN_EXE_highwater")),
        bugs: Vec::new(),
        kafka_home: None,
        observer: Arc::new(|_| {}),
        interrupted: Arc::new(AtomicBool::new(false)),
    };
    Target::start(spec, options).unwrap_or_else(|error| panic!("{spec} does not start: {error}"))
}

/// Waits until something is so; panics with a word about it after [`PATIENCE`].
#[track_caller]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Makes two tests of each body: against the dev broker and against Apache Kafka.
macro_rules! on_both {
    ($($body:ident),+ $(,)?) => {
        mod on_the_dev_broker {
            $(#[test] fn $body() { super::$body(&mut $crate::arm::Arm::dev()); })+
        }
        mod on_apache_kafka {
            $(#[test] fn $body() { super::$body(&mut $crate::arm::Arm::kafka()); })+
        }
    };
}

/// The same for bodies that break the broker: an Apache Kafka for each.
macro_rules! on_both_alone {
    ($($body:ident),+ $(,)?) => {
        mod alone_on_the_dev_broker {
            $(#[test] fn $body() { super::$body(&mut $crate::arm::Arm::dev()); })+
        }
        mod alone_on_apache_kafka {
            $(#[test] fn $body() { super::$body(&mut $crate::arm::Arm::own_kafka()); })+
        }
    };
}
