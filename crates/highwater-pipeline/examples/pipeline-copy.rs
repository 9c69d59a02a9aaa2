//! Every record of one topic to another, as a pipeline: exactly once, or at least once.
//!
//! ```sh
//! cargo build -p highwater-pipeline --example pipeline-copy
//! highwater prove --contract exactly-once --input orders --output invoices -- \
//!   target/debug/examples/pipeline-copy --bootstrap {bootstrap} --instance {instance}
//! ```
//!
//! `--defect` is the twin that breaks its promise, by one line.

use std::error::Error;
use std::thread;

use clap::Parser;
use highwater_pipeline::pipeline::{InHandler, Message, Pipeline, Raw, ToTopic};
use highwater_pipeline::runtime::Control;
use rdkafka::producer::{BaseRecord, ThreadedProducer};
use signal_hook::consts::{SIGINT, SIGTERM};

#[derive(Parser)]
struct Arguments {
    /// Brokers to begin with.
    #[arg(long)]
    bootstrap: String,
    /// The name of this instance, the same at every start.
    #[arg(long, default_value = "1")]
    instance: String,
    #[arg(long, default_value = "orders")]
    input: String,
    #[arg(long, default_value = "invoices")]
    output: String,
    /// Repeat records after a failure instead of using transactions.
    #[arg(long)]
    at_least_once: bool,
    /// Hand outputs to a producer of one's own and do not wait: offsets are committed before their effects.
    #[arg(long)]
    defect: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Arguments {
        bootstrap,
        instance,
        input,
        output,
        at_least_once,
        defect,
    } = Arguments::parse();
    let control = stopped_by_signals()?;
    if defect {
        return broken(&bootstrap, &instance, &input, &output, &control);
    }
    let pipeline = Pipeline::named("pipeline-copy")
        .read(input, Raw)
        .handle(|record| {
            Ok(vec![Message {
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.clone(),
            }])
        })
        .make(ToTopic::new(output, Raw))
        .brokers(bootstrap)
        .client_id(format!("pipeline-copy-{instance}"))
        .consumer_setting("session.timeout.ms", "6000");
    let pipeline = if at_least_once {
        pipeline
    } else {
        pipeline.exactly_once(instance)
    };
    let numbers = pipeline.plan()?.run(&control)?;
    eprintln!("copied {} records, bye", numbers.completed);
    Ok(())
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

/// The twin: the handler is done when its output lies in a buffer, and that is what gets committed.
fn broken(
    bootstrap: &str,
    instance: &str,
    input: &str,
    output: &str,
    control: &Control,
) -> Result<(), Box<dyn Error>> {
    let producer: ThreadedProducer<_> = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("partitioner", "murmur2_random")
        .set("linger.ms", "900")
        .create()?;
    Pipeline::named("pipeline-copy")
        .read(input, Raw)
        .handle(|record| {
            let mut copy: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(output);
            (copy.key, copy.payload) = (record.key, record.value.as_deref());
            drop(producer.send(copy));
            Ok(())
        })
        .make(InHandler)
        .brokers(bootstrap)
        .client_id(format!("pipeline-copy-{instance}"))
        .consumer_setting("session.timeout.ms", "6000")
        .plan()?
        .run(control)?;
    Ok(())
}
