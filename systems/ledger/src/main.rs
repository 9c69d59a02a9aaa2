//! `ledger serve`: one instance of the bank.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use ledger::serve::{Settings, serve};

/// A small bank of accounts, event-sourced on Kafka.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run one instance; several share the accounts
    Serve(Serve),
}

#[derive(Args)]
struct Serve {
    /// The cluster, as host:port, or several with commas
    #[arg(long, default_value = "127.0.0.1:9092", value_name = "HOST:PORT")]
    bootstrap: String,
    /// What topics, the group and transactional ids are named after
    #[arg(long, default_value = "ledger")]
    name: String,
    /// Partitions of topics that have to be made; it can't be changed later
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..=1_000))]
    partitions: i32,
    /// Replicas of topics that have to be made
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=9))]
    replicas: i32,
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// How clients of other instances reach this one, if not at the address where it listens
    #[arg(long)]
    url: Option<String>,
    /// Where projections are kept; each instance needs its own
    #[arg(long, default_value = "ledger-data")]
    directory: PathBuf,
    /// How long a window waits for more requests, in milliseconds
    #[arg(long, default_value_t = 2, value_name = "MS", value_parser = clap::value_parser!(u64).range(0..=1_000))]
    linger_ms: u64,
    /// A setting of librdkafka, for TLS and logins; may be given several times
    #[arg(long = "kafka", value_name = "NAME=VALUE", value_parser = setting)]
    kafka: Vec<(String, String)>,
}

/// What the bank promises rests on these, so they are not for others to set.
const OURS: [&str; 7] = [
    "acks",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "isolation.level",
    "transactional.id",
    "group.id",
];

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as name=value")?;
    if OURS.contains(&name) {
        return Err(format!(
            "{name} is set by the ledger, as its guarantees rest on it"
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn main() -> ExitCode {
    let Command::Serve(arguments) = Arguments::parse().command;
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        if let Err(error) = signal_hook::flag::register(signal, Arc::clone(&stopping)) {
            eprintln!("ledger: can't listen to signals: {error}");
            return ExitCode::FAILURE;
        }
    }
    let settings = Settings {
        bootstrap: arguments.bootstrap,
        name: arguments.name,
        partitions: arguments.partitions,
        replicas: arguments.replicas,
        listen: arguments.listen,
        url: arguments.url,
        directory: arguments.directory,
        linger: Duration::from_millis(arguments.linger_ms),
        kafka: arguments.kafka,
    };
    match serve(&settings, &stopping, |address| println!("ready http://{address}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("ledger: {error}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                eprint!(": {cause}");
                source = cause.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}
