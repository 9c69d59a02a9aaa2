//! `highwater completions`: a script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;
use highwater_model::ExitCode;

use super::run::print;
use crate::arguments::Arguments;
use crate::failure::Failure;

pub(crate) fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "highwater", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::Holds)
}
