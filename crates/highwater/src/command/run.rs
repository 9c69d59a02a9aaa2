//! `highwater run` and `highwater demo`: a run from its arguments to its exit code.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use highwater_broker::Bug;
use highwater_model::{Event, ExitCode, Report};
use highwater_report::{Format, Live, render, terminal, write_all};
use highwater_scenario::config::Set;
use highwater_scenario::suites::{self, Chosen};
use highwater_scenario::{Run, RunOptions, planned};
use highwater_target::TargetSpec;

use crate::arguments::RunArguments;
use crate::failure::Failure;
use crate::interrupt;
use crate::screen::Screen;

/// The live view moves its clock this often while no event comes.
const REFRESH: Duration = Duration::from_millis(100);

/// Runs what is asked for and shows the result.
pub(crate) fn run(
    what: &str,
    only: Option<&str>,
    arguments: &RunArguments,
    screen: &Screen,
) -> Result<ExitCode, Failure> {
    let chosen = suites::choose(what, only)?;
    let sets = suites::sets(&arguments.set)?;
    if arguments.explain_config {
        return explain(&chosen, &sets, arguments);
    }
    let target = super::secured::target(&arguments.target, &arguments.access)?;
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    let name = only.unwrap_or(what);
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| free_directory(&default_directory(name)));
    let options = RunOptions {
        name: name.to_owned(),
        target,
        command: command_again(what, only, arguments, seed),
        seed,
        repeat: arguments.repeat,
        quick: arguments.quick,
        keep: arguments.keep,
        highwater: own_path()?,
        kafka_home: arguments.kafka.kafka_home.clone(),
        hooks: arguments.hook.iter().cloned().collect(),
        interrupted: interrupt::flag()?,
        known_bugs: Bug::ALL.iter().map(ToString::to_string).collect(),
        out: out.clone(),
    };
    let run = Run::prepare(options, &chosen, &sets).inspect_err(|_| {
        if arguments.out.is_none() {
            // Only if it is empty: nothing was started.
            let _ = std::fs::remove_dir(&out);
        }
    })?;
    let report = with_live_view(screen, arguments.quiet, |observer| run.execute(observer))??;
    // Every format is written even if one fails: results are never lost to a later step.
    let written = write_all(&out, &report, &super::history::diagrams(&out, &report));
    show(&report, arguments.format, &out, screen)?;
    if let Err(error) = written {
        return Err(Failure::from(error).help(format!(
            "what was measured is in {}",
            out.join("events.jsonl").display()
        )));
    }
    Ok(report.exit_code)
}

/// Shows a run while it goes on; the view is cleared on every way out.
fn with_live_view<T>(
    screen: &Screen,
    quiet: bool,
    work: impl FnOnce(Box<dyn FnMut(&Event) + Send>) -> T,
) -> Result<T, Failure> {
    let live = Arc::new(Mutex::new(Live::new(Box::new(io::stderr()), screen.live(quiet))));
    let done = Arc::new(AtomicBool::new(false));
    let refresher = {
        let (live, done, began) = (Arc::clone(&live), Arc::clone(&done), Instant::now());
        thread::Builder::new().name("live-view".into()).spawn(move || {
            while !done.load(Ordering::Relaxed) {
                live.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .refresh(began.elapsed().as_nanos() as u64);
                thread::sleep(REFRESH);
            }
        })
    }
    .map_err(|error| Failure::new(ExitCode::Infrastructure, format!("can't start a thread: {error}")))?;
    let shown = Arc::clone(&live);
    let result = work(Box::new(move |event| {
        shown.lock().unwrap_or_else(PoisonError::into_inner).event(event);
    }));
    done.store(true, Ordering::Relaxed);
    let _ = refresher.join();
    live.lock().unwrap_or_else(PoisonError::into_inner).finish();
    Ok(result)
}

fn show(report: &Report, format: Format, out: &Path, screen: &Screen) -> Result<(), Failure> {
    let text = match format {
        Format::Terminal => terminal(report, &screen.style(), Some(&out.join("report.html"))),
        format => render(format, report, &screen.style())?,
    };
    print(&text)
}

