//! `bench pipeline`: what the pipeline library costs beside loops written by hand on the same client library.
//!
//! ```text
//!  one topic, filled once ─▶ round 1: by hand, pipeline   round 2: pipeline, by hand   …   ─▶ medians, spread, ratio
//! ```
//!
//! Invariant: each measurement is a process of its own with a group of its own, reads the same records from the start,
//! and counts every one of them; the clock runs from the first record to the last, and with transactions until the last
//! commit was acknowledged.
//!
//! Does not: compare with other libraries yet.

mod by_hand;
mod subject;
mod with_library;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use highwater_load::admin;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::cluster::Broker;
use super::error::BenchError;
use super::process;
use super::summary::{Machine, Spread};
use super::tool::load_average;
use super::workspace::Workspace;
use subject::{Figures, Place, Subject};

const VALUE_BYTES: usize = 512;
const KEYS: u64 = 10_000;
const PATIENCE: Duration = Duration::from_secs(120);

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct PipelineArguments {
    /// A broker that runs; otherwise Apache Kafka is started through `highwater up kafka` and stopped afterwards.
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,
    /// Records that are read in each measurement.
    #[arg(long, default_value_t = 300_000)]
    records: u64,
    /// Partitions of the topic.
    #[arg(long, default_value_t = 6)]
    partitions: u32,
    /// Rounds; each side runs once in each.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only this comparison.
    #[arg(long)]
    only: Option<Comparison>,
    /// The `highwater` program; by default it is built from this workspace.
    #[arg(long, value_name = "FILE")]
    highwater: Option<PathBuf>,
    /// One side in this very process: how the program calls itself.
    #[arg(long, hide = true, requires = "place")]
    within: Option<Subject>,
    /// Its topics and how many records, as JSON.
    #[arg(long, hide = true)]
    place: Option<String>,
}

/// Two sides and the ratio to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Comparison {
    /// Each record tracked, handled by a pool, its offset committed; beside a loop that only polls.
    Tracked,
    /// Work of 2 ms for each record on 16 workers; beside work ÷ workers.
    Lanes,
    /// Every record copied in transactions with its offset; beside a loop with windows as long.
    ExactlyOnce,
    /// One key in a hundred always fails; how fast the others are, beside the same without failures.
    Healthy,
}

impl Comparison {
    const ALL: [Self; 4] = [Self::Tracked, Self::Lanes, Self::ExactlyOnce, Self::Healthy];

    /// The measured side, the rival, and the least ratio of their rates.
    fn sides(self) -> (Subject, Subject, f64) {
        match self {
            Self::Tracked => (Subject::Tracked, Subject::RawLoop, 0.90),
            Self::Lanes => (Subject::Lanes, Subject::IdealLanes, 0.95),
            Self::ExactlyOnce => (Subject::Copy, Subject::RawCopy, 0.95),
            Self::Healthy => (Subject::SomeFail, Subject::NoneFails, 0.95),
        }
    }
}

/// Runs the benchmark.
pub(crate) fn pipeline(arguments: &PipelineArguments) -> Result<(), BenchError> {
    if let (Some(subject), Some(place)) = (arguments.within, &arguments.place) {
        let place: Place = serde_json::from_str(place).map_err(|source| BenchError::Json {
            what: "--place".to_owned(),
            source,
        })?;
        println!("{}", subject.measure(&place)?.json());
        return Ok(());
    }
    let workspace = Workspace::find()?;
    let highwater = match &arguments.highwater {
        Some(program) => program.clone(),
        None => workspace.build_highwater()?,
    };
    let machine = Machine::look();
    let broker = match &arguments.bootstrap {
        Some(bootstrap) => Broker::existing(bootstrap),
        None => Broker::start(&highwater)?,
    };
    println!(
        "{machine} · {}\n{} records of {VALUE_BYTES} B in {} partitions, {KEYS} keys; rates in records/s",
        broker.description, arguments.records, arguments.partitions
    );
    let topic = format!("bench-pipeline-{}", now_ms());
    let missed = broker.with_topic(&topic, arguments.partitions, false, || {
        fill(&broker.bootstrap, &topic, arguments.partitions, arguments.records)?;
        let mut missed = Vec::new();
        for comparison in Comparison::ALL {
            if arguments.only.is_none_or(|only| only == comparison) {
                missed.extend(compared(comparison, arguments, &broker, &topic)?);
            }
        }
        Ok(missed)
    })?;
    match missed.is_empty() {
        true => Ok(()),
        false => Err(BenchError::Missed(missed.join("; "))),
    }
}

