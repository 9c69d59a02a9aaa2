//! Repository chores: `cargo xtask bench load` measures the load generator against named rivals.
//!
//! Invariant: a benchmark says what it compared, on which machine and beside what else, and is never part of a
//! test.

mod bench;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Measures against rivals, in interleaved rounds.
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// The load generator against librdkafka's `rdkafka_performance` and Kafka's `ProducerPerformance`.
    Load(bench::LoadArguments),
}

fn main() -> ExitCode {
    let Chore::Bench(Bench::Load(arguments)) = Arguments::parse().chore;
    match bench::load(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
