//! A small pipeline: every record of one topic is written, unchanged, to another one.
//!
//! ```text
//! --input ─▶ reading ─▶ a batch ─▶ tampering ─▶ writing ─▶ --output
//!               ▲        (defects that need no fault)   │
//!               └── offsets: with the outputs, after them, or before them ◀┘
//!                   exactly_once · at_least_once · at_most_once
//! ```
//!
//! In its good forms it is written as such a program should be, and so an example to copy from. Each `--defect`
//! takes away one thing that keeps the promise, as real programs do: that is how a tool that judges pipelines is put
//! to the test. It knows nothing of such a tool; it is driven like any foreign program.
//!
//! Invariant: without `--defect` the promise of `--guarantee` holds whatever dies, stalls, or moves. It does not
//! create topics, and it never gives up because of an outage: only a signal ends it.

mod arguments;
mod at_least_once;
mod at_most_once;
mod batch;
mod defect;
mod exactly_once;
mod misbehaving;
mod reading;
mod saying;
mod stopping;
mod tampering;
mod workers;
mod writing;

use std::error::Error;
use std::process::ExitCode;

use crate::arguments::{Arguments, Guarantee};
use crate::defect::Defect;
use crate::stopping::Stopping;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    match run(&arguments) {
        Ok(copied) => {
            saying::line(format_args!("copied {copied} records, bye"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            saying::line(format_args!("{error}"));
            ExitCode::FAILURE
        }
    }
}

/// How many records were copied when a signal came.
fn run(arguments: &Arguments) -> Result<u64, Box<dyn Error>> {
    let stopping = Stopping::on_signals(arguments.has(Defect::IgnoresSigterm))?;
    if let Some(ending) = misbehaving::instead(arguments, &stopping) {
        return ending;
    }
    misbehaving::beside(arguments, &stopping);
    if arguments.has(Defect::AutoCommitWithWorkers) {
        return workers::run(arguments, &stopping);
    }
    match arguments.guarantee() {
        Guarantee::ExactlyOnce => exactly_once::run(arguments, &stopping),
        Guarantee::AtLeastOnce => at_least_once::run(arguments, &stopping),
        Guarantee::AtMostOnce => at_most_once::run(arguments, &stopping),
    }
}
