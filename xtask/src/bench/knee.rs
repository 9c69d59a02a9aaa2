//! `bench knee`: does `highwater knee` find a limit that is known?
//!
//! Apache Kafka is given a client quota on bytes produced (KIP-546), and the search is done several times. Kafka counts
//! the bytes of whole requests to produce, over eleven windows of a second, and lets nothing in from a client that is
//! above: so the highest rate that holds is the quota by the bytes that a record takes on the wire. Invariant: those
//! bytes are measured, by the client that sent them, in the steps of the same search.
//!
//! Does not: know what else the machine did; it prints how much that was.

use std::fs;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;
use highwater_model::{KneeOutcome, KneeReport, Report};
use highwater_wire::Connection;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::{AlterClientQuotasRequest, AlterClientQuotasResponse};
use kafka_protocol::protocol::StrBytes;

use super::cluster::Broker;
use super::error::BenchError;
use super::process::{self, Ended};
use super::tool::load_average;
use super::workspace::Workspace;

const QUOTA: &str = "producer_byte_rate";
/// The client.id of the only producer of a search.
const CLIENT: &str = "highwater-producer-0";
const PATIENCE: Duration = Duration::from_secs(10);
/// Fixed, so that every record is the same share of the quota.
const VALUE_BYTES: f64 = 20_000.0;
/// The first rate as a share of the quota: the search has to find the rest.
const FROM: f64 = 0.3;
/// How far from the quota the answer may be.
const ALLOWED: f64 = 0.03;
/// What the report calls bytes of values per byte sent.
const RATIO: &str = "compression.ratio";

/// What to search.
#[derive(Debug, Args)]
pub(crate) struct KneeArguments {
    /// A broker that runs; otherwise Apache Kafka is started through `highwater up kafka` and stopped afterwards.
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,
    /// Bytes per second that the producer may send; removed again afterwards.
    #[arg(long, value_name = "BYTES", default_value_t = 4_000_000.0)]
    quota: f64,
    /// Searches.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Load of each step; the quota is counted over eleven seconds, so a short one sees only what is far above it.
    #[arg(long, value_name = "SPAN", default_value = "30s")]
    step: String,
    /// The `highwater` program; by default it is built from this workspace.
    #[arg(long, value_name = "FILE")]
    highwater: Option<PathBuf>,
}

/// One search.
struct Searched {
    report: KneeReport,
    /// Bytes on the wire for each record, of every step.
    record_bytes: Vec<f64>,
    /// Processors in use meanwhile, by everything and by the search.
    cores: Option<(f64, f64)>,
}

/// Runs the searches; an answer that is too far off is an error.
pub(crate) fn knee(arguments: &KneeArguments) -> Result<(), BenchError> {
    let workspace = Workspace::find()?;
    let highwater = match &arguments.highwater {
        Some(program) => program.clone(),
        None => workspace.build_highwater()?,
    };
    let broker = match &arguments.bootstrap {
        Some(bootstrap) => Broker::existing(bootstrap),
        None => Broker::start(&highwater)?,
    };
    println!(
        "{} · {QUOTA} {} for {CLIENT} · records of {VALUE_BYTES} B",
        broker.description, arguments.quota
    );
    alter(&broker.bootstrap, Some(arguments.quota))?;
    let searched = rounds(&highwater, &broker, arguments, &workspace);
    // Whatever happened, the quota goes away.
    alter(&broker.bootstrap, None)?;
    let kept = searched?;
    println!("{kept} of {} within {} %", arguments.rounds, ALLOWED * 100.0);
    match kept == arguments.rounds {
        true => Ok(()),
        false => Err(BenchError::Missed(format!(
            "{} of {} answers were not within {} % of the quota",
            arguments.rounds - kept,
            arguments.rounds,
            ALLOWED * 100.0
        ))),
    }
}

/// How many answers were near enough.
fn rounds(
    highwater: &Path,
    broker: &Broker,
    arguments: &KneeArguments,
    workspace: &Workspace,
) -> Result<usize, BenchError> {
    let mut kept = 0;
    for round in 1..=arguments.rounds {
        let out = workspace
            .bench_directory()
            .join(format!("knee-{}-{round}", std::process::id()));
        let searched = search(highwater, broker, arguments, &out);
        // The steps are of no use any more.
        let _ = fs::remove_dir_all(&out);
        let near = told(round, &searched?, arguments.quota);
        kept += usize::from(near);
    }
    Ok(kept)
}

