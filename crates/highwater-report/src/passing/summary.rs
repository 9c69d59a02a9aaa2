//! What passed, at the end.

use highwater_model::ExitCode;
use serde::Serialize;

use super::{Passing, errors};
use crate::Style;
use crate::number::{NONE, bytes, count, counted, duration};
use crate::paint::Paint;
use crate::text::{cut, left, plain, right, wrap};

const NAME: usize = 26;

/// How a proxy ended, whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Passed {
    /// What passed.
    #[serde(flatten)]
    pub passing: Passing,
    /// How it ended.
    pub ending: Ending,
    /// What the process exits with.
    pub exit_code: ExitCode,
    /// Why it is not complete, most important first.
    pub problems: Vec<String>,
    /// The history, if one was written.
    pub history: Option<HistoryFile>,
}

/// How a proxy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It did what it was asked to.
    Stopped,
    /// A rule did nothing, or a client went past the proxy.
    Inconclusive,
    /// Something failed.
    Failed,
}

/// A history that was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryFile {
    /// Where it is.
    pub path: String,
    /// Events in it.
    pub events: u64,
    /// How long connections waited for it.
    pub waited_ns: u64,
    /// The command that shows it.
    pub show: String,
}

/// What passed, for the end of the terminal's scrollback.
#[must_use]
pub fn summary(passed: &Passed, style: &Style) -> String {
    let width = usize::from(style.width.clamp(60, 120));
    let paint = Paint::new(style.color);
    let passing = &passed.passing;
    let mut lines = heading(passed, width, paint);
    if !passing.apis.is_empty() {
        lines.push(String::new());
        lines.push(format!(
            "  {}",
            paint.dim(&format!(
                "{}{}   errors in answers",
                left("api", NAME),
                right("requests", 13)
            ))
        ));
        lines.extend(passing.apis.iter().map(|api| {
            let errors = match errors(api) {
                none if none.is_empty() => NONE.to_owned(),
                errors => plain(&errors),
            };
            let counts = format!("  {}{}   ", left(&api.api, NAME), right(&count(api.requests), 13));
            format!("{counts}{}", cut(&errors, width.saturating_sub(NAME + 18)))
        }));
    }
    if !passing.rules.is_empty() {
        lines.push(String::new());
        lines.push(format!(
            "  {}",
            paint.dim(&format!(
                "{}{}{}",
                left("rule", NAME),
                right("matched", 13),
                right("fired", 13)
            ))
        ));
        lines.extend(passing.rules.iter().map(|rule| {
            let fired = match rule.fired {
                0 => paint.trouble(&right("never", 13)),
                fired => right(&count(fired), 13),
            };
            let name = match rule.name == rule.fault {
                true => plain(&rule.name),
                false => format!("{} ({})", plain(&rule.name), rule.fault),
            };
            format!(
                "  {}{}{fired}",
                left(&cut(&name, NAME - 1), NAME),
                right(&count(rule.matched), 13)
            )
        }));
    }
    lines.push(String::new());
    lines.extend(troubles(passing, width));
    if passing.unknown_requests > 0 {
        let told = counted(passing.unknown_requests, "request");
        lines.push(format!(
            "  unknown   {told} of APIs or versions that are not known here passed untouched"
        ));
    }
    match &passed.history {
        Some(history) => {
            let waited = match history.waited_ns {
                0..10_000_000 => String::new(),
                ns => format!("; connections waited {} for it", duration(ns)),
            };
            lines.push(format!(
                "  history   {}, {}{waited}",
                plain(&history.path),
                counted(history.events, "event")
            ));
            lines.push(format!("  look      {}", plain(&history.show)));
        }
        None => lines.push("  history   none was asked for (--history FILE)".to_owned()),
    }
    if !passing.rules.is_empty() {
        lines.push(format!("  seed      {}", passing.seed));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn heading(passed: &Passed, width: usize, paint: Paint) -> Vec<String> {
    let passing = &passed.passing;
    let word = match passed.ending {
        Ending::Stopped => "stopped",
        Ending::Inconclusive => "INCONCLUSIVE",
        Ending::Failed => "FAILED",
    };
    let what = format!(
        "after {}: {} of {}, {} to the brokers, {} to the clients",
        duration(passing.elapsed_ns),
        counted(passing.requests(), "request"),
        counted(passing.connections, "connection"),
        bytes(passing.bytes_to_brokers),
        bytes(passing.bytes_to_clients)
    );
    let indent = word.len() + 2;
    let painted = match passed.ending {
        Ending::Stopped => paint.bold(word),
        _ => paint.trouble(word),
    };
    let texts = passed.problems.iter().map(|problem| plain(problem)).chain([what]);
    let mut lines: Vec<String> = texts
        .flat_map(|text| wrap(&text, width - indent))
        .map(|line| format!("{}{line}", " ".repeat(indent)))
        .collect();
    if let Some(first) = lines.first_mut() {
        *first = format!("{painted}  {}", first.trim_start());
    }
    lines
}

fn troubles(passing: &Passing, width: usize) -> Vec<String> {
    let told = |at: usize, text: &str| {
        let label = if at == 0 { "trouble" } else { "" };
        wrap(&plain(text), width - 12)
            .into_iter()
            .enumerate()
            .map(|(line, text)| format!("  {}{text}", left(if line == 0 { label } else { "" }, 10)))
            .collect::<Vec<_>>()
    };
    let mut lines: Vec<String> = passing
        .troubles
        .iter()
        .take(5)
        .enumerate()
        .flat_map(|(at, text)| told(at, text))
        .collect();
    let shown = passing.troubles.len().min(5) as u64;
    if passing.troubles_total > shown {
        lines.extend(told(
            1,
            &format!("and {} more", count(passing.troubles_total - shown)),
        ));
    }
    lines
}
