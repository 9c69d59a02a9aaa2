//! `highwater prove`: a pipeline from its command line to its verdict.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use highwater_check::Delivery;
use highwater_check::pipeline::{Lineage, Source};
use highwater_model::history::{ExchangeId, HistoryBody, HistoryEvent, RequestFacts};
use highwater_model::{ExitCode, ProveReport};
use highwater_report::history::{Around, rows, sequence, svg};
use highwater_report::{Style, WirePictures, prove as text, prove_html, prove_json};
use highwater_scenario::config::SourceFile;
use highwater_scenario::prove::{Fault, ProveOptions, Schedule, prove as run};
use highwater_target::{TargetSpec, find_program, preflight};

use super::history::{NAMES, open};
use super::run::{default_directory, free_directory, fresh_seed, own_path, print, quoted};
use crate::arguments::{ProveArguments, TextFormat};
use crate::failure::Failure;
use crate::interrupt;
use crate::screen::Screen;

/// Rows before and after the event of an example.
const CONTEXT: usize = 6;
/// Time between two transactions of the feed that are aborted, where a contract is about transactions.
const ABORTED_EVERY: Duration = Duration::from_millis(700);
/// Largest schedule that is read.
const LARGEST_SCHEDULE: u64 = 1 << 20;

/// Puts a pipeline to the test.
pub(crate) fn prove(arguments: &ProveArguments, screen: &Screen) -> Result<ExitCode, Failure> {
    if arguments.list {
        return list();
    }
    let options = options(arguments)?;
    let report = run(&options, &mut |at, what| {
        if !arguments.quiet {
            eprintln!("{:>9.3} s  {what}", at.as_secs_f64());
        }
    });
    finish(report, &options.directory, arguments, screen)
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(ExitCode::Usage, message)
}

fn options(arguments: &ProveArguments) -> Result<ProveOptions, Failure> {
    let contract = arguments
        .contract
        .ok_or_else(|| usage("which contract? give --contract"))?;
    if contract.delivery == Delivery::NoAcknowledgedLoss {
        return Err(usage("no-acknowledged-loss is a promise of a cluster and not of a pipeline")
            .help("at-least-once is what a pipeline on such a cluster can promise; `highwater contracts` lists all"));
    }
    if let Some(both) = arguments
        .input
        .iter()
        .find(|topic| arguments.output.contains(topic))
    {
        return Err(usage(format!(
            "topic {both} is input and output: its records could not be told apart"
        )));
    }
    if !arguments.bug.is_empty() && arguments.target != TargetSpec::Dev {
        return Err(usage(format!(
            "defects can be planted in the dev broker only, not in {}",
            arguments.target
        )));
    }
    if !arguments.value.contains("{id}") && arguments.lineage.to_string().starts_with("same") {
        return Err(usage("--value has no {id}: two records could not be told apart"));
    }
    for topics in [&arguments.input, &arguments.output] {
        let mut seen = BTreeSet::new();
        if let Some(twice) = topics.iter().find(|topic| !seen.insert(topic.as_str())) {
            return Err(usage(format!("topic {twice} is named twice")));
        }
    }
    if matches!(arguments.lineage.source, Source::Key) {
        return Err(
            usage("outputs can't be led back by their key: many records that are fed share one")
                .help("name the input in the value or a header: json:/pointer, header:highwater-id"),
        );
    }
    if find_program(&arguments.command).is_err() {
        let name = arguments
            .command
            .first()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        return Err(usage(format!("can't start {name}: no such program")));
    }
    let schedule = match arguments.faults.as_str() {
        "default" => None,
        file => Some(schedule(Path::new(file))?),
    };
    let interrupted = interrupt::flag()?;
    preflight(
        &arguments.target,
        arguments.kafka.kafka_home.as_deref(),
        &interrupted,
    )?;
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    let directory = arguments
        .out
        .clone()
        .unwrap_or_else(|| free_directory(&default_directory("prove")));
    empty(&directory)?;
    Ok(ProveOptions {
        contract,
        inputs: arguments.input.clone(),
        outputs: arguments.output.clone(),
        lineage: arguments.lineage.clone(),
        pipeline: arguments.command.clone(),
        instances: arguments.instances,
        target: arguments.target.clone(),
        bugs: arguments.bug.iter().map(ToString::to_string).collect(),
        schedule,
        budget: arguments.budget,
        shrink: arguments.shrink,
        partitions: arguments.partitions,
        rate: arguments.rate,
        keys: arguments.keys,
        template: arguments.value.clone(),
        aborted_every: (contract.delivery == Delivery::ExactlyOnce).then_some(ABORTED_EVERY),
        seed,
        directory,
        keep: arguments.keep,
        highwater: own_path()?,
        kafka_home: arguments.kafka.kafka_home.clone(),
        command: again(arguments, seed),
        interrupted,
    })
}

/// The directory is made, and must be empty: results are never written over others.
fn empty(directory: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            ExitCode::Infrastructure,
            format!("can't write to {}: {error}", directory.display()),
        )
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    if std::fs::read_dir(directory).map_err(failed)?.next().is_some() {
        return Err(usage(format!("{} is not empty", directory.display())).help("give another --out"));
    }
    if let Some(parent) = directory
        .parent()
        .filter(|parent| parent.file_name().is_some_and(|name| name == "highwater-runs"))
        && !parent.join(".gitignore").exists()
    {
        std::fs::write(parent.join(".gitignore"), "*\n").map_err(failed)?;
    }
    Ok(())
}

