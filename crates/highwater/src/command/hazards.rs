//! `highwater hazards`: hazards of Kafka reproduced on purpose, as lessons.
//!
//! ```text
//! names ─▶ Stage (one target for all) ─▶ each hazard: open arm, control ─▶ lesson on standard output ─▶ exit code
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use highwater_hazards::{Hazard, HazardError, Stage, StageOptions, catalogue};
use highwater_model::{ExitCode, HAZARDS_SCHEMA_VERSION, HazardLesson, HazardOutcome, HazardReport};
use highwater_report::{
    ListedHazard, hazard_lesson, hazards_head, hazards_json, hazards_list, hazards_list_json, hazards_summary,
};
use highwater_target::TargetSpec;

use super::history::source::NAMES;
use super::run::{fresh_seed, own_path, print};
use crate::arguments::{HazardsArguments, TextFormat};
use crate::failure::{Failure, with_sources};
use crate::interrupt;
use crate::screen::Screen;

/// Reproduces what was asked for.
pub(crate) fn hazards(arguments: &HazardsArguments, screen: &Screen) -> Result<ExitCode, Failure> {
    let chosen = chosen(&arguments.names)?;
    if let TargetSpec::Bootstrap(_) = arguments.target {
        return Err(
            Failure::new(ExitCode::Usage, "a cluster that is there already is never broken")
                .help("give --target dev, kafka or kafka:3: Highwater starts those for the hazards"),
        );
    }
    if arguments.list {
        return list(&chosen, arguments, screen);
    }
    let report = Showing { arguments, screen }.run(&chosen)?;
    let Some(report) = report else {
        eprintln!("interrupted");
        return Ok(ExitCode::Inconclusive);
    };
    match arguments.format {
        TextFormat::Json => print(&hazards_json(&report))?,
        TextFormat::Text => print(&hazards_summary(&report, &screen.style()))?,
    }
    Ok(exit_code(&report, !arguments.names.is_empty()))
}

/// The hazards by their names, each once, in the order of the catalogue.
fn chosen(names: &[String]) -> Result<Vec<&'static Hazard>, Failure> {
    if let Some(unknown) = names
        .iter()
        .find(|name| catalogue().iter().all(|one| one.name != **name))
    {
        let known: Vec<&str> = catalogue().iter().map(|one| one.name).collect();
        return Err(
            Failure::new(ExitCode::Usage, format!("there is no hazard `{unknown}`"))
                .help(format!("there are {}", known.join(", "))),
        );
    }
    let wanted = |hazard: &&&'static Hazard| names.is_empty() || names.iter().any(|name| name == hazard.name);
    Ok(catalogue().iter().filter(wanted).copied().collect())
}

fn list(
    chosen: &[&'static Hazard],
    arguments: &HazardsArguments,
    screen: &Screen,
) -> Result<ExitCode, Failure> {
    let all: Vec<ListedHazard> = chosen
        .iter()
        .map(|hazard| listed(hazard, &arguments.target))
        .collect();
    print(&match arguments.format {
        TextFormat::Text => hazards_list(&all, &screen.style()),
        TextFormat::Json => hazards_list_json(&all),
    })?;
    Ok(ExitCode::Holds)
}

fn listed(hazard: &Hazard, target: &TargetSpec) -> ListedHazard {
    ListedHazard {
        name: hazard.name,
        title: hazard.title,
        risk: hazard.risk,
        mend: hazard.mend,
        sources: hazard.sources,
        absent: hazard.absent_on(target),
    }
}

struct Showing<'a> {
    arguments: &'a HazardsArguments,
    screen: &'a Screen,
}

