//! One Apache Kafka for the whole suite: started when the first test asks, gone with this process.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use highwater_target::{FindingState, Target, TargetOptions, TargetSpec, examine};

const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
const STARTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/exec-with-parent");

/// Held for ever: statics are not dropped, and the kernel ends Kafka with this process.
static TARGET: Mutex<Option<Target>> = Mutex::new(None);
static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// Where Kafka listens; `None`, counted and told, if it can't be had on this machine.
pub(crate) fn address(test: &str) -> Option<SocketAddr> {
    static ADDRESS: OnceLock<Option<SocketAddr>> = OnceLock::new();
    let address = *ADDRESS.get_or_init(|| is_installed().then(start));
    if address.is_none() {
        assert!(
            std::env::var_os("HIGHWATER_REQUIRE_KAFKA").is_none(),
            "{test}: Java or Maven is missing"
        );
        let skipped = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
        eprintln!("skipped: {test}: Java or Maven is missing ({skipped} so far)");
    }
    address
}

fn is_installed() -> bool {
    let findings = examine();
    let present = |name: &str| {
        findings
            .iter()
            .any(|one| one.name == name && one.state == FindingState::Present)
    };
    present("Java") && (present("Apache Kafka") || present("Maven"))
}

fn start() -> SocketAddr {
    // What the last run left is removed now: a process that ends has no moment for it.
    let dir = Path::new(SCRATCH).join("conformance-kafka");
    if dir.exists() {
        std::fs::remove_dir_all(&dir).expect("the data of the last run are removed");
    }
    let options = TargetOptions {
        dir,
        highwater: STARTER.into(),
        bugs: Vec::new(),
        kafka_home: None,
        observer: Arc::new(|_| ()),
        interrupted: Arc::new(AtomicBool::new(false)),
    };
    let target = Target::start(&TargetSpec::Kafka, options).expect("Apache Kafka starts");
    let address = target.bootstrap().parse().expect("an address");
    *TARGET.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
    address
}
