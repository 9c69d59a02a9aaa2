//! Stands in for the `highwater` executable in the tests of this crate.
//!
//! ```text
//! exec-with-parent --parent PID -- COMMAND…   as `highwater` has it: becomes the supervised child
//! hold-kafka DIR, hold-kafka-3 DIR            starts Apache Kafka as a target, tells its pids, waits to be killed
//! up | up-3 | down | running                  Apache Kafka that stays
//! anything else                               fails with a line on its standard error
//! ```

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use highwater_target::{
    Postgres, PostgresOptions, Target, TargetError, TargetOptions, TargetSpec, UpInfo, UpOptions,
    clean_up_after, down, exec_with_parent, running, up_cdc, up_kafka,
};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let rest: Vec<OsString> = arguments.collect();
    let outcome = match mode.to_str() {
        Some("exec-with-parent") => become_command(&rest),
        Some("clean-up-after") => clean_up(&rest),
        Some("hold-postgres") => hold_postgres(&rest),
        Some("hold-kafka") => hold_kafka(&TargetSpec::Kafka, &rest),
        Some("hold-kafka-3") => hold_kafka(&TargetSpec::KafkaThree, &rest),
        Some("up") => up(false, up_kafka),
        Some("up-3") => up(true, up_kafka),
        Some("up-cdc") => up(false, up_cdc),
        Some("down") => end(),
        Some("running") => running()
            .iter()
            .try_for_each(|cluster| say(&words(&cluster.pids))),
        _ => {
            eprintln!("there is no broker in this program");
            return ExitCode::from(70);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(71)
        }
    }
}

fn become_command(arguments: &[OsString]) -> Result<(), TargetError> {
    match arguments {
        [_, parent, _, user, _, command @ ..] if arguments[2] == "--user" => {
            let user = user.to_str().and_then(|user| user.parse().ok());
            exec_with_parent(pid(parent), user, command).map(|never| match never {})
        }
        [_, parent, _, command @ ..] => {
            exec_with_parent(pid(parent), None, command).map(|never| match never {})
        }
        _ => Err(TargetError::ParentGone { parent: 0 }),
    }
}

fn clean_up(arguments: &[OsString]) -> Result<(), TargetError> {
    match arguments {
        [_, data] => clean_up_after(Path::new(data), None),
        [_, data, _, dir] => clean_up_after(Path::new(data), Some(Path::new(dir))),
        _ => Ok(()),
    }
}

fn pid(argument: &OsStr) -> u32 {
    argument.to_str().and_then(|pid| pid.parse().ok()).unwrap_or(0)
}

fn hold_kafka(spec: &TargetSpec, arguments: &[OsString]) -> Result<(), TargetError> {
    let options = TargetOptions {
        dir: arguments.first().map(PathBuf::from).unwrap_or_default(),
        highwater: this_program()?,
        bugs: Vec::new(),
        kafka_home: None,
        observer: Arc::new(|_| ()),
        interrupted: Arc::new(AtomicBool::new(false)),
    };
    let target = Target::start(spec, options)?;
    let pids: Vec<u32> = target.processes().iter().map(|process| process.pid).collect();
    say(&words(&pids))?;
    loop {
        std::thread::park();
    }
}

fn hold_postgres(arguments: &[OsString]) -> Result<(), TargetError> {
    let options = PostgresOptions {
        dir: arguments.first().map(PathBuf::from).unwrap_or_default(),
        highwater: this_program()?,
        binaries: None,
        port: None,
        settings: Vec::new(),
        observer: Arc::new(|_| ()),
        interrupted: Arc::new(AtomicBool::new(false)),
    };
    let database = Postgres::start(&options)?;
    let mut client = database.client(None)?;
    let row = client.query_one("SHOW data_directory", &[]);
    say(row.as_ref().map_or("none", |row| row.get(0)))?;
    loop {
        std::thread::park();
    }
}

fn up(three: bool, start: fn(&UpOptions) -> Result<UpInfo, TargetError>) -> Result<(), TargetError> {
    let options = UpOptions {
        highwater: this_program()?,
        kafka_home: None,
        port: None,
        three,
        observer: Arc::new(|event| eprintln!("{event:?}")),
        interrupted: Arc::new(AtomicBool::new(false)),
    };
    let up = start(&options)?;
    say(&format!(
        "{} {}",
        words(&up.pids),
        if up.already_running {
            "runs already"
        } else {
            "started"
        }
    ))
}

fn end() -> Result<(), TargetError> {
    let ended = down()?;
    if ended.is_empty() {
        return say("nothing");
    }
    ended
        .iter()
        .try_for_each(|one| say(&format!("{} ended", words(&one.pids))))
}

fn words(pids: &[u32]) -> String {
    let words: Vec<String> = pids.iter().map(u32::to_string).collect();
    words.join(",")
}

fn this_program() -> Result<PathBuf, TargetError> {
    std::env::current_exe().map_err(failed)
}

fn say(line: &str) -> Result<(), TargetError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(failed)
}

fn failed(source: std::io::Error) -> TargetError {
    TargetError::File {
        action: "use",
        path: PathBuf::from("this program"),
        source,
    }
}
