//! `highwater selftest`: why the verdicts can be believed.

use std::time::Instant;

use highwater_model::ExitCode;
use highwater_report::{selftest_json, selftest_text};
use highwater_selftest::{Extent, all_checkers, selftest};

use super::run::print;
use crate::arguments::{SelftestArguments, TextFormat};
use crate::failure::Failure;
use crate::screen::Screen;

/// Clean histories for each that a defect is planted in.
const CLEAN_FOR_A_PLANTED: u64 = 20;

/// Proves the checkers; the exit code says whether the proof is complete.
pub(crate) fn prove_checkers(arguments: &SelftestArguments, screen: &Screen) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let extent = Extent {
        seed: arguments.seed,
        clean: arguments.histories,
        planted: (arguments.histories / CLEAN_FOR_A_PLANTED).max(1),
        oracle: true,
    };
    let quiet = arguments.quiet;
    let proof = selftest(extent, &all_checkers, &mut |doing| {
        if !quiet {
            eprintln!("{:5.1} s  {doing}", began.elapsed().as_secs_f64());
        }
    });
    let took_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    print(&match arguments.format {
        TextFormat::Text => selftest_text(&proof, took_ns, &screen.style()),
        TextFormat::Json => selftest_json(&proof, took_ns),
    })?;
    Ok(if proof.is_complete() {
        ExitCode::Holds
    } else {
        ExitCode::Broken
    })
}
