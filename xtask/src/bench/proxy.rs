//! `bench proxy`: the same client to the same broker, directly and through something in between, in turn.
//!
//! ```text
//!  round 1: direct, proxy, proxy with history, toxiproxy   round 2: the other way round   …
//! ```
//! Invariant: everything runs during the whole of a case, so that each way competes with the same idle processes.
//! Clients can't leave the way: toxiproxy's is a listener of Kafka's that tells toxiproxy's address.

mod figures;
mod memory;
mod way;

use std::path::{Path, PathBuf};

use clap::Args;

use super::broker::acknowledgement;
use super::case::Case as Work;
use super::error::BenchError;
use super::rdkafka_performance::{self, Mode};
use super::summary::Machine;
use super::workspace::Workspace;
use figures::{Figures, Kind};
use way::{Road, Ways};

const PARTITIONS: u32 = 3;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct ProxyArguments {
    /// Rounds of each case; every way is measured once in each.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Small amounts and two rounds: shows that it works, the figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Multiplies the records of the saturating cases, and the seconds of the paced one.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Only this case, repeatable: 100B, 1KiB, 5KiB, latency, memory.
    #[arg(long = "case", value_name = "NAME")]
    cases: Vec<String>,
    /// Only this broker: kafka or dev.
    #[arg(long, value_name = "BROKER")]
    only: Option<String>,
    /// The `highwater` program to measure; by default it is built from this workspace.
    #[arg(long, value_name = "FILE")]
    highwater: Option<PathBuf>,
    /// Where the figures go as JSON; the Markdown is beside it.
    #[arg(long, value_name = "FILE", default_value = "target/bench/proxy.json")]
    out: PathBuf,
}

/// What is measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Throughput {
        name: &'static str,
        bytes: u64,
        records: u64,
    },
    Latency,
    Memory,
}

const CASES: [Case; 5] = [
    Case::Throughput {
        name: "100B",
        bytes: 100,
        records: 5_000_000,
    },
    Case::Throughput {
        name: "1KiB",
        bytes: 1 << 10,
        records: 1_500_000,
    },
    Case::Throughput {
        name: "5KiB",
        bytes: 5 << 10,
        records: 300_000,
    },
    Case::Latency,
    Case::Memory,
];

impl Case {
    fn name(self) -> &'static str {
        match self {
            Self::Throughput { name, .. } => name,
            Self::Latency => "latency",
            Self::Memory => "memory",
        }
    }
}

/// The programs that take part, and where they may write.
struct Site<'a> {
    highwater: &'a Path,
    rdkafka_performance: &'a Path,
    toxiproxy: Option<&'a Path>,
    directory: PathBuf,
    quick: bool,
    scale: f64,
}

