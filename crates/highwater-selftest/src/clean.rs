//! Clean histories: everything that is odd and legal, nothing that is wrong.

use std::collections::BTreeSet;

use highwater_check::history::{Finding, Group, Isolation, Options, Partition, Step, check};
use highwater_check::{Anomaly, Contract, Delivery};
use rand::RngExt;

use crate::actor::{Actor, After, GroupMember, PlainProducer, SoloReader, TransactionalProducer};
use crate::world::{Log, SimulatedGroup, World};

/// A history in which nothing is wrong under its contract.
#[derive(Debug, Clone)]
pub struct Clean {
    /// What it is right under.
    pub contract: Contract,
    /// What happened, and the log read back.
    pub steps: Vec<Step>,
    /// What the contract allows and did happen: a checker may name these and no others.
    pub allowed: BTreeSet<Anomaly>,
}

/// Contracts for which there are clean histories.
pub const CONTRACTS: [&str; 6] = [
    "at-most-once",
    "at-least-once",
    "at-least-once, ordered-per-partition",
    "exactly-once",
    "exactly-once, ordered-per-key, ordered-per-partition",
    "no-acknowledged-loss",
];

impl Clean {
    /// What checkers found that is not there: all that the contract forbids, and all that did not happen.
    #[must_use]
    pub fn alarms(&self) -> Vec<Finding> {
        let mut findings = check(&self.steps, Options::default());
        findings.retain(|finding| self.is_alarm(finding));
        findings
    }

    /// Whether a finding is of something that is not there, or that the contract forbids.
    #[must_use]
    pub fn is_alarm(&self, finding: &Finding) -> bool {
        let anomaly = finding.anomaly;
        // What Kafka allows at any time, the simulation does not follow.
        let always = matches!(anomaly, Anomaly::WriteCycle | Anomaly::IntSendSkip);
        anomaly.violates(self.contract) || !(always || self.allowed.contains(&anomaly))
    }
}

/// Turns until no new work is begun.
const TURNS: usize = 260;
/// Turns after which a client that does not come to its end is a mistake in the simulation.
const MOST_TURNS: usize = 200_000;

/// A history of a cluster that is right, with clients to which much happens. The same seed gives the same history.
///
/// # Panics
/// If a client of the simulation never comes to its end: a mistake in the simulation itself.
#[must_use]
pub fn clean_history(seed: u64, contract: Contract) -> Clean {
    let mut world = World::new(seed, contract);
    let partitions = world.random.random_range(2..=4);
    let compacted = world.once_in(4);
    let tells_epochs = !world.once_in(4);
    for number in 0..partitions {
        world
            .logs
            .push(Log::new(Partition(number), compacted, tells_epochs));
    }
    let mut actors = clients(&mut world);
    for turn in 0..MOST_TURNS {
        world.draining = turn >= TURNS;
        if actors.is_empty() {
            break;
        }
        assert!(
            turn + 1 < MOST_TURNS,
            "seed {seed:x}: a client of the simulation hangs"
        );
        let at = world.below(actors.len());
        match actors[at].act(&mut world) {
            After::Again => {}
            After::Over => drop(actors.swap_remove(at)),
            After::Replaced(next) => actors[at] = next,
        }
        happen(&mut world);
    }
    finish(&mut world);
    let (steps, allowed) = world.read_back();
    Clean {
        contract,
        steps,
        allowed,
    }
}

fn clients(world: &mut World) -> Vec<Box<dyn Actor>> {
    let mut actors: Vec<Box<dyn Actor>> = Vec::new();
    let retries_may_repeat = world.contract.delivery != Delivery::ExactlyOnce;
    for _ in 0..world.random.random_range(1..=2) {
        let idempotent = !retries_may_repeat || world.once_in(2);
        let sends = world.random.random_range(4..20);
        actors.push(Box::new(PlainProducer::new(world, idempotent, sends)));
    }
    for _ in 0..world.random.random_range(0..=2) {
        let (version_2, reading) = (world.once_in(2), world.once_in(2));
        let transactions = world.random.random_range(2..8);
        actors.push(Box::new(TransactionalProducer::new(
            world,
            version_2,
            reading,
            transactions,
        )));
    }
    for _ in 0..world.random.random_range(1..=2) {
        let isolation = isolation(world);
        actors.push(Box::new(SoloReader::new(world, isolation)));
    }
    for number in 0..world.random.random_range(0..=2) {
        let group = Group(number);
        let partitions = world.logs.iter().map(|log| log.partition).collect();
        let cooperative = world.once_in(2);
        world.groups.push(SimulatedGroup::new(partitions, cooperative));
        let isolation = isolation(world);
        for _ in 0..world.random.random_range(1..=3) {
            actors.push(Box::new(GroupMember::new(world, group, isolation)));
        }
    }
    actors
}

fn isolation(world: &mut World) -> Isolation {
    if world.once_in(3) {
        Isolation::Uncommitted
    } else {
        Isolation::Committed
    }
}

/// What happens in a cluster by itself.
fn happen(world: &mut World) {
    if world.once_in(40) {
        let partition = world.any_partition();
        world.log(partition).elect();
    }
    if world.once_in(60) {
        let partition = world.any_partition();
        let log = world.log(partition);
        if log.compacted {
            let end = log.end() as usize;
            let below = world.below(end) as i64;
            world.log(partition).compact(below);
        }
    }
}

/// Retention, when all was read.
fn finish(world: &mut World) {
    if world.once_in(5) {
        let partition = world.any_partition();
        let end = world.log(partition).end() as usize;
        let start = world.below(end) as i64;
        world.log(partition).start = start;
    }
}
