//! `highwater lag`: how far consumer groups are behind.

mod serve;
mod watched;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use highwater_load::log::LogError;
use highwater_load::{Survey, SurveyOptions};
use highwater_model::{ExitCode, LagSurvey};
use highwater_report::{lag_dashboard, lag_json, lag_metrics_markdown, lag_rules, lag_text};
use highwater_target::TargetSpec;

use self::watched::Watched;
use super::run::print;
use super::secured;
use crate::arguments::{LagArguments, LagAsked, LagCommand};
use crate::failure::{Failure, with_sources};
use crate::interrupt;
use crate::screen::Screen;

/// How often an interruption is looked for.
const GLANCE: Duration = Duration::from_millis(100);
/// Back to the corner, and what is below is cleared.
const AGAIN: &str = "\x1b[H\x1b[J";
const CLEAR: &str = "\x1b[2J";

/// Reads once, until it is interrupted, or prints what a monitoring system needs.
pub(crate) fn lag(arguments: &LagArguments, screen: &Screen) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Some(LagCommand::Serve(serving)) => {
            let interrupted = interrupt::flag()?;
            let survey = open(&serving.asked)?;
            serve::serve(serving, survey, Watched::new(serving.window), &interrupted)
        }
        Some(LagCommand::Rules) => printed(&lag_rules()),
        Some(LagCommand::Dashboard) => printed(&lag_dashboard()),
        Some(LagCommand::Metrics) => printed(&lag_metrics_markdown()),
        None if arguments.watch => watch(arguments, screen, &interrupt::flag()?),
        None => {
            let reading = open(&arguments.asked)?
                .read()
                .map_err(|error| failed(&error, &arguments.asked))?;
            show(&reading, arguments, screen)?;
            Ok(ExitCode::Holds)
        }
    }
}

fn printed(text: &str) -> Result<ExitCode, Failure> {
    print(text)?;
    Ok(ExitCode::Holds)
}

fn open(asked: &LagAsked) -> Result<Survey, Failure> {
    let bootstrap = &asked.bootstrap.bootstrap;
    // Whoever asks this cluster from now on does it as the file says.
    secured::target(&TargetSpec::Bootstrap(bootstrap.clone()), &asked.access)?;
    let options = SurveyOptions {
        groups: asked.group.clone(),
        ages: !asked.no_ages,
    };
    Survey::open(bootstrap, options).map_err(|error| failed(&error, asked))
}

fn failed(error: &LogError, asked: &LagAsked) -> Failure {
    let bootstrap = &asked.bootstrap.bootstrap;
    Failure::new(ExitCode::Infrastructure, with_sources(error)).help(format!(
        "is there a cluster at {bootstrap}? give another with --bootstrap HOST:PORT"
    ))
}

fn watch(
    arguments: &LagArguments,
    screen: &Screen,
    interrupted: &Arc<AtomicBool>,
) -> Result<ExitCode, Failure> {
    let mut survey = open(&arguments.asked)?;
    let mut watched = Watched::new(arguments.window);
    let live = !arguments.json && Screen::redraws();
    if live {
        print(CLEAR)?;
    }
    let mut due = Instant::now();
    while !interrupted.load(Relaxed) {
        // A broker that does not answer for once is no reason to end a watch.
        match survey.read() {
            Ok(mut reading) => {
                watched.remember(&mut reading);
                if live {
                    print(AGAIN)?;
                }
                show(&reading, arguments, screen)?;
            }
            Err(error) => eprintln!("no reading: {}", with_sources(&error)),
        }
        due = (due + arguments.every).max(Instant::now());
        while !interrupted.load(Relaxed) && Instant::now() < due {
            std::thread::sleep(GLANCE.min(due.saturating_duration_since(Instant::now())));
        }
    }
    Ok(ExitCode::Holds)
}

fn show(reading: &LagSurvey, arguments: &LagArguments, screen: &Screen) -> Result<(), Failure> {
    print(&if arguments.json {
        lag_json(reading)?
    } else {
        lag_text(reading, arguments.partitions, &screen.style())
    })
}
