//! `bench broker`: the same clients against the dev broker and Apache Kafka, in turn, round after round.
//!
//! ```text
//!  round 1: dev, Kafka   round 2: Kafka, dev   …   →  medians, spread, ratios  →  table, Markdown, JSON
//! ```
//! Invariant: both brokers run during the whole of a case, on the same disk; while one is measured the other is idle.

pub(crate) mod acknowledgement;
mod arm;
mod figures;
mod measure;
mod memory;
pub(crate) mod requests;
mod start;
mod throughput;
mod transactions;

use std::path::{Path, PathBuf};

use clap::Args;
use highwater_target::TargetSpec;

use super::error::BenchError;
use super::rdkafka_performance;
use super::summary::Machine;
use super::workspace::Workspace;
use arm::Arm;
use figures::Figures;
use measure::Kind;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct BrokerArguments {
    /// Rounds of each case; every broker is measured once in each.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Small amounts and two rounds: shows that it works, the figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Only this case, repeatable: small, large, acknowledgement, transactions, memory, start.
    #[arg(long = "case", value_name = "NAME")]
    cases: Vec<String>,
    /// The dev broker alone; ratios are left out.
    #[arg(long)]
    without_kafka: bool,
    /// The `highwater` program to measure; by default it is built from this workspace.
    #[arg(long, value_name = "FILE")]
    highwater: Option<PathBuf>,
    /// Where the figures go as JSON; the Markdown is beside it.
    #[arg(long, value_name = "FILE", default_value = "target/bench/broker.json")]
    out: PathBuf,
}

/// How much of everything.
#[derive(Debug, Clone, Copy)]
struct Amounts {
    rounds: usize,
    small_records: u64,
    large_records: u64,
    seconds: u64,
    connections: usize,
    partitions: i32,
    log_bytes: u64,
}

impl Amounts {
    fn of(arguments: &BrokerArguments) -> Self {
        if arguments.quick {
            return Self {
                rounds: arguments.rounds.min(2),
                small_records: 200_000,
                large_records: 10_000,
                seconds: 4,
                connections: 50,
                partitions: 200,
                log_bytes: 50_000_000,
            };
        }
        Self {
            rounds: arguments.rounds,
            small_records: 5_000_000,
            large_records: 300_000,
            seconds: 20,
            connections: 1_000,
            partitions: 10_000,
            log_bytes: 1_000_000_000,
        }
    }
}

/// The programs that take part, and where they may write.
pub(crate) struct Site<'a> {
    highwater: &'a Path,
    rdkafka_performance: &'a Path,
    directory: PathBuf,
}

/// What is measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Small,
    Large,
    Acknowledgement,
    Transactions,
    /// These two are about the dev broker alone, and start their own.
    Memory,
    Start,
}

impl Case {
    const ALL: [Self; 6] = [
        Self::Small,
        Self::Large,
        Self::Acknowledgement,
        Self::Transactions,
        Self::Memory,
        Self::Start,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
            Self::Acknowledgement => "acknowledgement",
            Self::Transactions => "transactions",
            Self::Memory => "memory",
            Self::Start => "start",
        }
    }

    const fn is_alone(self) -> bool {
        matches!(self, Self::Memory | Self::Start)
    }

    /// One round on one broker.
    fn measure(
        self,
        arm: &Arm,
        round: usize,
        site: &Site<'_>,
        amounts: Amounts,
    ) -> Result<Vec<(Kind, f64)>, BenchError> {
        let topic = format!("bench-{}-{round}", self.name());
        match self {
            Self::Small => throughput::measure(arm, &topic, site, throughput::SMALL, amounts.small_records),
            Self::Large => throughput::measure(arm, &topic, site, throughput::LARGE, amounts.large_records),
            Self::Acknowledgement => acknowledgement::measure(arm, site, amounts.seconds),
            Self::Transactions => transactions::measure(arm, &topic, amounts.seconds),
            Self::Memory => memory::measure(site, amounts.connections, amounts.partitions),
            Self::Start => start::measure(site, amounts.log_bytes),
        }
    }
}

/// Runs the benchmark.
pub(crate) fn broker(arguments: &BrokerArguments) -> Result<(), BenchError> {
    let cases = chosen(&arguments.cases)?;
    let workspace = Workspace::find()?;
    let highwater = match &arguments.highwater {
        Some(program) => program.clone(),
        None => workspace.build_highwater()?,
    };
    let rdkafka_performance = rdkafka_performance::build(&workspace)?;
    let site = Site {
        highwater: &highwater,
        rdkafka_performance: &rdkafka_performance,
        directory: workspace.bench_directory().join("broker"),
    };
    let amounts = Amounts::of(arguments);
    let mut figures = Figures::new(Machine::look(), amounts.rounds, arguments.quick);
    for case in cases {
        // A failure of one is told, and the others are measured all the same.
        if let Err(error) = rounds(case, &site, amounts, arguments.without_kafka, &mut figures) {
            eprintln!("\n{}: {error}", case.name());
            figures.skip(format!("{}: {error}", case.name()));
        }
        figures.write(&arguments.out)?;
    }
    println!("{}", figures.table());
    println!("figures: {}, and as Markdown beside it", arguments.out.display());
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<Case>, BenchError> {
    let known = || Case::ALL.map(Case::name).join(", ");
    let find = |name: &String| {
        Case::ALL
            .into_iter()
            .find(|case| case.name() == name)
            .ok_or_else(|| BenchError::UnknownCase {
                given: name.clone(),
                known: known(),
            })
    };
    if names.is_empty() {
        return Ok(Case::ALL.to_vec());
    }
    names.iter().map(find).collect()
}

/// All rounds of a case; every other one in the opposite order, so that a drift of the machine evens out.
fn rounds(
    case: Case,
    site: &Site<'_>,
    amounts: Amounts,
    without_kafka: bool,
    figures: &mut Figures,
) -> Result<(), BenchError> {
    let mut arms = vec![Arm::start(&TargetSpec::Dev, site)?];
    if !without_kafka && !case.is_alone() {
        arms.push(Arm::start(&TargetSpec::Kafka, site)?);
    }
    for round in 0..amounts.rounds {
        for arm in &arms {
            eprint!(
                "{} · round {} of {} · {:<20}\r",
                case.name(),
                round + 1,
                amounts.rounds,
                arm.name
            );
            // What the one before has left to be written would be paid by this one.
            rustix::fs::sync();
            for (kind, figure) in case.measure(arm, round, site, amounts)? {
                figures.add(kind, arm.name, figure);
            }
        }
        arms.reverse();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_chosen_by_name() {
        assert_eq!(chosen(&[]).unwrap(), Case::ALL);
        assert_eq!(chosen(&["start".to_owned()]).unwrap(), [Case::Start]);
        let error = chosen(&["middle".to_owned()]).unwrap_err().to_string();
        assert!(
            error.contains("'middle'") && error.contains("transactions"),
            "{error}"
        );
    }
}
