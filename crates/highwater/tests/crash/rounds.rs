//! The rounds: start, settle, check, work, kill.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::broker::Broker;
use crate::client::Client;
use crate::worker::{Stop, Worker};
use crate::{compacted, deleter, group, plain, transactions};

/// Rounds with the same topics; then new ones, so that what is read back stays small.
const ROUNDS_OF_A_SET: usize = 10;
/// The moment of the kill, from the start of the work.
const EARLIEST_KILL: Duration = Duration::from_millis(5);
const LATEST_KILL: Duration = Duration::from_millis(400);
/// Later findings follow from the first ones.
const MOST_FINDINGS: usize = 20;

pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) rounds: usize,
    pub(crate) bugs: Vec<String>,
}

#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    pub(crate) rounds: usize,
    pub(crate) findings: Vec<String>,
    /// What each kind of work has got acknowledged.
    pub(crate) done: BTreeMap<&'static str, u64>,
    pub(crate) slowest_start: Duration,
    pub(crate) largest_data_bytes: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}, {} kills, slowest start {:.3} s, at most {:.1} MB of data",
            self.seed,
            self.rounds,
            self.slowest_start.as_secs_f64(),
            self.largest_data_bytes as f64 / 1e6
        )?;
        for (what, count) in &self.done {
            write!(f, "\n  {count} {what}")?;
        }
        for finding in &self.findings {
            write!(f, "\n  FOUND {finding}")?;
        }
        Ok(())
    }
}

/// Runs them; ends after the round in which something was found.
pub(crate) fn run(plan: &Plan) -> Outcome {
    let directory = TempDir::new().expect("a temporary directory");
    let data = directory.path().join("data");
    let mut random = ChaCha8Rng::seed_from_u64(plan.seed);
    let mut outcome = Outcome {
        seed: plan.seed,
        ..Outcome::default()
    };
    let mut set = 0;
    while outcome.rounds < plan.rounds && outcome.findings.is_empty() {
        let rounds = ROUNDS_OF_A_SET.min(plan.rounds - outcome.rounds);
        let mut workers: Vec<Box<dyn Worker>> = Vec::new();
        for round in 0..=rounds {
            let broker = match Broker::start(&data, &plan.bugs) {
                Ok(broker) => broker,
                Err(finding) => {
                    outcome.findings.push(finding);
                    break;
                }
            };
            outcome.slowest_start = outcome.slowest_start.max(broker.ready_after);
            outcome.largest_data_bytes = outcome.largest_data_bytes.max(bytes_below(&data));
            if round == 0 {
                match hire(&broker, set, plan.seed) {
                    Ok(hired) => workers = hired,
                    Err(stop) => outcome.findings.push(format!("the start: {stop:?}")),
                }
            } else {
                settle_and_check(&broker, &mut workers, &mut outcome.findings);
            }
            // The last start of a set is only for the check.
            if round == rounds || !outcome.findings.is_empty() {
                clear(&broker, set);
                break;
            }
            let alive = Duration::from_micros(
                random.random_range(EARLIEST_KILL.as_micros() as u64..LATEST_KILL.as_micros() as u64),
            );
            work_until_killed(broker, &mut workers, alive, &mut outcome.findings);
            outcome.rounds += 1;
        }
        for worker in &workers {
            *outcome.done.entry(worker.name()).or_default() += worker.done();
        }
        outcome.findings.truncate(MOST_FINDINGS);
        set += 1;
    }
    outcome
}

fn prefix(set: usize) -> String {
    format!("set{set}")
}

/// All workers for a set of topics.
fn hire(broker: &Broker, set: usize, seed: u64) -> Result<Vec<Box<dyn Worker>>, Stop> {
    let mut client = Client::open(broker.address)?;
    let prefix = prefix(set);
    let salt = seed.wrapping_mul(1_000).wrapping_add(set as u64);
    let mut workers: Vec<Box<dyn Worker>> = Vec::new();
    workers.extend(plain::hire(&mut client, &prefix)?);
    workers.extend(group::hire(&mut client, &prefix)?);
    workers.extend(transactions::hire(&mut client, &prefix, salt)?);
    workers.extend(compacted::hire(&mut client, &prefix, salt)?);
    workers.extend(deleter::hire(&mut client, &prefix)?);
    Ok(workers)
}

fn clear(broker: &Broker, set: usize) {
    let Ok(mut client) = Client::open(broker.address) else {
        return;
    };
    let prefix = prefix(set);
    for topic in [
        plain::TOPIC,
        transactions::TOPICS[0],
        transactions::TOPICS[1],
        compacted::TOPIC,
        deleter::TOPIC,
    ] {
        // What stays behind takes room and nothing else.
        drop(client.delete_topic(&format!("{prefix}-{topic}")));
    }
}

fn settle_and_check(broker: &Broker, workers: &mut [Box<dyn Worker>], findings: &mut Vec<String>) {
    // Everybody first ends what was open; only then does the log stand still.
    for what in [<dyn Worker>::settle, <dyn Worker>::check] {
        for worker in workers.iter_mut() {
            let result =
                Client::open(broker.address).and_then(|mut client| what(worker.as_mut(), &mut client));
            match result {
                Ok(()) => {}
                Err(Stop::Cut) => findings.push(format!("{}: the connection was cut", worker.name())),
                Err(Stop::Wrong(finding)) => findings.push(format!("{}: {finding}", worker.name())),
            }
        }
    }
}

fn work_until_killed(
    broker: Broker,
    workers: &mut [Box<dyn Worker>],
    alive: Duration,
    findings: &mut Vec<String>,
) {
    let address = broker.address;
    thread::scope(|scope| {
        let working: Vec<_> = workers
            .iter_mut()
            .map(|worker| {
                scope.spawn(move || {
                    let mut client = Client::open(address)?;
                    loop {
                        worker.step(&mut client)?;
                    }
                })
            })
            .collect();
        thread::sleep(alive);
        findings.extend(broker.kill().err());
        for thread in working {
            let ended: Result<(), Stop> = thread.join().expect("a worker does not panic");
            if let Err(Stop::Wrong(finding)) = ended {
                findings.push(finding);
            }
        }
    });
}

fn bytes_below(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