/// All rounds of one comparison; what was missed, if it was.
fn compared(
    comparison: Comparison,
    arguments: &PipelineArguments,
    broker: &Broker,
    topic: &str,
) -> Result<Option<String>, BenchError> {
    let (ours, rival, least) = comparison.sides();
    let (mut our_figures, mut rival_figures) = (Vec::new(), Vec::new());
    for round in 0..arguments.rounds {
        let mut order = [(ours, &mut our_figures), (rival, &mut rival_figures)];
        if round % 2 == 1 {
            order.reverse();
        }
        for (subject, figures) in order {
            figures.push(apart(subject, arguments, broker, topic)?);
        }
    }
    let told = |subject: Subject, figures: &[Figures]| {
        let rate = Spread::of(figures.iter().map(Figures::per_s).collect());
        let cpu = Spread::of(figures.iter().map(|of| of.cpu_s_per_million).collect());
        let (rate, cpu) = rate.zip(cpu)?;
        println!(
            "  {:<34} {:>10.0} ({:.0}–{:.0})   {:>6.2} CPU s per million",
            subject.name(),
            rate.median,
            rate.least,
            rate.most,
            cpu.median
        );
        Some(rate.median)
    };
    println!(
        "\n{comparison:?}, load average {:.1}",
        load_average().unwrap_or_default()
    );
    let (our_rate, rival_rate) = (told(ours, &our_figures), told(rival, &rival_figures));
    let Some((our_rate, rival_rate)) = our_rate.zip(rival_rate) else {
        return Ok(Some(format!("{comparison:?} has no figures")));
    };
    let ratio = our_rate / rival_rate;
    println!("  ratio {ratio:.3}, to reach {least}");
    Ok((ratio < least).then(|| format!("{comparison:?} reached {ratio:.3} of {least}")))
}

/// One side in a process of its own.
fn apart(
    subject: Subject,
    arguments: &PipelineArguments,
    broker: &Broker,
    topic: &str,
) -> Result<Figures, BenchError> {
    let place = Place {
        bootstrap: broker.bootstrap.clone(),
        topic: topic.to_owned(),
        group: format!("{topic}-{}", now_ms()),
        records: arguments.records,
    };
    let output = place.output();
    let made = [place.retry(), place.dead_letters()];
    admin::create_topic(&broker.bootstrap, &output, arguments.partitions, 1, &[])?;
    let own = std::env::current_exe().map_err(|source| BenchError::Start {
        program: "the own path".to_owned(),
        source,
    })?;
    let name = subject
        .to_possible_value()
        .map_or(String::new(), |value| value.get_name().to_owned());
    let mut command = Command::new(own);
    command
        .args(["bench", "pipeline", "--within", &name, "--place"])
        .arg(place.json());
    let ended = process::run(&mut command);
    // Whatever happened, nothing stays behind.
    admin::delete_topic(&broker.bootstrap, &output)?;
    let known = admin::topics(&broker.bootstrap, PATIENCE)?;
    for topic in made.iter().filter(|topic| known.contains(topic)) {
        admin::delete_topic(&broker.bootstrap, topic)?;
    }
    admin::delete_groups(&broker.bootstrap, std::slice::from_ref(&place.group), PATIENCE)?;
    let ended = ended?.successful()?;
    serde_json::from_str(ended.output.trim()).map_err(|source| BenchError::Json {
        what: subject.name().to_owned(),
        source,
    })
}

/// Writes the records that everybody reads.
fn fill(bootstrap: &str, topic: &str, partitions: u32, records: u64) -> Result<(), BenchError> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("partitioner", "murmur2_random")
        .set("linger.ms", "20")
        .create()?;
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(partitions));
    let mut value = vec![0; VALUE_BYTES];
    for number in 0..records {
        random.fill_bytes(&mut value);
        let key = (number % KEYS).to_le_bytes();
        let mut record = BaseRecord::to(topic).key(&key).payload(&value);
        while let Err((error, back)) = producer.send(record) {
            match error {
                KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => {
                    producer.poll(Duration::from_millis(10));
                    record = back;
                }
                other => return Err(other.into()),
            }
        }
    }
    producer.flush(PATIENCE)?;
    Ok(())
}

fn now_ms() -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_millis()
}