/// Runs the benchmark.
pub(crate) fn proxy(arguments: &ProxyArguments) -> Result<(), BenchError> {
    let cases = chosen(&arguments.cases)?;
    let workspace = Workspace::find()?;
    let highwater = match &arguments.highwater {
        Some(program) => program.clone(),
        None => workspace.build_highwater()?,
    };
    let rdkafka_performance = rdkafka_performance::build(&workspace)?;
    let rounds = if arguments.quick {
        arguments.rounds.min(2)
    } else {
        arguments.rounds
    };
    let mut figures = Figures::new(Machine::look(), rounds, arguments.quick);
    let toxiproxy = way::build_toxiproxy(&workspace);
    if let Err(error) = &toxiproxy {
        figures.skip(format!("toxiproxy: {error}"));
    }
    let site = Site {
        highwater: &highwater,
        rdkafka_performance: &rdkafka_performance,
        toxiproxy: toxiproxy.as_deref().ok(),
        directory: workspace.bench_directory().join("proxy"),
        quick: arguments.quick,
        scale: if arguments.quick { 0.05 } else { arguments.scale },
    };
    for broker in ["kafka", "dev"] {
        if arguments.only.as_ref().is_some_and(|only| only != broker) {
            continue;
        }
        for case in &cases {
            if *case == Case::Memory && broker == "kafka" {
                continue;
            }
            // A failure of one is told, and the others are measured all the same.
            if let Err(error) = all_rounds(*case, broker, &site, rounds, &mut figures) {
                eprintln!("\n{} on {broker}: {error}", case.name());
                figures.skip(format!("{} on {broker}: {error}", case.name()));
            }
            figures.write(&arguments.out)?;
        }
    }
    println!("{}", figures.table());
    println!("figures: {}, and as Markdown beside it", arguments.out.display());
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<Case>, BenchError> {
    let find = |name: &String| {
        CASES
            .into_iter()
            .find(|case| case.name() == name)
            .ok_or_else(|| BenchError::UnknownCase {
                given: name.clone(),
                known: CASES.map(Case::name).join(", "),
            })
    };
    if names.is_empty() {
        return Ok(CASES.to_vec());
    }
    names.iter().map(find).collect()
}

/// All rounds of a case; every other one in the opposite order, so that a drift of the machine evens out.
fn all_rounds(
    case: Case,
    broker: &'static str,
    site: &Site<'_>,
    rounds: usize,
    figures: &mut Figures,
) -> Result<(), BenchError> {
    let ways = Ways::start(broker, site)?;
    let mut roads: Vec<&Road> = ways.roads.iter().collect();
    for round in 0..rounds {
        if case == Case::Memory {
            let megabytes = memory::measure(&ways, site.quick)?;
            figures.add(broker, case.name(), Kind::Memory, way::RECORDED, megabytes);
            continue;
        }
        for road in &roads {
            eprint!(
                "{} on {broker} · round {} of {rounds} · {:<24}\r",
                case.name(),
                round + 1,
                road.name
            );
            // What the one before has left to be written would be paid by this one.
            rustix::fs::sync();
            for (kind, figure) in once(case, road, round, site)? {
                figures.add(broker, case.name(), kind, road.name, figure);
            }
        }
        roads.reverse();
    }
    Ok(())
}

/// One measurement.
fn once(case: Case, road: &Road, round: usize, site: &Site<'_>) -> Result<Vec<(Kind, f64)>, BenchError> {
    match case {
        Case::Throughput { name, bytes, records } => {
            let records = (records as f64 * site.scale) as u64;
            let topic = format!(
                "bench-{}-{}-{round}",
                name.to_lowercase(),
                road.name.replace(' ', "-")
            );
            let work = Work {
                name: topic.clone(),
                bytes,
                records,
                per_s: None,
                partitions: PARTITIONS,
            };
            highwater_load::admin::create_topic(&road.bootstrap, &topic, PARTITIONS, 1, &[])?;
            let before = road.cpu_seconds();
            let produced = rdkafka_performance::measure(
                site.rdkafka_performance,
                Mode::Same,
                &work,
                &road.bootstrap,
                &topic,
            );
            let after = road.cpu_seconds();
            highwater_load::admin::delete_topic(&road.bootstrap, &topic)?;
            let mut figures = vec![(Kind::Rate, produced?.per_s)];
            if let Some((before, after)) = before.zip(after) {
                let gigabytes = (records * bytes) as f64 / 1e9;
                figures.push((Kind::CpuPerGb, (after - before) / gigabytes));
            }
            Ok(figures)
        }
        Case::Latency => {
            let seconds = ((15.0 * site.scale) as u64).max(4);
            let (p50, p99) =
                acknowledgement::median_and_p99(site.highwater, &site.directory, &road.bootstrap, seconds)?;
            Ok(vec![(Kind::P50, p50), (Kind::P99, p99)])
        }
        Case::Memory => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_chosen_by_name() {
        assert_eq!(chosen(&[]).unwrap(), CASES);
        assert_eq!(chosen(&["memory".to_owned()]).unwrap(), [Case::Memory]);
        let error = chosen(&["2KiB".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("'2KiB'") && error.contains("latency"), "{error}");
    }
}
