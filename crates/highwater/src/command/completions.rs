//! `highwater completions`: a script for a shell.

use std::io;

use clap::CommandFactory;
use clap_complete::Shell;
use highwater_model::ExitCode;

use crate::arguments::Arguments;
use crate::failure::Failure;

pub(crate) fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    clap_complete::generate(shell, &mut Arguments::command(), "highwater", &mut io::stdout());
    Ok(ExitCode::Holds)
}
