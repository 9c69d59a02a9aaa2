//! `highwater up kafka`, `up kafka:3`, `up cdc` and `highwater down`.

use std::sync::Arc;

use highwater_model::{ExitCode, ProcessState};
use highwater_target::{TargetEvent, UpInfo, UpOptions, down as stop_all, up_cdc, up_kafka};

use super::run::print;
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
    print(&match what {
        Upable::Kafka | Upable::KafkaThree => about_kafka(what, &up),
        Upable::Cdc => about_cdc(&up),
    })?;
    Ok(ExitCode::Holds)
}

fn already(up: &UpInfo) -> &'static str {
    if up.already_running { "already " } else { "" }
}

fn about_kafka(what: Upable, up: &UpInfo) -> String {
    let (already, pids) = (already(up), processes(&up.pids));
    let mut text = format!("{} {already}runs at {} ({pids})\n", up.description, up.bootstrap);
    for log in &up.logs {
        text += &format!("  log   {}\n", log.display());
    }
    let target = if what == Upable::KafkaThree {
        "kafka:3"
    } else {
        "kafka"
    };
    text += &format!(
        "  use   highwater run broker-restart --target {target} starts its own; to measure this one:\n        \
         highwater run throughput --target bootstrap:{}\n  stop  highwater down\n",
        up.bootstrap
    );
    text
}

fn about_cdc(up: &UpInfo) -> String {
    let mut text = format!(
        "{} {}run ({})\n",
        up.description,
        already(up),
        processes(&up.pids)
    );
    let mut line = |name: &str, words: &str| text += &format!("  {name:<9}  {words}\n");
    line("Kafka", &up.bootstrap);
    let (database, connector) = (up.parts.first(), up.parts.get(1));
    if let Some(database) = database {
        line("database", &database.url);
        line("", "tables videos, users, comments");
    }
    if let Some(connector) = connector {
        line("connector", &connector.url);
    }
    let mut name = "logs";
    for log in &up.logs {
        line(name, &log.display().to_string());
        name = "";
    }
    line("try", "change a row and see it arrive:");
    if let Some(database) = database {
        let change = "UPDATE users SET name = 'lovelace' WHERE id = 1";
        line("", &format!("psql '{}' -c \"{change}\"", database.url));
    }
    line(
        "",
        &format!("kcat -b {} -t highwater_sample.public.users -C -e", up.bootstrap),
    );
    if let Some(connector) = connector {
        line("", &format!("curl {}/status", connector.url));
    }
    line("stop", "highwater down, which also removes the data");
    text
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
