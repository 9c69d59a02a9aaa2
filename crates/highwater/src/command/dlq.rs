//! `highwater dlq`: dead letters.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use highwater_load::letters::{self, Dead, Desk, Redrive, Redriven, Selection, is_dead_letter_topic};
use highwater_load::{LoadError, admin};
use highwater_model::{DeadLetter, DeadLetterCause, DeadLetterTopic, ExitCode};
use highwater_report::{dead_letter_json, dead_letter_text, dead_letters_json, dead_letters_text};
use highwater_target::TargetSpec;

use super::run::print;
use super::secured;
use crate::arguments::{
    AccessArguments, BootstrapArguments, DlqCommand, DlqDiscardArguments, DlqListArguments,
    DlqRedriveArguments, DlqShowArguments, Selected,
};
use crate::failure::{Failure, with_sources};
use crate::interrupt;
use crate::screen::Screen;

/// How long the list of topics may take.
const ANSWER: Duration = Duration::from_secs(20);
/// Causes of one topic that are told apart; more are counted together.
const CAUSES_MAX: usize = 1_000;
/// Characters of an error that tell causes apart.
const ERROR_MAX: usize = 200;
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Source, group and error.
type Kind = (Option<String>, Option<String>, Option<String>);

/// Carries out a command.
pub(crate) fn dlq(command: &DlqCommand, screen: &Screen) -> Result<ExitCode, Failure> {
    let interrupted = interrupt::flag()?;
    match command {
        DlqCommand::List(arguments) => list(arguments, screen, &interrupted),
        DlqCommand::Show(arguments) => show(arguments, screen, &interrupted),
        DlqCommand::Redrive(arguments) => redrive(arguments, &interrupted),
        DlqCommand::Discard(arguments) => discard(arguments, &interrupted),
    }
}

/// The cluster's address, from now on reached as the file says.
fn admitted<'a>(bootstrap: &'a BootstrapArguments, access: &AccessArguments) -> Result<&'a str, Failure> {
    secured::target(&TargetSpec::Bootstrap(bootstrap.bootstrap.clone()), access)?;
    Ok(&bootstrap.bootstrap)
}

fn failed(error: &LoadError) -> Failure {
    let failure = Failure::new(ExitCode::Infrastructure, with_sources(error));
    match error.remedy() {
        Some(remedy) => failure.help(remedy),
        None => failure,
    }
}

fn list(
    arguments: &DlqListArguments,
    screen: &Screen,
    interrupted: &AtomicBool,
) -> Result<ExitCode, Failure> {
    let bootstrap = admitted(&arguments.bootstrap, &arguments.access)?;
    let names = match arguments.topics.as_slice() {
        [] => {
            let all = admin::topics(bootstrap, ANSWER).map_err(|error| failed(&error))?;
            all.into_iter()
                .filter(|name| is_dead_letter_topic(name))
                .collect()
        }
        named => named.to_vec(),
    };
    let mut topics = Vec::new();
    for name in names {
        topics.push(counted(bootstrap, &name, interrupted).map_err(|error| failed(&error))?);
    }
    print(&if arguments.json {
        dead_letters_json(&topics)?
    } else {
        dead_letters_text(&topics, &screen.style())
    })?;
    Ok(ExitCode::Holds)
}

fn counted(bootstrap: &str, name: &str, interrupted: &AtomicBool) -> Result<DeadLetterTopic, LoadError> {
    let mut desk = Desk::open(bootstrap, name)?;
    let mut causes: BTreeMap<Kind, DeadLetterCause> = BTreeMap::new();
    let mut waiting = 0;
    desk.begin(false);
    while let Some(dead) = desk.next(interrupted)? {
        waiting += 1;
        let at_ms = dead.timestamp_ms;
        let letter = told(dead);
        let error = letter
            .errors
            .first()
            .map(|error| error.chars().take(ERROR_MAX).collect::<String>());
        let mut kind = (letter.source.clone(), letter.group.clone(), error);
        if causes.len() >= CAUSES_MAX && !causes.contains_key(&kind) {
            kind = (None, None, Some("other errors".to_owned()));
        }
        let cause = causes.entry(kind.clone()).or_insert_with(|| DeadLetterCause {
            source: kind.0,
            group: kind.1,
            error: kind.2,
            oldest_ms: at_ms,
            example: (letter.partition, letter.offset),
            ..DeadLetterCause::default()
        });
        cause.count += 1;
        cause.oldest_ms = cause.oldest_ms.min(at_ms);
        cause.youngest_ms = cause.youngest_ms.max(at_ms);
    }
    let mut causes: Vec<DeadLetterCause> = causes.into_values().collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
    Ok(DeadLetterTopic {
        topic: name.to_owned(),
        waiting,
        causes,
    })
}

fn show(
    arguments: &DlqShowArguments,
    screen: &Screen,
    interrupted: &AtomicBool,
) -> Result<ExitCode, Failure> {
    let (mut desk, selection) = opened(&arguments.selected)?;
    let mut shown = 0;
    let mut more = false;
    desk.begin(arguments.all);
    while let Some(dead) = desk.next(interrupted).map_err(|error| failed(&error))? {
        if !selection.takes(&dead) {
            continue;
        }
        if shown == arguments.limit {
            more = true;
            break;
        }
        let letter = told(dead);
        print(&if arguments.json {
            dead_letter_json(&letter)?
        } else {
            dead_letter_text(&letter, &screen.style())
        })?;
        shown += 1;
    }
    if shown == 0 {
        eprintln!(
            "no such letter{}",
            if arguments.all {
                ""
            } else {
                " waits; --all also shows those that were seen to"
            }
        );
    }
    if more {
        eprintln!("and more: --limit shows more than {}", arguments.limit);
    }
    Ok(ExitCode::Holds)
}

