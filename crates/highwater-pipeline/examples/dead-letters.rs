//! Retry and dead letters: what fails is tried at 0, +1, +3 and +7 seconds, then put aside with its reason.
//!
//! Prints `attempt KEY OFFSET MILLISECONDS` for each attempt, with the milliseconds since the epoch.

use std::error::Error;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use highwater_pipeline::pipeline::{Failure, Json, Message, Pipeline, ToTopic};
use highwater_pipeline::retry::{RetryPolicy, Schedule};
use highwater_pipeline::runtime::Control;
use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGINT, SIGTERM};

#[derive(Parser)]
struct Arguments {
    /// Brokers to begin with.
    #[arg(long)]
    bootstrap: String,
    /// How long a record may wait in its lane before its key is parked in the retry topic.
    #[arg(long, default_value_t = 60_000)]
    in_lane_ms: u64,
    /// Exactly once, with this name of the instance.
    #[arg(long)]
    exactly_once: Option<String>,
}

#[derive(Deserialize)]
struct Order {
    account: String,
    cents: i64,
}

#[derive(Serialize)]
struct Invoice {
    cents: i64,
}

fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let control = stopped_by_signals()?;
    let pipeline = Pipeline::named("billing")
        .read("orders", Json::<Order>::new())
        .handle(|order| {
            said(&order.value.account, order.offset);
            match order.value.account.as_str() {
                "broken" => Err(Failure::transient("the account service does not answer")),
                "panics" => panic!("no such account"),
                "nobody" => Err(Failure::poison("nobody has this account")),
                account => Ok(vec![Message::keyed(
                    account,
                    Invoice {
                        cents: order.value.cents,
                    },
                )]),
            }
        })
        .make(ToTopic::new("invoices", Json::new()))
        .retry(RetryPolicy {
            schedule: Schedule::exponential(Duration::from_secs(1), 2, Duration::from_secs(60), 4),
            in_lane: Duration::from_millis(arguments.in_lane_ms),
        })
        .brokers(arguments.bootstrap);
    let pipeline = match arguments.exactly_once {
        Some(instance) => pipeline.exactly_once(instance),
        None => pipeline,
    };
    let numbers = pipeline.plan()?.run(&control)?;
    eprint!("{}", numbers.to_prometheus("billing"));
    Ok(())
}

fn said(account: &str, offset: i64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    println!("attempt {account} {offset} {}", now.as_millis());
}

/// A handle that SIGTERM and SIGINT stop.
fn stopped_by_signals() -> Result<Control, Box<dyn Error>> {
    let control = Control::new();
    let handle = control.clone();
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            handle.stop();
        }
    });
    Ok(control)
}
