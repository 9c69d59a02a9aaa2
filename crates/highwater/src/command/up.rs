//! `highwater up kafka`, `up kafka:3` and `highwater down`.

use std::sync::Arc;

use highwater_model::{ExitCode, ProcessState};
use highwater_target::{TargetEvent, UpOptions, down as stop_all, up_kafka};

use crate::arguments::KafkaArguments;
use crate::failure::Failure;
use crate::interrupt;

pub(crate) fn up(three: bool, arguments: KafkaArguments) -> Result<ExitCode, Failure> {
    let options = UpOptions {
        highwater: super::run::own_path()?,
        kafka_home: arguments.kafka_home,
        port: None,
        three,
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
        "{} {already}runs at {} ({})",
        up.description,
        up.bootstrap,
        processes(&up.pids)
    );
    for log in &up.logs {
        println!("  log   {}", log.display());
    }
    let target = if three { "kafka:3" } else { "kafka" };
    println!("  use   highwater run broker-restart --target {target} starts its own; to measure this one:");
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
            "stopped {} at {} ({})",
            one.description,
            one.bootstrap,
            processes(&one.pids)
        );
    }
    Ok(ExitCode::Holds)
}

fn processes(pids: &[u32]) -> String {
    let words: Vec<String> = pids.iter().map(u32::to_string).collect();
    let kind = if pids.len() == 1 { "process" } else { "processes" };
    format!("{kind} {}", words.join(", "))
}
