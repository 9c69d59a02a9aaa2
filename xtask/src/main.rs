//! Repository chores: `cargo xtask bench load`, `bench broker` and `bench proxy` measure against named rivals,
//! `bench check` measures the checkers of histories, `cargo xtask fuzz` offers damaged input to the dev broker,
//! `cargo xtask soak crash` kills it a thousand times.
//!
//! Invariant: a benchmark says what it compared, on which machine and beside what else, and is never part of a
//! test.

mod bench;
mod fuzz;
mod soak;

use std::error::Error;
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
    /// Offers damaged requests and record batches to the dev broker's request path, or to what the fault proxy reads.
    Fuzz(fuzz::FuzzArguments),
    /// Tests of `./test` for a long time.
    #[command(subcommand)]
    Soak(soak::Soak),
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// `highwater ab` on equal sides and on sides that differ by a tenth: how often is it right?
    Ab(bench::AbArguments),
    /// The load generator against librdkafka's `rdkafka_performance` and Kafka's `ProducerPerformance`.
    Load(bench::LoadArguments),
    /// The dev broker against Apache Kafka.
    Broker(bench::BrokerArguments),
    /// The checkers of histories on large ones: time, memory, growth.
    Check(bench::CheckArguments),
    /// `highwater knee` against Apache Kafka with a client quota: does it find a limit that is known?
    Knee(bench::KneeArguments),
    /// `highwater lag` and Kafka's own tool on many groups of a topic with many partitions.
    Lag(bench::LagArguments),
    /// The pipeline library against loops on the client library alone.
    Pipeline(bench::PipelineArguments),
    /// The fault proxy against a direct connection and against toxiproxy.
    Proxy(bench::ProxyArguments),
}

fn main() -> ExitCode {
    let ended: Result<(), Box<dyn Error>> = match Arguments::parse().chore {
        Chore::Bench(Bench::Load(arguments)) => bench::load(&arguments).map_err(Into::into),
        Chore::Bench(Bench::Broker(arguments)) => bench::broker(&arguments).map_err(Into::into),
        Chore::Bench(Bench::Check(arguments)) => bench::check(&arguments).map_err(Into::into),
        Chore::Bench(Bench::Ab(arguments)) => bench::ab(&arguments).map_err(Into::into),
        Chore::Bench(Bench::Knee(arguments)) => bench::knee(&arguments).map_err(Into::into),
        Chore::Bench(Bench::Lag(arguments)) => bench::lag(&arguments).map_err(Into::into),
        Chore::Bench(Bench::Pipeline(arguments)) => bench::pipeline(&arguments).map_err(Into::into),
        Chore::Bench(Bench::Proxy(arguments)) => bench::proxy(&arguments).map_err(Into::into),
        Chore::Fuzz(arguments) => fuzz::fuzz(&arguments).map_err(Into::into),
        Chore::Soak(what) => soak::soak(&what).map_err(Into::into),
    };
    let Err(error) = ended else {
        return ExitCode::SUCCESS;
    };
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    eprintln!("error: {text}");
    ExitCode::FAILURE
}