/// This program on disk, to start children through it.
pub(crate) fn own_path() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| {
        Failure::new(
            ExitCode::Infrastructure,
            format!("can't find this program on disk: {error}"),
        )
    })
}

/// Writes to standard output; a reader that has gone away (`| head`) is no error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(end.as_bytes()))
        .and_then(|()| out.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            ExitCode::Infrastructure,
            format!("can't write to standard output: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Each setting with where it came from.
fn explain(chosen: &[Chosen], sets: &[Set], arguments: &RunArguments) -> Result<ExitCode, Failure> {
    let mut text = String::new();
    for chosen in chosen {
        let plan = planned(chosen, arguments.quick, sets, &arguments.target)?;
        text += &format!("{}\n", plan.scenario().name);
        let widest = plan.resolved.settings.keys().map(String::len).max().unwrap_or(0);
        for (key, setting) in &plan.resolved.settings {
            text += &format!("  {key:<widest$}  {}   # {}\n", setting.value, setting.origin);
        }
    }
    print(&text)?;
    Ok(ExitCode::Holds)
}

/// 24 bits are enough to tell runs apart and short enough to type.
pub(crate) fn fresh_seed() -> u64 {
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as u64);
    (nanos ^ u64::from(std::process::id()) << 20).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
}

pub(crate) fn default_directory(name: &str) -> PathBuf {
    let time = jiff::Zoned::now().strftime("%Y-%m-%d-%H%M%S").to_string();
    let plain: String = name
        .trim_end_matches(".toml")
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '-'
            }
        })
        .collect();
    Path::new("highwater-runs").join(format!("{time}-{}", plain.trim_matches('-')))
}

/// The directory, or the same with a number behind it if another run of the same second has taken it.
pub(crate) fn free_directory(wanted: &Path) -> PathBuf {
    let numbered = |number: u32| match number {
        1 => wanted.to_owned(),
        number => PathBuf::from(format!("{}-{number}", wanted.display())),
    };
    // Making it takes it; an error that is not "exists" is told when the run prepares its directory.
    let taken = |path: &PathBuf| {
        let made = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::create_dir(path));
        made.is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists)
    };
    (1..100)
        .map(numbered)
        .find(|path| !taken(path))
        .unwrap_or_else(|| wanted.to_owned())
}

/// The command that runs the same again, with the seed that was used.
fn command_again(what: &str, only: Option<&str>, arguments: &RunArguments, seed: u64) -> String {
    let mut words = vec![
        std::env::var("HIGHWATER_COMMAND").map_or_else(|_| "highwater".to_owned(), |typed| quoted(&typed)),
    ];
    match (what, only) {
        ("demo", None) => words.push("demo".into()),
        _ => words.extend(["run".into(), quoted(what)]),
    }
    if let Some(only) = only {
        words.extend(["--scenario".into(), quoted(only)]);
    }
    if arguments.target != TargetSpec::Dev {
        words.extend(["--target".into(), quoted(&arguments.target.to_string())]);
    }
    for (name, command) in &arguments.hook {
        words.extend(["--hook".into(), quoted(&format!("{name}={command}"))]);
    }
    words.extend(arguments.access.words());
    for set in &arguments.set {
        words.extend(["--set".into(), quoted(set)]);
    }
    if arguments.repeat > 1 {
        words.extend(["--repeat".into(), arguments.repeat.to_string()]);
    }
    if arguments.quick {
        words.push("--quick".into());
    }
    words.extend(["--seed".into(), format!("{seed:x}")]);
    words.join(" ")
}

/// Quotes a word for a shell if it needs it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_the_shell_where_needed() {
        assert_eq!(quoted("load.rate=500/s"), "load.rate=500/s");
        assert_eq!(
            quoted("thresholds=[\"lost == 0\"]"),
            "'thresholds=[\"lost == 0\"]'"
        );
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn seeds_are_short() {
        assert!(fresh_seed() < 1 << 24);
    }
}