fn redrive(arguments: &DlqRedriveArguments, interrupted: &AtomicBool) -> Result<ExitCode, Failure> {
    let (mut desk, selection) = opened(&arguments.selected)?;
    let options = Redrive {
        selection,
        to: arguments.to.clone(),
        per_s: arguments.rate,
        limit: arguments.limit,
        dry_run: arguments.dry_run,
    };
    let mut journal = Journal::open(arguments.journal.as_deref(), arguments.dry_run)?;
    let mut told_at = Instant::now();
    let done = letters::redrive(
        &arguments.selected.bootstrap.bootstrap,
        &mut desk,
        &options,
        &mut journal.writer,
        interrupted,
        &mut |acknowledged| {
            if told_at.elapsed() >= TELL_EVERY {
                told_at = Instant::now();
                eprintln!("{acknowledged} redriven");
            }
        },
    );
    journal.close()?;
    let redriven = done.map_err(|error| failed(&error))?;
    print(&in_words(&redriven, arguments.dry_run, &journal))?;
    Ok(ExitCode::Holds)
}

fn discard(arguments: &DlqDiscardArguments, interrupted: &AtomicBool) -> Result<ExitCode, Failure> {
    let (mut desk, selection) = opened(&arguments.selected)?;
    let mut journal = Journal::open(arguments.journal.as_deref(), arguments.dry_run)?;
    let done = letters::discard(
        &mut desk,
        &selection,
        arguments.dry_run,
        &mut journal.writer,
        interrupted,
    );
    journal.close()?;
    let discarded = done.map_err(|error| failed(&error))?;
    let text = match arguments.dry_run {
        true => format!("would be discarded: {discarded}\n"),
        false => format!(
            "discarded: {discarded}; they stay in {}\n{}",
            desk.topic(),
            journal.told()
        ),
    };
    print(&text)?;
    Ok(ExitCode::Holds)
}

fn opened(selected: &Selected) -> Result<(Desk, Selection), Failure> {
    let bootstrap = admitted(&selected.bootstrap, &selected.access)?;
    let desk = Desk::open(bootstrap, &selected.topic).map_err(|error| failed(&error))?;
    let selection = Selection {
        partitions: selected.partition.iter().copied().collect(),
        offset: selected.offset,
        key: selected.key.as_ref().map(|key| key.clone().into_bytes()),
        source: selected.source.clone(),
        error: selected.error.clone(),
    };
    Ok((desk, selection))
}

fn in_words(redriven: &Redriven, dry_run: bool, journal: &Journal) -> String {
    let mut text = String::new();
    let sent: u64 = redriven.sent.values().sum();
    let word = if dry_run { "would be redriven" } else { "redriven" };
    text += &format!("{word}: {sent}\n");
    for (topic, count) in &redriven.sent {
        text += &format!("  {count} to {topic}\n");
    }
    for (count, why) in [
        (redriven.left_out, "not meant"),
        (redriven.behind, "stay, because an earlier one of their key does"),
        (
            redriven.homeless,
            "stay, as their headers do not say where they were; --to TOPIC says it",
        ),
    ] {
        if count > 0 {
            text += &format!("{count} {why}\n");
        }
    }
    for (partition, offset, why) in &redriven.staying {
        text += &format!("  {partition}@{offset}: {why}\n");
    }
    text + &journal.told()
}

/// The record of what was done.
struct Journal {
    path: Option<PathBuf>,
    writer: Box<dyn Write>,
}

impl Journal {
    fn open(path: Option<&Path>, dry_run: bool) -> Result<Self, Failure> {
        if dry_run {
            return Ok(Self {
                path: None,
                writer: Box::new(io::sink()),
            });
        }
        let path = path.map_or_else(
            || {
                PathBuf::from(format!(
                    "highwater-dlq-{}.jsonl",
                    jiff::Zoned::now().strftime("%Y-%m-%d-%H%M%S")
                ))
            },
            Path::to_path_buf,
        );
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(|error| {
            Failure::new(
                ExitCode::Infrastructure,
                format!("{}: can't be written: {error}", path.display()),
            )
            .help("name another file with --journal FILE; nothing was sent")
        })?;
        Ok(Self {
            path: Some(path),
            writer: Box::new(BufWriter::new(file)),
        })
    }

    fn close(&mut self) -> Result<(), Failure> {
        self.writer
            .flush()
            .map_err(|error| failed(&LoadError::Journal(error)))
    }

    fn told(&self) -> String {
        match &self.path {
            Some(path) => format!("what was done: {}\n", path.display()),
            None => String::new(),
        }
    }
}

fn told(dead: Dead) -> DeadLetter {
    let letter = dead.letter;
    let of = letter.as_ref();
    let mut errors: Vec<String> = of.and_then(|letter| letter.message.clone()).into_iter().collect();
    for cause in of.map_or(&[][..], |letter| &letter.chain) {
        if !errors.contains(cause) {
            errors.push(cause.clone());
        }
    }
    DeadLetter {
        topic: dead.topic,
        partition: dead.partition,
        offset: dead.offset,
        at_ms: dead.timestamp_ms,
        done: dead.done,
        family: of.map(|letter| format!("{:?}", letter.family)),
        source: of.and_then(|letter| letter.topic.clone()),
        source_partition: of.and_then(|letter| letter.partition),
        source_offset: of.and_then(|letter| letter.offset),
        group: of.and_then(|letter| letter.group.clone()),
        attempts: of.and_then(|letter| letter.attempts),
        errors,
        key: dead.key,
        value: dead.value,
        headers: dead.headers,
    }
}