fn schedule(file: &Path) -> Result<Schedule, Failure> {
    let unreadable =
        |why: &dyn std::fmt::Display| usage(format!("can't read the schedule {}: {why}", file.display()));
    let metadata = std::fs::metadata(file).map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(unreadable(&"it is no regular file"));
    }
    let size = metadata.len();
    if size > LARGEST_SCHEDULE {
        return Err(unreadable(&format!(
            "it has {size} bytes; at most {LARGEST_SCHEDULE} are taken"
        )));
    }
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(&error))?;
    let source = SourceFile {
        name: file.display().to_string(),
        text,
    };
    Schedule::parse(&source).map_err(|error| {
        unreadable(&error)
            .help("`highwater prove --list` lists the faults; a schedule has [[round]] with fault = \"…\"")
    })
}

fn list() -> Result<ExitCode, Failure> {
    let widest = Fault::ALL
        .iter()
        .map(|fault| fault.name().len())
        .max()
        .unwrap_or(0);
    let lines = Fault::ALL
        .iter()
        .map(|fault| format!("{:<widest$}  {}\n", fault.name(), fault.summary()));
    print(&lines.collect::<String>())?;
    Ok(ExitCode::Holds)
}

/// Adds what the wire shows, writes everything, prints.
fn finish(
    mut report: ProveReport,
    directory: &Path,
    arguments: &ProveArguments,
    screen: &Screen,
) -> Result<ExitCode, Failure> {
    let pictures = wire(&mut report);
    let page = directory.join("report.html");
    let plain = Style {
        color: false,
        width: 100,
    };
    let shown_page = page.display().to_string();
    let json = prove_json(&report)?;
    let files = [
        ("report.html", prove_html(&report, &pictures)),
        ("report.txt", text(&report, &plain, Some(&shown_page))),
        ("report.json", json.clone()),
    ];
    // Shown even if the disk is full.
    print(&match arguments.format {
        TextFormat::Text => text(&report, &screen.style(), Some(&shown_page)),
        TextFormat::Json => json,
    })?;
    for (name, text) in files {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(|error| {
            Failure::new(
                ExitCode::Infrastructure,
                format!("can't write {}: {error}", path.display()),
            )
        })?;
    }
    Ok(report.exit_code)
}

/// Draws the exchange that shows each example.
fn wire(report: &mut ProveReport) -> WirePictures {
    let mut pictures = WirePictures::new();
    let Some(history) = report.history.clone() else {
        return pictures;
    };
    let style = Style {
        color: false,
        width: 94,
    };
    for (at, anomaly) in report.anomalies.iter_mut().enumerate() {
        for (example_at, example) in anomaly.examples.iter_mut().enumerate() {
            let Some(event) = example.event else { continue };
            let Ok(events) = open(Path::new(&history)) else {
                return pictures;
            };
            let mut quiet = BTreeSet::new();
            let events =
                events.filter(|event| event.as_ref().map_or(true, |event| is_told(event, &mut quiet)));
            if let Some(rows) = rows(events, &Around::Event(event), CONTEXT, NAMES) {
                example.wire = sequence(&rows, &style);
                pictures.push((at, example_at, svg(&rows)));
            }
        }
    }
    pictures
}

/// Whether an event says something about a record. Fetches are told in the story; there are too many of them between
/// two events of interest. `quiet`: requests that are not told, so that their answers are not either.
fn is_told(event: &HistoryEvent, quiet: &mut BTreeSet<ExchangeId>) -> bool {
    match &event.body {
        HistoryBody::Request { exchange, facts, .. } => {
            let told = !matches!(
                facts,
                RequestFacts::Fetch(_)
                    | RequestFacts::Heartbeat(_)
                    | RequestFacts::FindCoordinator { .. }
                    | RequestFacts::ListOffsets { .. }
                    | RequestFacts::Other
            );
            if !told {
                quiet.insert(*exchange);
            }
            told
        }
        HistoryBody::Response { exchange, .. } => !quiet.remove(exchange),
        _ => true,
    }
}

/// The command that does the same again.
fn again(arguments: &ProveArguments, seed: u64) -> String {
    let mut words = vec![
        std::env::var("HIGHWATER_COMMAND").map_or_else(|_| "highwater".to_owned(), |typed| quoted(&typed)),
        "prove".to_owned(),
    ];
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), quoted(&value)]);
    if let Some(contract) = arguments.contract {
        option("--contract", contract.to_string().replace(' ', ""));
    }
    arguments
        .input
        .iter()
        .for_each(|topic| option("--input", topic.clone()));
    arguments
        .output
        .iter()
        .for_each(|topic| option("--output", topic.clone()));
    if arguments.lineage.to_string() != Lineage::default().to_string() {
        option("--lineage", arguments.lineage.to_string());
    }
    if arguments.target != TargetSpec::Dev {
        option("--target", arguments.target.to_string());
    }
    if arguments.faults != "default" {
        option("--faults", arguments.faults.clone());
    }
    option("--budget", format!("{}s", arguments.budget.as_secs_f64()));
    if arguments.instances != 1 {
        option("--instances", arguments.instances.to_string());
    }
    if arguments.rate != 500.0 {
        option("--rate", arguments.rate.to_string());
    }
    if arguments.keys != 50 {
        option("--keys", arguments.keys.to_string());
    }
    if arguments.partitions != 3 {
        option("--partitions", arguments.partitions.to_string());
    }
    if arguments.value != highwater_load::feed::TEMPLATE {
        option("--value", arguments.value.clone());
    }
    arguments
        .bug
        .iter()
        .for_each(|bug| option("--bug", bug.to_string()));
    option("--seed", format!("{seed:x}"));
    words.push("--".to_owned());
    words.extend(
        arguments
            .command
            .iter()
            .map(|word| quoted(&word.to_string_lossy())),
    );
    words.join(" ")
}
