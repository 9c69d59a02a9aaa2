//! `highwater doctor`: what is there, what is missing, and which command installs it.

use highwater_model::ExitCode;
use highwater_target::{FindingState, examine};

use crate::failure::Failure;

/// Exits with 4 if something that is needed for `--target kafka` is missing.
pub(crate) fn doctor() -> Result<ExitCode, Failure> {
    let findings = examine();
    let widest = findings
        .iter()
        .map(|finding| finding.name.len())
        .max()
        .unwrap_or(0);
    let mut missing = 0;
    for finding in &findings {
        let mark = match finding.state {
            FindingState::Present => "ok     ",
            FindingState::Missing => "missing",
            FindingState::Unsuitable => "bad    ",
        };
        println!("{mark}  {:<widest$}  {}", finding.name, finding.found);
        if finding.state != FindingState::Present {
            missing += 1;
            println!("         {:<widest$}  needed for {}", "", finding.needed_for);
            if let Some(remedy) = &finding.remedy {
                println!("         {:<widest$}  {remedy}", "");
            }
        }
    }
    println!();
    match missing {
        0 => println!("everything is there"),
        missing => println!("{missing} to mend; the dev broker needs none of them"),
    }
    Ok(if missing == 0 {
        ExitCode::Holds
    } else {
        ExitCode::Infrastructure
    })
}
