//! `highwater history export`: JSON lines, one event a line.

use highwater_model::history::write_line;

use super::source::{Out, failure, open};
use crate::arguments::HistoryExportArguments;
use crate::failure::Failure;

pub(super) fn export(arguments: &HistoryExportArguments) -> Result<(), Failure> {
    let events = open(&arguments.file)?;
    let mut out = match &arguments.out {
        Some(path) => Out::file(path)?,
        None => Out::new(),
    };
    for event in events {
        match event {
            Ok(event) => out.with(|to| write_line(&event, to))?,
            Err(error) => {
                out.flush()?;
                return Err(failure(&arguments.file, &error));
            }
        }
        if out.is_closed() {
            break;
        }
    }
    out.flush()
}
