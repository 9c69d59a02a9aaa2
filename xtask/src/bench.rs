//! `bench load`: every tool offers the same work to the same broker, in turn, round after round.
//!
//! ```text
//!  round 1: A B C D   round 2: D C B A   …   →  medians, spread, ratios  →  table and JSON
//! ```
//!
//! Invariant: each measurement gets a fresh process and a fresh topic. A tool that is not there is skipped and
//! named, never left out silently.

mod ab;
mod broker;
mod case;
mod check;
mod cluster;
mod error;
mod highwater;
mod java;
mod knee;
mod lag;
mod pipeline;
mod process;
mod proxy;
mod rdkafka_performance;
mod summary;
mod table;
mod tool;
mod workspace;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

pub(crate) use ab::{AbArguments, ab};
pub(crate) use broker::{BrokerArguments, broker};
use case::Case;
pub(crate) use check::{CheckArguments, check};
use cluster::Broker;
use error::BenchError;
pub(crate) use knee::{KneeArguments, knee};
pub(crate) use lag::{LagArguments, lag};
pub(crate) use pipeline::{PipelineArguments, pipeline};
pub(crate) use proxy::{ProxyArguments, proxy};
use summary::{Machine, Summary};
use tool::{Measurement, Tool};
use workspace::Workspace;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct LoadArguments {
    /// A broker that runs; otherwise Apache Kafka is started through `highwater up kafka` and stopped afterwards.
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,
    /// Rounds of each case; every tool runs once in each.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only the cases whose name contains this, e.g. `max`, `5 KiB`, `50000/s`.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Length of a paced measurement.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Multiplies the number of records of the saturating cases.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Directory with Kafka's jars for ProducerPerformance; by default where `highwater` keeps them.
    #[arg(long, value_name = "DIR")]
    kafka_jars: Option<PathBuf>,
    /// The `highwater` program to measure; by default it is built from this workspace.
    #[arg(long, value_name = "FILE")]
    highwater: Option<PathBuf>,
    /// Where the figures go as JSON.
    #[arg(long, value_name = "FILE", default_value = "target/bench/load.json")]
    out: PathBuf,
}

/// Runs the benchmark.
pub(crate) fn load(arguments: &LoadArguments) -> Result<(), BenchError> {
    let workspace = Workspace::find()?;
    let highwater = match &arguments.highwater {
        Some(program) => program.clone(),
        None => workspace.build_highwater()?,
    };
    let rdkafka_performance = rdkafka_performance::build(&workspace)?;
    let machine = Machine::look();
    let broker = match &arguments.bootstrap {
        Some(bootstrap) => Broker::existing(bootstrap),
        None => Broker::start(&highwater)?,
    };
    // After the broker's start, which may have installed them.
    let jars = java::jars(arguments.kafka_jars.as_deref());
    let tools = tool::all(highwater, rdkafka_performance, jars);
    let cases: Vec<Case> = case::all(arguments.seconds, arguments.scale)
        .into_iter()
        .filter(|case| {
            arguments
                .only
                .as_ref()
                .is_none_or(|text| case.name.contains(text.as_str()))
        })
        .collect();
    let mut summary = Summary::new(machine, broker.description.clone(), arguments.rounds);
    for case in &cases {
        measure(case, &tools, &broker, arguments.rounds, &workspace, &mut summary);
        table::print_case(&summary, case);
        summary.write(&arguments.out)?;
    }
    println!("\nfigures: {}", arguments.out.display());
    Ok(())
}

/// All rounds of one case; odd rounds in the opposite order, so that a drift of the machine evens out.
fn measure(
    case: &Case,
    tools: &[Tool],
    broker: &Broker,
    rounds: usize,
    workspace: &Workspace,
    summary: &mut Summary,
) {
    for round in 0..rounds {
        let mut order: Vec<&Tool> = tools.iter().filter(|tool| tool.takes(case)).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for tool in order {
            eprint!(
                "{} · round {} of {rounds} · {:<32}\r",
                case.name,
                round + 1,
                tool.name()
            );
            match measure_once(case, tool, broker, workspace) {
                Ok(measurement) => summary.add(case, tool, measurement),
                Err(error) => {
                    eprintln!("\n{}: {error}", tool.name());
                    summary.skip(case, tool, error.to_string());
                }
            }
        }
    }
}

fn measure_once(
    case: &Case,
    tool: &Tool,
    broker: &Broker,
    workspace: &Workspace,
) -> Result<Measurement, BenchError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let topic = format!("bench-{}", now.as_millis());
    broker.with_topic(&topic, case.partitions, tool.makes_its_topic(), || {
        tool.measure(case, &broker.bootstrap, &topic, &workspace.bench_directory())
    })
}
