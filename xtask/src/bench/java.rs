//! Kafka's own ProducerPerformance.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::case::{Case, LINGER_MS, QUEUE_KIB};
use super::error::BenchError;
use super::process::{self, Ended};
use super::tool::Measurement;

/// Its default of 16 KiB makes it slow at 100 B; this is what people set who measure with it.
const BATCH_BYTES: u64 = 128 << 10;

/// Where its jars are: as told, or where `highwater` keeps them.
pub(crate) fn jars(told: Option<&Path>) -> Option<PathBuf> {
    if let Some(directory) = told {
        return Some(directory.to_owned());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?
        .join("highwater");
    let mut homes: Vec<PathBuf> = std::fs::read_dir(cache)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .flat_map(|home| [home.join("libs"), home.join("lib"), home])
        .filter(|directory| has_tools(directory))
        .collect();
    homes.sort();
    homes.pop()
}

fn has_tools(directory: &Path) -> bool {
    std::fs::read_dir(directory).is_ok_and(|entries| {
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.into_iter().any(|name| name.starts_with("kafka-tools"))
    })
}

/// Runs it once.
pub(crate) fn measure(
    jars: &Path,
    case: &Case,
    bootstrap: &str,
    topic: &str,
) -> Result<Measurement, BenchError> {
    let throughput = case.per_s.map_or("-1".to_owned(), |per_s| per_s.to_string());
    let mut command = Command::new("java");
    command
        .arg("-cp")
        .arg(jars.join("*"))
        .args(["-Xmx1g", "org.apache.kafka.tools.ProducerPerformance"])
        .args([
            "--topic",
            topic,
            "--bootstrap-server",
            bootstrap,
            "--throughput",
            &throughput,
        ])
        .args([
            "--num-records",
            &case.records.to_string(),
            "--record-size",
            &case.bytes.to_string(),
        ])
        .args(["--command-property", "acks=all", "enable.idempotence=true"])
        .arg(format!("linger.ms={LINGER_MS}"))
        .arg(format!("batch.size={BATCH_BYTES}"))
        .arg(format!("buffer.memory={}", (QUEUE_KIB << 10) / 4));
    let ended = process::run(&mut command)?.successful()?;
    let Some(per_s) = rate(&ended) else {
        return Err(ended.not_understood());
    };
    Ok(Measurement {
        per_s,
        achieved: case.per_s.map(|asked| per_s / asked as f64),
        cpu_seconds_per_million: ended.cpu_seconds / case.records as f64 * 1e6,
        cores: ended.cpu_seconds / (case.records as f64 / per_s),
        peak_resident_bytes: ended.peak_resident_bytes,
        slip_p99_ns: None,
        load_average: None,
    })
}

/// `500000 records sent, 307503.075031 records/sec (29.33 MB/sec), …`; the last such line is the sum.
fn rate(ended: &Ended) -> Option<f64> {
    let line = ended.output.lines().rfind(|line| line.contains("99.9th"))?;
    let (before, _) = line.split_once(" records/sec")?;
    before.rsplit(' ').next()?.parse().ok()
}
