//! `bench lag`: what one reading of many groups takes, and what it costs the broker; beside Kafka's own tool.
//!
//! A topic of many partitions with a few records each, and groups that have committed in all of them. `highwater lag` with
//! and without ages and `kafka-consumer-groups --describe --all-groups` read them in turn, each as a fresh process.
//! Invariant: each answer is looked at; a tool that says another lag than the one that was made is an error.
//!
//! Does not: separate the broker from whatever else runs; what all other processes used is printed, and the load
//! average before.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;
use highwater_load::admin;
use highwater_model::{LagState, LagSurvey};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use super::cluster::Broker;
use super::error::BenchError;
use super::java;
use super::process::{self, Ended};
use super::summary::{Machine, Spread};
use super::workspace::Workspace;

const PATIENCE: Duration = Duration::from_secs(60);
/// Records in each partition.
const RECORDS: i64 = 3;
/// How many of them each group has committed.
const COMMITTED: i64 = 1;
/// What a reading may take at most, in seconds.
const LIMIT: f64 = 1.0;

/// What to read.
#[derive(Debug, Args)]
pub(crate) struct LagArguments {
    /// A broker that runs; otherwise Apache Kafka is started through `highwater up kafka` and stopped afterwards.
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,
    /// Partitions of the topic.
    #[arg(long, default_value_t = 1_000)]
    partitions: u32,
    /// Groups that have committed in all of them.
    #[arg(long, default_value_t = 50)]
    groups: u32,
    /// Readings of each tool.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Directory with Kafka's jars for its own tool; by default where `highwater` keeps them.
    #[arg(long, value_name = "DIR")]
    kafka_jars: Option<PathBuf>,
    /// The `highwater` program; by default it is built from this workspace.
    #[arg(long, value_name = "FILE")]
    highwater: Option<PathBuf>,
}

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Highwater,
    WithoutAges,
    ConsumerGroups,
}

impl Reader {
    const ALL: [Self; 3] = [Self::Highwater, Self::WithoutAges, Self::ConsumerGroups];

    fn name(self) -> &'static str {
        match self {
            Self::Highwater => "highwater lag",
            Self::WithoutAges => "highwater lag --no-ages",
            Self::ConsumerGroups => "kafka-consumer-groups",
        }
    }
}

/// One reading.
struct Reading {
    /// From its first request to its last answer, where the tool tells it.
    reading_s: Option<f64>,
    /// Requests to brokers, where the tool tells it.
    requests: Option<u64>,
    /// From the start of the process to its end.
    whole_s: f64,
    own_cpu_s: f64,
    /// Used by everything else on the machine meanwhile.
    others_cpu_s: Option<f64>,
}

/// What is there to be read.
struct Subject<'a> {
    highwater: &'a Path,
    jars: Option<&'a Path>,
    bootstrap: &'a str,
    /// Lag of all groups in all partitions.
    lag: u64,
}

/// Runs the benchmark.
pub(crate) fn lag(arguments: &LagArguments) -> Result<(), BenchError> {
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
    let jars = java::jars(arguments.kafka_jars.as_deref());
    println!("{machine} · {}", broker.description);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let topic = format!("bench-lag-{}", now.as_millis());
    let groups: Vec<String> = (0..arguments.groups)
        .map(|number| format!("{topic}-{number:03}"))
        .collect();
    let subject = Subject {
        highwater: &highwater,
        jars: jars.as_deref(),
        bootstrap: &broker.bootstrap,
        lag: (RECORDS - COMMITTED).unsigned_abs()
            * u64::from(arguments.partitions)
            * u64::from(arguments.groups),
    };
    let measured = broker.with_topic(&topic, arguments.partitions, false, || {
        let read = made(&broker.bootstrap, &topic, arguments.partitions, &groups)
            .and_then(|()| rounds(&subject, &topic, arguments.rounds));
        // Whatever happened, nothing stays behind.
        admin::delete_groups(&broker.bootstrap, &groups, PATIENCE)?;
        read
    });
    let slowest = measured?;
    match slowest <= LIMIT {
        true => Ok(()),
        false => Err(BenchError::Missed(format!(
            "a reading took {slowest:.3} s, more than {LIMIT} s"
        ))),
    }
}

/// Writes the records and commits for each group.
fn made(bootstrap: &str, topic: &str, partitions: u32, groups: &[String]) -> Result<(), BenchError> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    let producer: BaseProducer = config.create()?;
    let numbers = 0..i32::try_from(partitions).unwrap_or(i32::MAX);
    for partition in numbers.clone() {
        for _ in 0..RECORDS {
            let record = BaseRecord::<(), str>::to(topic)
                .partition(partition)
                .payload("record");
            producer.send(record).map_err(|(error, _)| error)?;
        }
    }
    producer.flush(PATIENCE)?;
    let mut committed = TopicPartitionList::new();
    for partition in numbers {
        committed.add_partition_offset(topic, partition, Offset::Offset(COMMITTED))?;
    }
    for group in groups {
        let member: BaseConsumer = config.clone().set("group.id", group).create()?;
        member.commit(&committed, CommitMode::Sync)?;
    }
    Ok(())
}

