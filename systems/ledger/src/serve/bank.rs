//! What all threads of an instance share: which partitions are here, and who has the others.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::metrics::{Metrics, Now};
use super::partition::Partition;
use super::projector::Projector;
use crate::account::{AccountId, Command};
use crate::kafka::{Assignments, Cluster, GIVING_BACK, partition_of};
use crate::projection::Views;
use crate::window::Told;

/// Requests that may wait at one partition: some windows full.
const MAX_WAITING: usize = 4_000;
/// Legs that may wait at one partition; then its topic is not read for a while.
const MAX_LEGS: usize = 5_000;
const GLANCE: Duration = Duration::from_millis(5);

/// What comes to a partition.
pub(super) enum Job {
    Command(Command, oneshot::Sender<Reply>),
    Leg { offset: i64, value: Vec<u8> },
}

/// What became of a command.
#[derive(Debug)]
pub(super) enum Reply {
    /// It was decided, and what follows is committed.
    Told(Told),
    /// Nothing happened, for certain.
    NotDone(String),
    /// It may have happened.
    Unknown(String),
}

/// Where a command is to go.
pub(super) enum Route {
    /// It is under way.
    Here(oneshot::Receiver<Reply>),
    /// To the instance at this URL.
    There(String),
    /// Nobody can take it now.
    Nowhere(String),
}

/// How a partition of this instance is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    TakingOver,
    Open,
    /// It can't be served; why, and where.
    Blocked(String),
}

/// A partition of this instance, as the others see it.
pub(super) struct Local {
    jobs: mpsc::Sender<Job>,
    depth: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    state: Arc<Mutex<State>>,
    thread: JoinHandle<()>,
}

/// How projections are.
#[derive(Debug, Default)]
pub(super) struct Projecting {
    /// Partitions that can't be projected further, and why.
    pub(super) stuck: BTreeMap<i32, String>,
    /// The end of every partition was seen once.
    pub(super) caught_up: bool,
    /// A file is being made beside.
    pub(super) rebuilding: bool,
}

pub(crate) struct Bank {
    pub(super) cluster: Cluster,
    pub(super) partitions: i32,
    pub(super) url: String,
    pub(super) linger: Duration,
    pub(super) metrics: Metrics,
    pub(super) views: Views,
    /// Goes up whenever rows have changed.
    pub(super) progress: watch::Sender<u64>,
    pub(super) projecting: Mutex<Projecting>,
    /// A projector that is ready to take the place of the one that runs.
    pub(super) handover: Mutex<Option<Projector>>,
    pub(super) stopping: Arc<AtomicBool>,
    local: Mutex<BTreeMap<i32, Local>>,
    owners: Mutex<BTreeMap<i32, String>>,
    /// The group gave out a partition that was not there at the start.
    grown: AtomicBool,
}

