//! `highwater history`: what really happened on the wire, for people and for other tools.

mod diagrams;
mod export;
mod info;
mod show;
pub(crate) mod source;

pub(crate) use diagrams::diagrams;
use highwater_model::ExitCode;
pub(super) use source::{NAMES, open};

use crate::arguments::HistoryCommand;
use crate::failure::Failure;
use crate::screen::Screen;

/// Shows, exports or sums up a history.
pub(crate) fn history(command: HistoryCommand, screen: &Screen) -> Result<ExitCode, Failure> {
    match command {
        HistoryCommand::Show(arguments) => show::show(&arguments, screen)?,
        HistoryCommand::Export(arguments) => export::export(&arguments)?,
        HistoryCommand::Info(arguments) => info::info(&arguments, screen)?,
    }
    Ok(ExitCode::Holds)
}
