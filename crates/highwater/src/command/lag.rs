//! `highwater lag`: how far consumer groups are behind.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use highwater_load::log::LogError;
use highwater_load::{Survey, SurveyOptions};
use highwater_measure::lag::{Judging, judge};
use highwater_model::{ExitCode, LagSample, LagSurvey};
use highwater_report::{lag_json, lag_text};
use highwater_target::TargetSpec;

use super::run::print;
use super::secured;
use crate::arguments::LagArguments;
use crate::failure::{Failure, with_sources};
use crate::interrupt;
use crate::screen::Screen;

/// More readings than this of a partition are not kept, whatever the window: the oldest go.
const READINGS_MAX: usize = 1_000;
/// How often an interruption is looked for.
const GLANCE: Duration = Duration::from_millis(100);
/// Back to the corner, and what is below is cleared.
const AGAIN: &str = "\x1b[H\x1b[J";
const CLEAR: &str = "\x1b[2J";

/// Readings by group, topic and partition.
type Readings = BTreeMap<(String, String, i32), Vec<LagSample>>;

/// Reads once, or until it is interrupted.
pub(crate) fn lag(arguments: &LagArguments, screen: &Screen) -> Result<ExitCode, Failure> {
    let bootstrap = &arguments.bootstrap.bootstrap;
    let failed = |error: LogError| {
        Failure::new(ExitCode::Infrastructure, with_sources(&error)).help(format!(
            "is there a cluster at {bootstrap}? give another with --bootstrap HOST:PORT"
        ))
    };
    // Whoever asks this cluster from now on does it as the file says.
    secured::target(&TargetSpec::Bootstrap(bootstrap.clone()), &arguments.access)?;
    let options = SurveyOptions {
        groups: arguments.group.clone(),
        ages: !arguments.no_ages,
    };
    let mut survey = Survey::open(bootstrap, options).map_err(failed)?;
    if !arguments.watch {
        let reading = survey.read().map_err(failed)?;
        show(&reading, arguments, screen)?;
        return Ok(ExitCode::Holds);
    }
    let interrupted = interrupt::flag()?;
    let judging = Judging {
        window: arguments.window,
        ..Judging::default()
    };
    let live = !arguments.json && Screen::redraws();
    if live {
        print(CLEAR)?;
    }
    let mut readings = Readings::new();
    let mut due = Instant::now();
    while !interrupted.load(Relaxed) {
        // A broker that does not answer for once is no reason to end a watch.
        match survey.read() {
            Ok(mut reading) => {
                remember(&mut readings, &mut reading, &judging);
                if live {
                    print(AGAIN)?;
                }
                show(&reading, arguments, screen)?;
            }
            Err(error) => eprintln!("no reading: {}", with_sources(&error)),
        }
        due += arguments.every;
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

/// Adds a reading to those before it, and to it what they say together.
fn remember(readings: &mut Readings, survey: &mut LagSurvey, judging: &Judging) {
    let window = i64::try_from(judging.window.as_millis()).unwrap_or(i64::MAX);
    let mut seen = Readings::new();
    for group in &mut survey.groups {
        for partition in &mut group.partitions {
            let place = (group.name.clone(), partition.topic.clone(), partition.partition);
            // What is not there any more is forgotten.
            let mut known = readings.remove(&place).unwrap_or_default();
            known.push(partition.sample.clone());
            known.retain(|one| one.at_ms >= survey.at_ms.saturating_sub(window));
            if known.len() > READINGS_MAX {
                known.remove(0);
            }
            partition.judgement = Some(judge(&known, judging));
            seen.insert(place, known);
        }
    }
    *readings = seen;
}
