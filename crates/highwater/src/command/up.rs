//! `highwater up kafka` and `highwater down`.

use std::sync::Arc;

use highwater_model::{ExitCode, ProcessState};
use highwater_target::{TargetEvent, UpOptions, down as stop_all, up_kafka};

use crate::arguments::KafkaArguments;
use crate::failure::Failure;
use crate::interrupt;

pub(crate) fn up(arguments: KafkaArguments) -> Result<ExitCode, Failure> {
    let options = UpOptions {
        highwater: super::run::own_path()?,
        kafka_home: arguments.kafka_home,
        port: None,
        observer: Arc::new(|event| match event {
            TargetEvent::Process {
                process,
                state: ProcessState::Installing | ProcessState::Starting,
                detail,
                ..
            } => {
                eprintln!("{process}: {detail}");
            }
            TargetEvent::Process { .. } => {}
            TargetEvent::Notice { text, .. } => eprintln!("{text}"),
        }),
        interrupted: interrupt::flag()?,
    };
    let up = up_kafka(&options)?;
    let already = if up.already_running { "already " } else { "" };
    println!(
        "{} {already}runs at {} (process {})",
        up.description, up.bootstrap, up.pid
    );
    println!("  log   {}", up.log.display());
    println!("  use   highwater run broker-restart --target kafka starts its own; to measure this one:");
    println!(
        "        highwater run throughput --target bootstrap:{}",
        up.bootstrap
    );
    println!("  stop  highwater down");
    Ok(ExitCode::Holds)
}

pub(crate) fn down() -> Result<ExitCode, Failure> {
    let stopped = stop_all()?;
    if stopped.is_empty() {
        println!("nothing to stop: `highwater up` started nothing that still runs");
    }
    for one in stopped {
        println!(
            "stopped {} at {} (process {})",
            one.description, one.bootstrap, one.pid
        );
    }
    Ok(ExitCode::Holds)
}
