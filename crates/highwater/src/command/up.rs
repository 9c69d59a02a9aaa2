//! `highwater up kafka`, `up kafka:3`, `up cdc` and `highwater down`.

use std::sync::Arc;

use highwater_model::{ExitCode, ProcessState};
use highwater_target::{TargetEvent, UpInfo, UpOptions, down as stop_all, up_cdc, up_kafka};

use crate::arguments::{KafkaArguments, Upable};
use crate::failure::Failure;
use crate::interrupt;

pub(crate) fn up(what: Upable, arguments: KafkaArguments) -> Result<ExitCode, Failure> {
    let options = UpOptions {
        highwater: super::run::own_path()?,
        kafka_home: arguments.kafka_home,
        port: None,
        three: what == Upable::KafkaThree,
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
    let up = match what {
        Upable::Kafka | Upable::KafkaThree => up_kafka(&options)?,
        Upable::Cdc => up_cdc(&options)?,
    };
    match what {
        Upable::Kafka | Upable::KafkaThree => tell_of_kafka(what, &up),
        Upable::Cdc => tell_of_cdc(&up),
    }
    Ok(ExitCode::Holds)
}

fn already(up: &UpInfo) -> &'static str {
    if up.already_running { "already " } else { "" }
}

fn tell_of_kafka(what: Upable, up: &UpInfo) {
    let already = already(up);
    println!(
        "{} {already}runs at {} ({})",
        up.description,
        up.bootstrap,
        processes(&up.pids)
    );
    for log in &up.logs {
        println!("  log   {}", log.display());
    }
    let target = if what == Upable::KafkaThree {
        "kafka:3"
    } else {
        "kafka"
    };
    println!("  use   highwater run broker-restart --target {target} starts its own; to measure this one:");
    println!(
        "        highwater run throughput --target bootstrap:{}",
        up.bootstrap
    );
    println!("  stop  highwater down");
}

fn tell_of_cdc(up: &UpInfo) {
    let already = already(up);
    println!("change data capture {already}runs ({})", processes(&up.pids));
    println!("  {:<12}  {} at {}", "Kafka", up.description, up.bootstrap);
    let (database, connector) = (up.parts.first(), up.parts.get(1));
    if let Some(database) = database {
        println!(
            "  {:<12}  {}; tables videos, users, comments",
            "database", database.description
        );
        println!("  {:<12}  {}", "", database.url);
    }
    if let Some(connector) = connector {
        println!("  {:<12}  {}", "connector", connector.description);
        println!("  {:<12}  {}", "", connector.url);
    }
    for (at, log) in up.logs.iter().enumerate() {
        println!("  {:<12}  {}", if at == 0 { "logs" } else { "" }, log.display());
    }
    println!("  {:<12}  change a row and see it arrive:", "try");
    if let Some(database) = database {
        println!(
            "  {:<12}  psql '{}' -c \"UPDATE users SET name = 'lovelace' WHERE id = 1\"",
            "", database.url
        );
    }
    println!(
        "  {:<12}  kcat -b {} -t highwater_sample.public.users -C -e",
        "", up.bootstrap
    );
    if let Some(connector) = connector {
        println!("  {:<12}  curl {}/status", "", connector.url);
    }
    println!("  {:<12}  highwater down, which also removes the data", "stop");
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