/// A lock whose holder panicked is taken all the same: what it guards is changed in single steps.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bank {
    pub(super) fn new(
        cluster: Cluster,
        partitions: i32,
        url: String,
        linger: Duration,
        views: Views,
        stopping: Arc<AtomicBool>,
    ) -> Self {
        Self {
            cluster,
            partitions,
            url,
            linger,
            metrics: Metrics::default(),
            views,
            progress: watch::Sender::new(0),
            projecting: Mutex::default(),
            handover: Mutex::default(),
            stopping,
            local: Mutex::default(),
            owners: Mutex::default(),
            grown: AtomicBool::new(false),
        }
    }

    pub(super) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(super) fn partition_of(&self, account: &AccountId) -> i32 {
        partition_of(account.as_str().as_bytes(), self.partitions)
    }

    /// Hands a command to its partition, or says where that is.
    pub(super) fn send(&self, command: Command) -> Route {
        let partition = self.partition_of(&command.account);
        if let Some(local) = lock(&self.local).get(&partition) {
            return match &*lock(&local.state) {
                State::TakingOver => Route::Nowhere(format!("partition {partition} is being taken over")),
                State::Blocked(why) => {
                    Route::Nowhere(format!("partition {partition} can't be served: {why}"))
                }
                State::Open if local.depth.load(Ordering::Relaxed) >= MAX_WAITING => {
                    Route::Nowhere(format!("{MAX_WAITING} requests wait already"))
                }
                State::Open => {
                    let (reply, answer) = oneshot::channel();
                    local.depth.fetch_add(1, Ordering::Relaxed);
                    match local.jobs.send(Job::Command(command, reply)) {
                        Ok(()) => Route::Here(answer),
                        Err(_) => Route::Nowhere(format!("partition {partition} is being given back")),
                    }
                }
            };
        }
        match lock(&self.owners).get(&partition) {
            Some(url) if *url != self.url => Route::There(url.clone()),
            _ => Route::Nowhere(format!("nobody has partition {partition} yet")),
        }
    }

    /// What the topic of owners says.
    pub(super) fn owned(&self, partition: i32, url: String) {
        lock(&self.owners).insert(partition, url);
    }

    /// Why this instance is not ready; empty if it is.
    pub(super) fn not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for (partition, local) in lock(&self.local).iter() {
            match &*lock(&local.state) {
                State::Open => {}
                State::TakingOver => reasons.push(format!("partition {partition} is being taken over")),
                State::Blocked(why) => reasons.push(format!("partition {partition} can't be served: {why}")),
            }
        }
        let here: Vec<i32> = lock(&self.local).keys().copied().collect();
        let owners = lock(&self.owners);
        for partition in (0..self.partitions).filter(|partition| !here.contains(partition)) {
            if owners.get(&partition).is_none_or(|url| *url == self.url) {
                reasons.push(format!("nobody has partition {partition} yet"));
            }
        }
        drop(owners);
        if self.grown.load(Ordering::Relaxed) {
            reasons.push(format!(
                "{} has more partitions than the {} at the start, and accounts would move: remove them, or move to new topics with --name",
                self.cluster.legs(),
                self.partitions
            ));
        }
        let projecting = lock(&self.projecting);
        if !projecting.caught_up {
            reasons.push("projections have not caught up yet".to_owned());
        }
        for (partition, why) in &projecting.stuck {
            let which = if *partition < 0 {
                "one partition".to_owned()
            } else {
                format!("partition {partition}")
            };
            reasons.push(format!("{which} is projected no further: {why}"));
        }
        reasons
    }

    pub(super) fn now(&self) -> Now {
        let local = lock(&self.local);
        let states = || local.values().map(|local| lock(&local.state).clone());
        Now {
            open: states().filter(|state| *state == State::Open).count(),
            blocked: states()
                .filter(|state| matches!(state, State::Blocked(_)))
                .count(),
            stuck: lock(&self.projecting).stuck.len(),
            generation: self.views.generation(),
        }
    }
}

/// The bank, to those who bring and take partitions.
pub(super) struct Arrivals(pub(super) Arc<Bank>);

impl Assignments for Arrivals {
    fn assigned(&self, partitions: &[i32]) {
        for partition in partitions {
            if *partition >= self.0.partitions {
                tracing::error!(
                    partition,
                    "a partition that was not there at the start: it is not served"
                );
                self.0.grown.store(true, Ordering::Relaxed);
                continue;
            }
            let (jobs, receiver) = mpsc::channel();
            let (depth, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
            let state = Arc::new(Mutex::new(State::TakingOver));
            let worker = Partition::new(
                *partition,
                Arc::clone(&self.0),
                receiver,
                Arc::clone(&depth),
                Arc::clone(&stop),
                Arc::clone(&state),
            );
            let started = std::thread::Builder::new()
                .name(format!("partition-{partition}"))
                .spawn(move || worker.run());
            match started {
                Ok(thread) => {
                    let local = Local {
                        jobs,
                        depth,
                        stop,
                        state,
                        thread,
                    };
                    lock(&self.0.local).insert(*partition, local);
                }
                Err(error) => tracing::error!(%error, partition, "no thread for a partition"),
            }
        }
    }

    fn revoked(&self, partitions: &[i32]) {
        let mut leaving = Vec::new();
        for partition in partitions {
            if let Some(local) = lock(&self.0.local).remove(partition) {
                local.stop.store(true, Ordering::Relaxed);
                leaving.push((partition, local.thread));
            }
        }
        let deadline = Instant::now() + GIVING_BACK;
        for (partition, thread) in leaving {
            while !thread.is_finished() && Instant::now() < deadline {
                std::thread::sleep(GLANCE);
            }
            if !thread.is_finished() {
                tracing::warn!(
                    partition,
                    "its window is still open; whoever gets it will fence it"
                );
            }
        }
    }

    fn leg(&self, partition: i32, offset: i64, value: &[u8]) -> bool {
        let local = lock(&self.0.local);
        let Some(local) = local.get(&partition) else {
            return true;
        };
        let depth = local.depth.fetch_add(1, Ordering::Relaxed);
        // The other end is gone only when the partition is being given back.
        let _ = local.jobs.send(Job::Leg {
            offset,
            value: value.to_vec(),
        });
        depth < MAX_LEGS
    }

    fn has_room(&self, partition: i32) -> bool {
        lock(&self.0.local)
            .get(&partition)
            .is_none_or(|local| local.depth.load(Ordering::Relaxed) < MAX_LEGS / 2)
    }
}
