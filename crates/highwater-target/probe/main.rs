//! Stands in for the `highwater` executable in the tests of this crate.
//!
//! ```text
//! exec-with-parent --parent PID -- COMMAND…   as `highwater` has it: the supervised child
//! hold-kafka RUN_DIR                          starts Apache Kafka as a target, says so, and waits to be killed
//! broker …                                    no broker: fails with a line on its standard error
//! ```

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use highwater_target::{Target, TargetError, TargetOptions, TargetSpec, exec_with_parent};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let rest: Vec<OsString> = arguments.collect();
    let outcome = match mode.to_str() {
        Some("exec-with-parent") => become_command(&rest),
        Some("hold-kafka") => hold_kafka(&rest),
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

fn hold_kafka(arguments: &[OsString]) -> Result<(), TargetError> {
    let dir = arguments.first().map(PathBuf::from).unwrap_or_default();
    let source = |source| TargetError::File {
        action: "find",
        path: PathBuf::from("this program"),
        source,
    };
    let options = TargetOptions {
        dir,
        highwater: std::env::current_exe().map_err(source)?,
        bugs: Vec::new(),
        kafka_home: None,
        observer: Arc::new(|_| ()),
        interrupted: Arc::new(AtomicBool::new(false)),
    };
    let target = Target::start(&TargetSpec::Kafka, options)?;
    let mut out = std::io::stdout().lock();
    for process in target.processes() {
        writeln!(out, "{}", process.pid)
            .and_then(|()| out.flush())
            .map_err(source)?;
    }
    loop {
        std::thread::park();
    }
}
