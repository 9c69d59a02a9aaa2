//! What hazards are played on: one target for all of them, and a runtime for fault proxies.
//!
//! Invariant: when the stage is dropped, what it started is gone.

mod behind;
mod verifying;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use highwater_target::{Brokers, KafkaOptions, Target, TargetOptions, TargetSpec, Which};
use tokio::runtime::Runtime;

pub(crate) use self::behind::{Behind, Wire};
pub(crate) use self::verifying::Verifying;
use crate::error::HazardError;

/// Settings of Apache Kafka that its hazards need within seconds. All of them are about when it looks, but the
/// expiry of producer ids, which Kafka does after a day.
const PROPERTIES: [(&str, &str); 3] = [
    (
        "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        "200",
    ),
    ("producer.id.expiration.check.interval.ms", "200"),
    ("group.initial.rebalance.delay.ms", "0"),
];

/// What a stage is made of.
#[derive(Debug, Clone)]
pub struct StageOptions {
    /// The dev broker, or Apache Kafka.
    pub target: TargetSpec,
    /// Where data of brokers goes.
    pub dir: PathBuf,
    /// The `highwater` executable: children are started through it.
    pub highwater: PathBuf,
    /// An installed distribution of Apache Kafka; none: fetched once.
    pub kafka_home: Option<PathBuf>,
    /// Seed of the fault proxies.
    pub seed: u64,
    /// Whether faults happen. Without them nothing may be found.
    pub armed: bool,
    /// Set when everything is to end.
    pub interrupted: Arc<AtomicBool>,
}

/// A target that runs, and what is needed to break it.
pub struct Stage {
    options: StageOptions,
    target: Target,
    runtime: Runtime,
}

impl Stage {
    /// Starts the target.
    ///
    /// # Errors
    /// [`HazardError::Target`], [`HazardError::Io`].
    pub fn open(options: StageOptions) -> Result<Self, HazardError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|source| HazardError::Io {
                action: "start the runtime of the fault proxy",
                source,
            })?;
        let wishes = KafkaOptions {
            properties: PROPERTIES
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            ..KafkaOptions::default()
        };
        let target = Target::start_with(&options.target, target_options(&options, "target"), &wishes)?;
        Ok(Self {
            options,
            target,
            runtime,
        })
    }

    /// What the target is, for people.
    #[must_use]
    pub fn description(&self) -> String {
        self.target.description()
    }

    /// The target as it was asked for.
    #[must_use]
    pub fn spec(&self) -> &TargetSpec {
        &self.options.target
    }

    pub(crate) fn options(&self) -> &StageOptions {
        &self.options
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// `HOST:PORT` of the brokers themselves.
    pub(crate) fn bootstrap(&self) -> &str {
        self.target.bootstrap()
    }

    /// The first broker itself.
    pub(crate) fn address(&self) -> Result<SocketAddr, HazardError> {
        address(self.bootstrap())
    }

    /// A broker that asks the coordinator about transactional batches, or does not.
    pub(crate) fn verifying(&self, verifies: bool) -> Result<Verifying, HazardError> {
        Verifying::start(self, verifies)
    }

    /// Brokers to do something to.
    pub(crate) fn brokers(&mut self, which: Which<'_>) -> Result<Brokers<'_>, HazardError> {
        Ok(self.target.brokers(which)?)
    }

    pub(crate) fn broker_names(&self) -> Vec<String> {
        self.target.broker_names()
    }

    pub(crate) fn go_on(&self) -> Result<(), HazardError> {
        match self.options.interrupted.load(Ordering::Relaxed) {
            true => Err(HazardError::Interrupted),
            false => Ok(()),
        }
    }
}

fn target_options(options: &StageOptions, folder: &str) -> TargetOptions {
    TargetOptions {
        dir: options.dir.join(folder),
        highwater: options.highwater.clone(),
        bugs: Vec::new(),
        kafka_home: options.kafka_home.clone(),
        observer: Arc::new(|_| {}),
        interrupted: Arc::clone(&options.interrupted),
    }
}

/// The first of several addresses.
pub(crate) fn address(bootstrap: &str) -> Result<SocketAddr, HazardError> {
    let first = bootstrap.split(',').next().unwrap_or_default();
    first.parse().map_err(|_| HazardError::Io {
        action: "understand the address of the broker",
        source: std::io::Error::new(std::io::ErrorKind::InvalidInput, first.to_owned()),
    })
}
