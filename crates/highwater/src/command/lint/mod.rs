//! `highwater lint`: what the settings of an application really guarantee.

mod application;
mod from_file;
mod observed;
mod watch;

use highwater_check::lint::Lint;
use highwater_model::{ExitCode, LintReport};
use highwater_report::{lint as text, lint_json, lint_kinds};

use crate::arguments::{LintArguments, TextFormat};
use crate::failure::Failure;
use crate::screen::Screen;

/// Lists the findings, reads a history, or runs an application.
pub(crate) fn lint(arguments: &LintArguments, screen: &Screen) -> Result<ExitCode, Failure> {
    if arguments.list {
        super::run::print(&lint_kinds(&Lint::kinds(), &screen.style()))?;
        return Ok(ExitCode::Holds);
    }
    match &arguments.from {
        Some(file) => from_file::from_file(file, arguments, screen),
        None => application::application(arguments, screen),
    }
}

/// Shows the report; its answer is the exit code. `complete` is false if something may have gone past.
fn show(
    report: &LintReport,
    subject: &str,
    complete: bool,
    arguments: &LintArguments,
    screen: &Screen,
) -> Result<ExitCode, Failure> {
    let shown = match arguments.format {
        TextFormat::Text => text(report, subject, &screen.style()),
        TextFormat::Json => lint_json(report)?,
    };
    super::run::print(&shown)?;
    let silent = report.good.is_empty() && report.findings.is_empty();
    Ok(if report.has_at_least(arguments.level.into()) {
        ExitCode::Broken
    } else if silent || !complete || !report.caveats.is_empty() {
        ExitCode::Inconclusive
    } else {
        ExitCode::Holds
    })
}