fn search(
    highwater: &Path,
    broker: &Broker,
    arguments: &KneeArguments,
    out: &Path,
) -> Result<Searched, BenchError> {
    let first = (arguments.quota / VALUE_BYTES * FROM).max(1.0);
    let mut command = Command::new(highwater);
    command
        // Above a quota every record waits, and longer and longer; a hiccup of the machine hits a few.
        .args(["knee", "--slo", "ack.p95 < 250ms", "--slo", "lost == 0"])
        .args(["--target", &format!("bootstrap:{}", broker.bootstrap)])
        .args(["--from", &format!("{first:.0}/s"), "--step", &arguments.step])
        .args(["--budget", "30min", "--format", "json", "--quiet"])
        .args(["--set", "load.consumers=0", "--set", "load.keys.kind=none"])
        .args(["--set", "load.values.kind=fixed"])
        .args(["--set", &format!("load.values.size={VALUE_BYTES}B")])
        .args(["--set", "load.values.compression_ratio=1.0"])
        // Above a quota everything is late. A busy machine is late with a few, which the limit above lets pass.
        .args(["--set", "validity.slip_p99=1s"])
        .arg("--out")
        .arg(out);
    let (before, began) = (process::busy_seconds(), Instant::now());
    let ended = process::run(&mut command)?;
    let cores = process::busy_seconds().zip(before).map(|(after, before)| {
        let seconds = began.elapsed().as_secs_f64();
        ((after - before) / seconds, ended.cpu_seconds / seconds)
    });
    let report: KneeReport = read(&out.join("knee.json"), ended)?;
    let steps = out.join("steps");
    let record_bytes = (1..=report.steps.len())
        .filter_map(|step| wire_bytes(&steps.join(format!("{step:02}")).join("report.json")))
        .collect();
    Ok(Searched {
        report,
        record_bytes,
        cores,
    })
}

/// The result of a search; what the program printed if there is none.
fn read(file: &Path, ended: Ended) -> Result<KneeReport, BenchError> {
    let Ok(text) = fs::read_to_string(file) else {
        return Err(match ended.successful() {
            Err(error) => error,
            Ok(ended) => ended.not_understood(),
        });
    };
    serde_json::from_str(&text).map_err(|source| BenchError::Json {
        what: file.display().to_string(),
        source,
    })
}

/// Bytes that the client sent for each record of a step.
fn wire_bytes(file: &Path) -> Option<f64> {
    let report: Report = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    let ratio = report.scenarios.first()?.measurements.get(RATIO)?;
    (*ratio > 0.0).then(|| VALUE_BYTES / ratio)
}

/// Prints an answer; true if it is near enough.
fn told(round: usize, searched: &Searched, quota: f64) -> bool {
    let report = &searched.report;
    let mut bytes = searched.record_bytes.clone();
    bytes.sort_by(f64::total_cmp);
    let held = report
        .steps
        .iter()
        .filter(|step| step.outcome == KneeOutcome::Holds)
        .count();
    let beside = format!(
        "{} steps ({held} held) in {:.0} s; {}load average {:.1}",
        report.steps.len(),
        report.duration_ns as f64 / 1e9,
        searched.cores.map_or_else(String::new, |(all, own)| format!(
            "{all:.2} processors busy, {own:.2} of them the search; "
        )),
        load_average().unwrap_or_default(),
    );
    let (Some(low), Some(high), Some(record)) =
        (report.low_per_s, report.high_per_s, bytes.get(bytes.len() / 2))
    else {
        println!("  {round}  {:?}, no answer; {beside}", report.answer);
        for step in report.steps.iter().filter(|step| step.why.is_some()) {
            let why = step.why.as_deref().unwrap_or_default();
            println!("     {:.1}/s {:?}: {why}", step.rate_per_s, step.outcome);
        }
        return false;
    };
    let expected = quota / record;
    let off = |rate: f64| (rate / expected - 1.0) * 100.0;
    println!(
        "  {round}  {:?}  {low:.1} to {high:.1}/s; the quota is {expected:.1}/s at {record:.0} B a record: {:+.2} % to {:+.2} %",
        report.answer,
        off(low),
        off(high),
    );
    println!("     {beside}");
    off(low).abs() <= ALLOWED * 100.0
}

/// Sets the quota for the producer, or takes it away.
fn alter(bootstrap: &str, quota: Option<f64>) -> Result<(), BenchError> {
    let unreachable = |source| BenchError::Start {
        program: format!("a connection to {bootstrap}"),
        source,
    };
    let first = bootstrap.split(',').next().unwrap_or(bootstrap);
    let address = first.to_socket_addrs().map_err(unreachable)?.next();
    let address = address.ok_or(BenchError::Missing("an address of the broker"))?;
    let client = EntityData::default()
        .with_entity_type(StrBytes::from_static_str("client-id"))
        .with_entity_name(Some(StrBytes::from_static_str(CLIENT)));
    let operation = OpData::default()
        .with_key(StrBytes::from_static_str(QUOTA))
        .with_value(quota.unwrap_or(0.0))
        .with_remove(quota.is_none());
    let entry = EntryData::default()
        .with_entity(vec![client])
        .with_ops(vec![operation]);
    let request = AlterClientQuotasRequest::default().with_entries(vec![entry]);
    let answer: AlterClientQuotasResponse = Connection::open(address, PATIENCE)?.call(&request, 1)?;
    match answer
        .entries
        .iter()
        .map(|entry| entry.error_code)
        .find(|code| *code != 0)
    {
        None => Ok(()),
        Some(code) => Err(BenchError::Answer {
            what: "AlterClientQuotas",
            code,
        }),
    }
}