/// Reads in turn; the slowest reading of `highwater lag` in seconds.
fn rounds(subject: &Subject<'_>, topic: &str, rounds: usize) -> Result<f64, BenchError> {
    let mut readings: Vec<(Reader, Reading)> = Vec::new();
    for round in 0..rounds {
        let mut order = Reader::ALL;
        if round % 2 == 1 {
            order.reverse();
        }
        for reader in order {
            if reader == Reader::ConsumerGroups && subject.jars.is_none() {
                continue;
            }
            readings.push((reader, reading(subject, topic, reader)?));
        }
    }
    println!(
        "{:<26} {:>24} {:>24} {:>10} {:>12} {:>9}",
        "", "reading, s", "whole process, s", "own CPU, s", "all other, s", "requests"
    );
    for reader in Reader::ALL {
        told(reader, &readings);
    }
    let own = readings.iter().filter(|(reader, _)| *reader == Reader::Highwater);
    Ok(own
        .filter_map(|(_, reading)| reading.reading_s)
        .fold(0.0, f64::max))
}

fn told(reader: Reader, readings: &[(Reader, Reading)]) {
    let of = |figure: fn(&Reading) -> Option<f64>| {
        let own = readings.iter().filter(|(by, _)| *by == reader);
        Spread::of(own.filter_map(|(_, reading)| figure(reading)).collect())
    };
    let spread = |figure| {
        of(figure).map_or("–".to_owned(), |of| {
            format!("{:.3} ({:.3}–{:.3})", of.median, of.least, of.most)
        })
    };
    let median =
        |figure, digits: usize| of(figure).map_or("–".to_owned(), |of| format!("{:.digits$}", of.median));
    println!(
        "{:<26} {:>24} {:>24} {:>10} {:>12} {:>9}",
        reader.name(),
        spread(|reading| reading.reading_s),
        spread(|reading| Some(reading.whole_s)),
        median(|reading| Some(reading.own_cpu_s), 2),
        median(|reading| reading.others_cpu_s, 2),
        median(|reading| reading.requests.map(|requests| requests as f64), 0),
    );
}

fn reading(subject: &Subject<'_>, topic: &str, reader: Reader) -> Result<Reading, BenchError> {
    let pattern = format!("{topic}-*");
    let mut command;
    match (reader, subject.jars) {
        (Reader::ConsumerGroups, Some(jars)) => {
            command = Command::new("java");
            command.arg("-cp").arg(jars.join("*")).args([
                "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
                "--bootstrap-server",
                subject.bootstrap,
                "--describe",
                "--all-groups",
                "--timeout",
                "60000",
            ]);
        }
        _ => {
            command = Command::new(subject.highwater);
            command.args(["lag", "--bootstrap", subject.bootstrap, "--json"]);
            command.args(["--group", &pattern]);
            if reader == Reader::WithoutAges {
                command.arg("--no-ages");
            }
        }
    }
    let (busy, began) = (process::busy_seconds(), Instant::now());
    let ended = process::run(&mut command)?;
    let whole_s = began.elapsed().as_secs_f64();
    let own_cpu_s = ended.cpu_seconds;
    let others_cpu_s = process::busy_seconds()
        .zip(busy)
        .map(|(after, before)| after - before - own_cpu_s);
    let (lag, survey) = match reader {
        Reader::ConsumerGroups => (lag_of_table(&ended.successful()?, topic)?, None),
        _ => {
            // 0 or 1: a lag is no failure, and a verdict on it is none of this benchmark.
            let survey: LagSurvey =
                serde_json::from_str(ended.output.trim()).map_err(|source| BenchError::Json {
                    what: reader.name().to_owned(),
                    source,
                })?;
            (lag_of_survey(&survey), Some(survey))
        }
    };
    if lag != subject.lag {
        return Err(BenchError::Missed(format!(
            "{} says a lag of {lag}, and it is {}",
            reader.name(),
            subject.lag
        )));
    }
    Ok(Reading {
        reading_s: survey.as_ref().map(|survey| survey.took_ns as f64 / 1e9),
        requests: survey.map(|survey| survey.requests),
        whole_s,
        own_cpu_s,
        others_cpu_s,
    })
}

fn lag_of_survey(survey: &LagSurvey) -> u64 {
    let partitions = survey.groups.iter().flat_map(|group| &group.partitions);
    partitions
        .map(|partition| match &partition.state {
            LagState::Known { records } => *records,
            _ => 0,
        })
        .sum()
}

/// `GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG …`
fn lag_of_table(ended: &Ended, topic: &str) -> Result<u64, BenchError> {
    let mut lag = 0;
    let rows = ended.output.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words.get(1) == Some(&topic)).then_some(words)
    });
    for words in rows {
        let Some(of_partition) = words.get(5).and_then(|word| word.parse::<u64>().ok()) else {
            return Err(BenchError::Output {
                program: ended.program.clone(),
                output: words.join(" "),
            });
        };
        lag += of_partition;
    }
    Ok(lag)
}
