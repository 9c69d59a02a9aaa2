//! `highwater doctor`: what is there, what is missing, and which command installs it.

use highwater_model::ExitCode;
use highwater_target::{FindingState, examine};

use super::run::print;
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
    let mut text = String::new();
    for finding in &findings {
        let mark = match finding.state {
            FindingState::Present => "ok     ",
            FindingState::Missing => "missing",
            FindingState::Unsuitable => "bad    ",
        };
        text += &format!("{mark}  {:<widest$}  {}\n", finding.name, finding.found);
        if finding.state != FindingState::Present {
            missing += 1;
            text += &format!("         {:<widest$}  needed for {}\n", "", finding.needed_for);
            if let Some(remedy) = &finding.remedy {
                text += &format!("         {:<widest$}  {remedy}\n", "");
            }
        }
    }
    text += &match missing {
        0 => "\neverything is there\n".to_owned(),
        missing => format!("\n{missing} to mend; the dev broker needs none of them\n"),
    };
    print(&text)?;
    Ok(if missing == 0 {
        ExitCode::Holds
    } else {
        ExitCode::Infrastructure
    })
}
