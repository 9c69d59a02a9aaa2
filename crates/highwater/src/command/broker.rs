//! `highwater broker`: the dev broker in the foreground.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use highwater_broker::{Broker, BrokerConfig, Bug, TransactionVersion};
use highwater_model::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::{BrokerArguments, BugArgument};
use crate::failure::Failure;

pub(crate) fn broker(arguments: &BrokerArguments) -> Result<ExitCode, Failure> {
    if arguments.bug.contains(&BugArgument::Help) {
        let line = |bug: Bug| format!("{bug:<30} {}\n", bug.description());
        super::run::print(&Bug::ALL.map(line).concat())?;
        return Ok(ExitCode::Holds);
    }
    if arguments.exit_with_parent {
        highwater_target::die_with_parent()?;
    }
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("HIGHWATER_LOG").unwrap_or_else(|_| "warn".into()),
        )
        .init();
    let fail = |error: std::io::Error| {
        Failure::new(
            ExitCode::Infrastructure,
            format!("can't start the broker: {error}"),
        )
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(fail)?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: &BrokerArguments) -> Result<ExitCode, Failure> {
    let bugs = arguments.bug.iter().filter_map(|bug| match bug {
        BugArgument::Bug(bug) => Some(*bug),
        BugArgument::Help => None,
    });
    let config = BrokerConfig {
        bugs: bugs.collect(),
        brokers: arguments.brokers,
        fsync: arguments.fsync,
        default_partitions: arguments.default_partitions,
        auto_create_topics: arguments.auto_create_topics,
        transaction_version: match arguments.transaction_version {
            1 => TransactionVersion::One,
            _ => TransactionVersion::Two,
        },
        transaction_partition_verification: arguments.transaction_partition_verification,
        cleaner_interval: Duration::from_millis(arguments.cleaner_interval_ms),
        retention_interval: Duration::from_millis(arguments.retention_interval_ms),
        ..BrokerConfig::new(arguments.listen, arguments.data_dir.clone())
    };
    let planted = config
        .bugs
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let failed = |error: highwater_broker::BrokerError| {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            text = format!("{text}: {inner}");
            source = inner.source();
        }
        use highwater_broker::BrokerError as Error;
        match error {
            Error::Config { .. } => Failure::new(ExitCode::Usage, text),
            Error::Listen { .. } => Failure::new(ExitCode::Infrastructure, text)
                .help("choose another address with --listen; port 0 takes a free one"),
            Error::DataDir { .. } => Failure::new(ExitCode::Infrastructure, text)
                .help("see who owns the file and what it is, or choose another directory with --data-dir"),
            _ => Failure::new(ExitCode::Infrastructure, text),
        }
    };
    let broker = Broker::bind(config).await.map_err(failed)?;
    announce(&broker, arguments, &planted);
    let signals = |error: std::io::Error| {
        Failure::new(ExitCode::Infrastructure, format!("can't handle signals: {error}"))
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    broker.serve(shutdown).await.map_err(failed)?;
    Ok(ExitCode::Holds)
}

/// The first line is read by the program that started the broker; the rest is for people.
fn announce(broker: &Broker, arguments: &BrokerArguments, planted: &str) {
    let mut out = std::io::stdout().lock();
    let addresses: Vec<String> = broker.addresses().iter().map(ToString::to_string).collect();
    // Nobody may be listening any more; the broker serves all the same.
    let _ = writeln!(out, "ready {}", addresses.join(","));
    if !arguments.exit_with_parent {
        let nodes = match addresses.len() {
            1 => "one node".to_owned(),
            nodes => format!("{nodes} nodes"),
        };
        let survives = if arguments.fsync {
            "of its process and of the machine"
        } else {
            "of its process, with --fsync also that of the machine"
        };
        let _ = writeln!(
            out,
            "Highwater dev broker: one process, {nodes}, for laptops, CI and proofs; data in {}.",
            arguments.data_dir.display()
        );
        let _ = writeln!(
            out,
            "What it has acknowledged survives the death {survives}. Replication is not simulated."
        );
        let _ = writeln!(out, "For real work use Apache Kafka. Ctrl-C ends it.");
    }
    if !planted.is_empty() {
        let _ = writeln!(out, "PLANTED DEFECTS: {planted}");
    }
    let _ = out.flush();
}
