//! librdkafka's own load tool, built from the sources that the client crate bundles: the same library version.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::case::{Case, LINGER_MS, QUEUE_KIB, QUEUE_RECORDS};
use super::error::BenchError;
use super::process;
use super::tool::Measurement;
use super::workspace::Workspace;

/// How often it prints a row.
const ROW_MS: &str = "100";

/// Columns of its table: what a producer has delivered, what a consumer has received.
const DELIVERED: usize = 4;
const RECEIVED: usize = 1;

/// How it is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// With the settings of the others: idempotent, each payload copied.
    Same,
    /// Not idempotent, and all records share one payload.
    Fastest,
}

/// Builds the tool unless that was done before.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf, BenchError> {
    let (sources, version) = workspace.sources("rdkafka-sys")?;
    let directory = workspace.bench_directory().join(format!("librdkafka-{version}"));
    let program = directory.join("examples/rdkafka_performance");
    if program.exists() {
        return Ok(program);
    }
    eprintln!("building rdkafka_performance");
    let parent = workspace.bench_directory();
    std::fs::create_dir_all(&parent).map_err(|source| BenchError::File { path: parent, source })?;
    let copy = ["--recursive", "--no-target-directory"];
    process::output(
        Command::new("cp")
            .args(copy)
            .arg(sources.join("librdkafka"))
            .arg(&directory),
    )?;
    let configure = [
        "--disable-curl",
        "--disable-gssapi",
        "--disable-syslog",
        "--disable-ssl",
        "--disable-sasl",
    ];
    process::output(
        Command::new("./configure")
            .args(configure)
            .current_dir(&directory),
    )?;
    process::output(Command::new("make").arg("libs").current_dir(&directory))?;
    let example = ["-C", "examples", "rdkafka_performance"];
    process::output(Command::new("make").args(example).current_dir(&directory))?;
    Ok(program)
}

/// Runs it once.
pub(crate) fn measure(
    program: &Path,
    mode: Mode,
    case: &Case,
    bootstrap: &str,
    topic: &str,
) -> Result<Measurement, BenchError> {
    let mut command = Command::new(program);
    command
        .args(["-P", "-u", "-i", ROW_MS, "-a", "-1", "-t", topic, "-b", bootstrap])
        .args(["-s", &case.bytes.to_string(), "-c", &case.records.to_string()])
        .args(["-X", &format!("linger.ms={LINGER_MS}")])
        .args(["-X", &format!("queue.buffering.max.messages={QUEUE_RECORDS}")])
        .args(["-X", &format!("queue.buffering.max.kbytes={QUEUE_KIB}")]);
    if mode == Mode::Same {
        command.args(["-D", "-X", "enable.idempotence=true"]);
    }
    if let Some(per_s) = case.per_s {
        command.args(["-r", &per_s.to_string()]);
    }
    let ended = process::run(&mut command)?;
    let rows = rows(&ended.output, DELIVERED);
    let (Some(first), Some(last)) = (rows.iter().find(|row| row.delivered > 0.0), rows.last()) else {
        return Err(ended.not_understood());
    };
    // Its exit status counts a record twice now and then; the table says what was delivered.
    if last.delivered < case.records as f64 {
        return Err(ended.not_understood());
    }
    // It waits half a second for its first connection. That is not its speed, so the clock starts with the first
    // row that has deliveries; a paced run is judged over its whole length, as it goes on sending meanwhile.
    let per_s = match case.per_s {
        None if last.seconds > first.seconds => {
            (last.delivered - first.delivered) / (last.seconds - first.seconds)
        }
        _ => last.delivered / last.seconds,
    };
    Ok(Measurement {
        per_s,
        achieved: case.per_s.map(|asked| per_s / asked as f64),
        cpu_seconds_per_million: ended.cpu_seconds / case.records as f64 * 1e6,
        cores: ended.cpu_seconds / last.seconds,
        peak_resident_bytes: ended.peak_resident_bytes,
        slip_p99_ns: None,
        load_average: None,
    })
}

/// Reads so many records of three partitions from their start; the rate, from the first row with records on.
pub(crate) fn consume(program: &Path, records: u64, bootstrap: &str, topic: &str) -> Result<f64, BenchError> {
    let mut command = Command::new(program);
    command
        .args([
            "-C",
            "-u",
            "-i",
            ROW_MS,
            "-t",
            topic,
            "-b",
            bootstrap,
            "-o",
            "beginning",
        ])
        .args(["-p", "0", "-p", "1", "-p", "2", "-c", &records.to_string()]);
    let ended = process::run(&mut command)?;
    let rows = rows(&ended.output, RECEIVED);
    let ends = rows.iter().find(|row| row.delivered > 0.0).zip(rows.last());
    match ends {
        Some((_, last)) if last.delivered < records as f64 => Err(ended.not_understood()),
        Some((first, last)) if last.seconds > first.seconds => {
            Ok((last.delivered - first.delivered) / (last.seconds - first.seconds))
        }
        // Too few records for two rows.
        Some((_, last)) if last.seconds > 0.0 => Ok(last.delivered / last.seconds),
        _ => Err(ended.not_understood()),
    }
}

/// A row of its table: how far it was, and when.
#[derive(Debug, PartialEq)]
struct Row {
    seconds: f64,
    delivered: f64,
}

/// `| elapsed | msgs | bytes | rtt | dr | …`, in milliseconds and records.
fn rows(output: &str, column: usize) -> Vec<Row> {
    let row = |line: &str| {
        let cells: Vec<f64> = line
            .split('|')
            .skip(1)
            .map(|cell| cell.trim().parse().ok())
            .collect::<Option<_>>()?;
        Some(Row {
            seconds: cells.first()? / 1_000.0,
            delivered: *cells.get(column)?,
        })
    };
    output
        .lines()
        .filter(|line| line.starts_with('|'))
        .filter_map(row)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_and_everything_else_is_not() {
        let output = "%4|178|CONFWARN| a warning\n\
            |    elapsed |       msgs |      bytes |        rtt |         dr |     dr_m/s\n\
            |        500 |        463 |      46300 |          0 |          0 |          0\n\
            % 51 backpressures for 1000000 produce calls\n\
            |       1083 |    1000000 |  100000000 |          2 |    1000000 |     923231\n";
        let expected =
            [(0.5, 0.0), (1.083, 1_000_000.0)].map(|(seconds, delivered)| Row { seconds, delivered });
        assert_eq!(rows(output, DELIVERED), expected);
    }
}