impl Showing<'_> {
    /// All of them, one after the other; none if it was interrupted.
    fn run(&self, chosen: &[&'static Hazard]) -> Result<Option<HazardReport>, Failure> {
        let began = Instant::now();
        let interrupted = interrupt::flag()?;
        let folder = tempfile::Builder::new().prefix("highwater-hazards-").tempdir();
        let folder = folder.map_err(|error| {
            Failure::new(ExitCode::Infrastructure, format!("can't make a folder: {error}"))
        })?;
        let seed = self.arguments.seed.unwrap_or_else(fresh_seed);
        let target = &self.arguments.target;
        let nothing_runs = chosen.iter().all(|hazard| hazard.absent_on(target).is_some());
        let mut report = HazardReport {
            schema_version: HAZARDS_SCHEMA_VERSION,
            highwater_version: env!("CARGO_PKG_VERSION").to_owned(),
            target: target.to_string(),
            seed: format!("{seed:x}"),
            disarmed: self.arguments.disarm,
            lessons: Vec::new(),
            took_ns: 0,
        };
        if nothing_runs {
            report.lessons = chosen.iter().map(|hazard| hazard.left_out(target)).collect();
            return Ok(Some(report));
        }
        self.tell(&format!("starting {target}"));
        let options = StageOptions {
            target: target.clone(),
            dir: folder.path().to_owned(),
            highwater: own_path()?,
            kafka_home: self.arguments.kafka.kafka_home.clone(),
            seed,
            armed: !self.arguments.disarm,
            interrupted: Arc::clone(&interrupted),
        };
        let Some(mut stage) = unless_interrupted(Stage::open(options), &interrupted)? else {
            return Ok(None);
        };
        report.target = stage.description();
        if self.arguments.format == TextFormat::Text {
            print(&hazards_head(
                &report.target,
                &report.seed,
                report.disarmed,
                &self.screen.style(),
            ))?;
        }
        for (number, hazard) in (1..).zip(chosen) {
            self.tell(&format!("{number} of {}: {}", chosen.len(), hazard.name));
            let Some(lesson) = unless_interrupted(hazard.run(&mut stage), &interrupted)? else {
                return Ok(None);
            };
            self.show(&lesson)?;
            report.lessons.push(lesson);
        }
        drop(stage);
        report.took_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Ok(Some(report))
    }

    fn show(&self, lesson: &HazardLesson) -> Result<(), Failure> {
        let told = matches!(lesson.outcome, HazardOutcome::NotOnThisTarget { .. })
            && self.arguments.names.is_empty();
        match self.arguments.format {
            // The summary has a line about it.
            TextFormat::Text if told => Ok(()),
            TextFormat::Text => print(&hazard_lesson(lesson, NAMES, &self.screen.style())),
            TextFormat::Json => Ok(()),
        }
    }

    fn tell(&self, what: &str) {
        if !self.arguments.quiet {
            eprintln!("{what}");
        }
    }
}

/// None if it ended because it was asked to.
fn unless_interrupted<T>(
    result: Result<T, HazardError>,
    interrupted: &AtomicBool,
) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(_) if interrupted.load(Ordering::Relaxed) => Ok(None),
        Err(HazardError::Target(error)) => Err(error.into()),
        Err(HazardError::Proxy(error)) => Err(error.into()),
        Err(error) => Err(Failure::new(ExitCode::Infrastructure, with_sources(&error))),
    }
}

fn exit_code(report: &HazardReport, by_name: bool) -> ExitCode {
    let any = |so: &dyn Fn(&HazardOutcome) -> bool| report.lessons.iter().any(|one| so(&one.outcome));
    if any(&|one| matches!(one, HazardOutcome::NotReproduced | HazardOutcome::ControlFailed)) {
        ExitCode::Broken
    } else if any(&|one| matches!(one, HazardOutcome::Failed { .. })) {
        ExitCode::Infrastructure
    } else if by_name && any(&|one| matches!(one, HazardOutcome::NotOnThisTarget { .. })) {
        ExitCode::Inconclusive
    } else {
        ExitCode::Holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcomes: &[HazardOutcome]) -> HazardReport {
        let lesson = |outcome: &HazardOutcome| HazardLesson {
            name: "one".to_owned(),
            title: String::new(),
            risk: String::new(),
            mend: String::new(),
            sources: Vec::new(),
            outcome: outcome.clone(),
            open: None,
            control: None,
            took_ns: 0,
        };
        HazardReport {
            schema_version: HAZARDS_SCHEMA_VERSION,
            highwater_version: String::new(),
            target: String::new(),
            seed: String::new(),
            disarmed: false,
            lessons: outcomes.iter().map(lesson).collect(),
            took_ns: 0,
        }
    }

    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/hazards.md");

    #[test]
    fn the_document_is_written_from_the_catalogue() {
        let all: Vec<ListedHazard> = catalogue()
            .iter()
            .map(|hazard| listed(hazard, &TargetSpec::Dev))
            .collect();
        let written = highwater_report::hazards_markdown(&all);
        if std::env::var_os("HIGHWATER_RECORD").is_some() {
            std::fs::write(DOCUMENT, &written).unwrap();
        }
        let document = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
        assert!(
            document == written,
            "docs/hazards.md is not what the catalogue says; HIGHWATER_RECORD=1 writes it"
        );
    }

    #[test]
    fn the_worst_outcome_decides() {
        let why = String::new;
        let (absent, failed) = (
            HazardOutcome::NotOnThisTarget { why: why() },
            HazardOutcome::Failed { why: why() },
        );
        let (good, gone, open) = (
            HazardOutcome::Reproduced,
            HazardOutcome::NotReproduced,
            HazardOutcome::ControlFailed,
        );
        let cases = [
            (vec![good.clone()], false, ExitCode::Holds),
            (vec![good.clone(), absent.clone()], false, ExitCode::Holds),
            (vec![good.clone(), absent.clone()], true, ExitCode::Inconclusive),
            (vec![good.clone(), failed.clone()], true, ExitCode::Infrastructure),
            (vec![failed, gone], false, ExitCode::Broken),
            (vec![absent, open, good], true, ExitCode::Broken),
        ];
        for (outcomes, by_name, expected) in cases {
            assert_eq!(exit_code(&report(&outcomes), by_name), expected, "{outcomes:?}");
        }
    }
}
