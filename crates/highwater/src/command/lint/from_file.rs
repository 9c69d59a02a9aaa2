//! A history that is there.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use highwater_check::lint::{Lint, LintOptions};
use highwater_model::ExitCode;
use highwater_model::history::{Events, HistoryError};

use crate::arguments::LintArguments;
use crate::failure::Failure;
use crate::screen::Screen;

/// Reads the history to its end, or to where it is cut off, as it is after a SIGKILL of its recorder.
pub(super) fn from_file(
    file: &Path,
    arguments: &LintArguments,
    screen: &Screen,
) -> Result<ExitCode, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(ExitCode::Usage, format!("can't read {}: {error}", file.display()))
    };
    let opened = File::open(file).map_err(|error| unreadable(&error))?;
    let events = Events::new(BufReader::new(opened)).map_err(|error| unreadable(&error))?;
    let mut lint = Lint::new(LintOptions {
        one_application: arguments.one_application,
    });
    let mut whole = true;
    for event in events {
        match event {
            Ok(event) => lint.observe(&event),
            Err(error @ HistoryError::Cut { .. }) => {
                eprintln!("{}: {error}", file.display());
                whole = false;
                break;
            }
            Err(error) => return Err(unreadable(&error)),
        }
    }
    super::show(
        &lint.finish(),
        &file.display().to_string(),
        whole,
        arguments,
        screen,
    )
}
