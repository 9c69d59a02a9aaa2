//! Stands in for the `highwater` executable in the tests of this crate.
//!
//! ```text
//! exec-with-parent --parent PID -- COMMAND…   as `highwater` has it: becomes the supervised child
//! hold-kafka DIR, hold-kafka-3 DIR            starts Apache Kafka as a target, tells its pids, waits to be killed
//! up | up-3 | down | running                  Apache Kafka that stays
//! anything else                               fails with a line on its standard error
//! ```

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use highwater_target::{
    Target, TargetError, TargetOptions, TargetSpec, UpOptions, down, exec_with_parent, running, up_kafka,
};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let rest: Vec<OsString> = arguments.collect();
    let outcome = match mode.to_str() {
        Some("exec-with-parent") => become_command(&rest),
        Some("hold-kafka") => hold_kafka(&TargetSpec::Kafka, &rest),
        Some("hold-kafka-3") => hold_kafka(&TargetSpec::KafkaThree, &rest),
        Some("up") => up(false),
        Some("up-3") => up(true),
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
        [_, parent, _, command @ ..] => {
            let parent = parent.to_str().and_then(|pid| pid.parse().ok()).unwrap_or(0);
            exec_with_parent(parent, command).map(|never| match never {})
        }
        _ => Err(TargetError::ParentGone { parent: 0 }),
    }
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

fn up(three: bool) -> Result<(), TargetError> {
    let options = UpOptions {
        highwater: this_program()?,
        kafka_home: None,
        port: None,
        three,
        observer: Arc::new(|event| eprintln!("{event:?}")),
        interrupted: Arc::new(AtomicBool::new(false)),
    };
    let up = up_kafka(&options)?;
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
