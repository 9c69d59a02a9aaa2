//! `highwater check`: a stored history against a contract.
//!
//! ```text
//! file ─▶ reader of its format ─▶ steps ─▶ Analysis ─▶ findings ─▶ verdict
//! ```
//! Invariant: the history streams through; it is never in memory as a whole.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use highwater_check::history::read::{Format, ReadError, edn, verifiable};
use highwater_check::history::wire::FromWire;
use highwater_check::history::{Analysis, Isolation, Names, Options, Summary, judge};
use highwater_model::ExitCode;
use highwater_model::history::{Events, HistoryBody, HistoryError};
use highwater_report::history::{Checked, checked_json, checked_text};

use crate::arguments::{CheckArguments, CheckedFormat, Level, TextFormat};
use crate::failure::Failure;
use crate::screen::Screen;

/// How much is read at once.
const BUFFER_BYTES: usize = 1 << 18;

pub(crate) fn check(arguments: &CheckArguments, screen: &Screen) -> Result<ExitCode, Failure> {
    let mut inputs = Vec::new();
    for file in &arguments.files {
        inputs.push(Input::open(file, arguments.format)?);
    }
    let format = same_format(&inputs)?;
    let mut analysis = Analysis::new(Options {
        write_order: arguments.write_order,
        subscribe_repositions: arguments.subscribe_repositions,
        // Jepsen's readers begin at the first offset.
        read_from_start: format == Format::JepsenEdn,
    });
    let mut missing = Vec::new();
    let names = match format {
        Format::Highwater => recording(inputs, &mut analysis, &mut missing)?,
        Format::JepsenEdn | Format::Verifiable => others(format, inputs, arguments, &mut analysis)?,
    };
    let mut summary = Summary::default();
    let coverage = analysis.finish(&mut |finding| summary.add(finding));
    let judgement = judge(arguments.contract, &summary, &coverage, &missing);
    let subject: Vec<String> = arguments
        .files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let checked = Checked {
        subject: &subject.join(" "),
        format: format.name(),
        contract: arguments.contract,
        summary: &summary,
        coverage: &coverage,
        judgement: &judgement,
        names: &names,
    };
    super::run::print(&match arguments.output {
        TextFormat::Text => checked_text(&checked, &screen.style()),
        TextFormat::Json => checked_json(&checked)?,
    })?;
    Ok(judgement.verdict.exit_code())
}

struct Input<'a> {
    file: &'a Path,
    format: Format,
    input: BufReader<File>,
}

impl<'a> Input<'a> {
    fn open(file: &'a Path, format: Option<CheckedFormat>) -> Result<Self, Failure> {
        let unreadable = |error: &io::Error| {
            Failure::new(ExitCode::Usage, format!("can't read {}: {error}", file.display())).help(
                "give a history: of `highwater proxy --history`, of Jepsen, or of Kafka's verifiable clients",
            )
        };
        let opened = File::open(file).and_then(|opened| {
            // A directory opens, and fails only when it is read.
            if opened.metadata()?.is_dir() {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
            }
            Ok(opened)
        });
        let mut input = BufReader::with_capacity(BUFFER_BYTES, opened.map_err(|error| unreadable(&error))?);
        let beginning = input.fill_buf().map_err(|error| unreadable(&error))?;
        let told = match format {
            Some(CheckedFormat::Highwater) => Some(Format::Highwater),
            Some(CheckedFormat::JepsenEdn) => Some(Format::JepsenEdn),
            Some(CheckedFormat::Verifiable) => Some(Format::Verifiable),
            None => Format::told(beginning),
        };
        let what = if beginning.is_empty() {
            "is empty"
        } else {
            "is in no format that is known"
        };
        let format = told.ok_or_else(|| {
            Failure::new(ExitCode::Usage, format!("{} {what}", file.display()))
                .help("name its format with --format: highwater, jepsen-edn or verifiable")
        })?;
        Ok(Self { file, format, input })
    }
}

/// Several files are one history only if they are of verifiable clients.
fn same_format(inputs: &[Input<'_>]) -> Result<Format, Failure> {
    let mut format = Format::Verifiable;
    for input in inputs {
        format = input.format;
        if inputs.len() > 1 && format != Format::Verifiable {
            let message = format!("{} is a whole history ({})", input.file.display(), format.name());
            return Err(Failure::new(ExitCode::Usage, message).help(
                "give one file; only the outputs of verifiable clients are put together, one file for each client",
            ));
        }
    }
    Ok(format)
}

fn others(
    format: Format,
    inputs: Vec<Input<'_>>,
    arguments: &CheckArguments,
    analysis: &mut Analysis,
) -> Result<Names, Failure> {
    let isolation = match arguments.level {
        Level::ReadCommitted => Isolation::Committed,
        Level::ReadUncommitted => Isolation::Uncommitted,
    };
    let mut names = Names::default();
    let mut each = |step| analysis.step(&step);
    let files: Vec<String> = inputs
        .iter()
        .map(|input| input.file.display().to_string())
        .collect();
    // One after the other, as one stream; a line may not end where a file does.
    let mut input: Option<Box<dyn Read>> = None;
    for next in inputs {
        input = Some(match input {
            None => Box::new(next.input),
            Some(before) => Box::new(before.chain(&b"\n"[..]).chain(next.input)),
        });
    }
    let input = input.unwrap_or_else(|| Box::new(io::empty()));
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    let read = match format {
        Format::JepsenEdn => edn(&mut input, isolation, &mut names, &mut each),
        _ => verifiable(&mut input, isolation, &mut names, &mut each),
    };
    read.map_err(|error| unreadable(&files.join(" "), &error))?;
    Ok(names)
}

fn unreadable(file: &str, error: &ReadError) -> Failure {
    let mut message = format!("{file}: {error}");
    if let Some(source) = std::error::Error::source(error) {
        message += &format!(": {source}");
    }
    Failure::new(ExitCode::Usage, message)
        .help("everything up to there was read; name the format with --format if it was not told right")
}

/// A recording of the fault proxy, to its end or to where it is cut off.
fn recording(
    inputs: Vec<Input<'_>>,
    analysis: &mut Analysis,
    missing: &mut Vec<String>,
) -> Result<Names, Failure> {
    let mut wire = FromWire::new();
    for input in inputs {
        let failed = |error: &HistoryError| super::history::source::failure(input.file, error);
        let events = Events::new(input.input).map_err(|error| failed(&error))?;
        let (mut next, mut gaps, mut ended) = (0, 0_u64, false);
        for event in events {
            match event {
                Ok(event) => {
                    gaps += u64::from(event.sequence != next);
                    next = event.sequence + 1;
                    ended = matches!(event.body, HistoryBody::Ended { .. });
                    wire.event(&event, &mut |step| analysis.step(&step));
                }
                Err(error @ HistoryError::Cut { .. }) => {
                    missing.push(format!("the history is cut off: {error}"));
                    break;
                }
                Err(error) => return Err(failed(&error)),
            }
        }
        if gaps > 0 {
            missing.push(format!("events are missing: their numbers jump {gaps} times"));
        }
        if !ended && missing.is_empty() {
            missing.push("the history has no end: its recorder was killed, or it was cut off".to_owned());
        }
    }
    let read_back = wire.finish(&mut |step| analysis.step(&step));
    Ok(read_back.into_names())
}
