//! The end of a scenario: the log is proven quiet, read from start to end, and every record accounted for.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use highwater_check::{Account, Attempt, Attempts, Contract, Findings, Found, Observed, PartitionEnd, Quiet};
use highwater_load::{Ledger, Row, read_back};
use highwater_model::{AnomalyExample, EventBody, RecordId, RunId};
use serde::Serialize;

use crate::events::EventStream;
use crate::session::described;

/// Between two readings of the ends that must be equal.
const BETWEEN_READS: Duration = Duration::from_millis(250);
/// How long a log may take to become quiet after the load has ended.
const QUIET_LIMIT: Duration = Duration::from_secs(30);
/// Limit of one request for the ends of the partitions.
const ENDS_TIMEOUT: Duration = Duration::from_secs(20);
/// Progress is told this often.
const PROGRESS: Duration = Duration::from_millis(200);
/// Lines of `anomalies.jsonl`, at most: a log that lost everything must not fill the disk with the news.
const MOST_ANOMALY_LINES: u64 = 1_000_000;

/// The ledgers of a run as the checker wants to see them; the index is the producer.
pub(crate) struct Book<'a>(pub(crate) &'a [Arc<Ledger>]);

impl Attempts for Book<'_> {
    fn attempt(&self, id: RecordId) -> Option<Attempt> {
        let row = self.0.get(id.producer as usize)?.get(id.sequence)?;
        Some(attempt_of(&row))
    }

    fn mark_found(&self, id: RecordId, partition: i32, offset: i64) -> Found {
        let found = self
            .0
            .get(id.producer as usize)
            .and_then(|ledger| ledger.mark_found(id.sequence, partition, offset));
        let first = found.and_then(|found| found.first);
        Found {
            times_before: found.map_or(0, |found| u32::from(found.times_before)),
            first_partition: first.map_or(partition, |(partition, _)| partition),
            first_offset: first.map(|(_, offset)| offset),
        }
    }

    fn for_each(&self, visit: &mut dyn FnMut(RecordId, Attempt, u32)) {
        for (producer, ledger) in (0_u32..).zip(self.0) {
            for row in ledger.rows() {
                visit(
                    RecordId {
                        producer,
                        sequence: row.sequence,
                    },
                    attempt_of(&row),
                    u32::from(row.times_found),
                );
            }
        }
    }
}

fn attempt_of(row: &Row) -> Attempt {
    Attempt {
        outcome: row.outcome,
        partition: row.partition.unwrap_or(-1),
        offset: row.offset,
        acknowledged_at_ns: row.acknowledged_ns,
        handed_over: row.handed_ns.is_some(),
    }
}

/// What a read-back gives.
pub(crate) struct ReadBack {
    pub(crate) findings: Findings,
    pub(crate) quiet: Quiet,
}

/// Where and what to read.
pub(crate) struct Reader<'a> {
    pub(crate) bootstrap: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) run: RunId,
    pub(crate) scenario: &'a str,
    pub(crate) contract: Contract,
    pub(crate) ledgers: &'a [Arc<Ledger>],
    pub(crate) events: &'a EventStream,
    pub(crate) interrupted: &'a AtomicBool,
    pub(crate) anomalies: PathBuf,
}

impl Reader<'_> {
    pub(crate) fn run(&self) -> Result<ReadBack, String> {
        let (ends, quiet_before) = self.wait_until_quiet()?;
        let book = Book(self.ledgers);
        let mut account = Account::new(self.topic, &book, self.contract);
        let mut told = Instant::now();
        let mut progress = |read, expected| {
            if told.elapsed() >= PROGRESS || read == expected {
                told = Instant::now();
                self.events.emit(EventBody::ReadBack { read, expected });
            }
        };
        let mut observe = |partition, offset, observation| {
            account.observe(
                partition,
                offset,
                match observation {
                    read_back::Observation::Record(id) => Observed::Record(id),
                    read_back::Observation::Foreign => Observed::Foreign,
                    read_back::Observation::Corrupt(id) => Observed::Corrupt(id),
                },
            );
        };
        let read = read_back::read(
            self.bootstrap,
            self.topic,
            self.run,
            &ends,
            self.interrupted,
            &mut progress,
            &mut observe,
        )
        .map_err(|error| described(&error))?;
        if self.interrupted.load(Ordering::Relaxed) {
            return Err("interrupted while the log was read back".into());
        }
        let after = self.ends()?;
        let quiet = Quiet {
            two_equal_reads: quiet_before && after == ends,
            lso_is_hw: after
                .iter()
                .all(|end| end.last_stable_offset == end.high_watermark),
            detail: format!(
                "{} partitions, {} records between log start and high watermark",
                ends.len(),
                ends.iter()
                    .map(|end| end.high_watermark - end.log_start)
                    .sum::<i64>()
            ),
        };
        let ends: Vec<PartitionEnd> = ends
            .iter()
            .map(|end| PartitionEnd {
                partition: end.partition,
                log_start: end.log_start,
                high_watermark: end.high_watermark,
                last_stable_offset: end.last_stable_offset,
                read_to: read.reached.get(&end.partition).copied().unwrap_or(end.log_start),
            })
            .collect();
        let mut log = AnomalyLog::new(self.anomalies.clone(), self.scenario);
        let findings = account.finish(&ends, &mut |name, example| log.write(name, example));
        log.finish()?;
        Ok(ReadBack { findings, quiet })
    }

    fn ends(&self) -> Result<Vec<read_back::PartitionEnd>, String> {
        read_back::ends(self.bootstrap, self.topic, ENDS_TIMEOUT).map_err(|error| described(&error))
    }

    /// Two equal readings of all ends, with the last stable offset at the high watermark; false if the log
    /// did not become quiet in time.
    fn wait_until_quiet(&self) -> Result<(Vec<read_back::PartitionEnd>, bool), String> {
        let limit = Instant::now() + QUIET_LIMIT;
        let mut before = self.ends()?;
        loop {
            std::thread::sleep(BETWEEN_READS);
            let now = self.ends()?;
            let stable = now.iter().all(|end| end.last_stable_offset == end.high_watermark);
            if now == before && stable {
                return Ok((now, true));
            }
            if Instant::now() >= limit || self.interrupted.load(Ordering::Relaxed) {
                return Ok((now, false));
            }
            before = now;
        }
    }
}

/// `anomalies.jsonl`: every anomalous record, also those that the report has no room for. Made when the first
/// one is found.
pub(crate) struct AnomalyLog<'a> {
    path: PathBuf,
    scenario: &'a str,
    file: Option<BufWriter<File>>,
    lines: u64,
    error: Option<String>,
}

#[derive(Serialize)]
struct AnomalyLine<'a> {
    scenario: &'a str,
    anomaly: &'a str,
    #[serde(flatten)]
    example: &'a AnomalyExample,
}

impl<'a> AnomalyLog<'a> {
    pub(crate) fn new(path: PathBuf, scenario: &'a str) -> Self {
        Self {
            path,
            scenario,
            file: None,
            lines: 0,
            error: None,
        }
    }

    pub(crate) fn write(&mut self, anomaly: &str, example: &AnomalyExample) {
        self.lines += 1;
        if self.lines > MOST_ANOMALY_LINES || self.error.is_some() {
            return;
        }
        if let Err(error) = self.try_write(anomaly, example) {
            self.error = Some(format!("can't write {}: {error}", self.path.display()));
        }
    }

    fn try_write(&mut self, anomaly: &str, example: &AnomalyExample) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::new(
                File::options().create(true).append(true).open(&self.path)?,
            )),
        };
        serde_json::to_writer(
            &mut *file,
            &AnomalyLine {
                scenario: self.scenario,
                anomaly,
                example,
            },
        )?;
        file.write_all(b"\n")
    }

    pub(crate) fn finish(mut self) -> Result<(), String> {
        let flushed = self.file.as_mut().map_or(Ok(()), Write::flush);
        match (self.error, flushed) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(format!("can't write {}: {error}", self.path.display())),
            (None, Ok(())) => Ok(()),
        }
    }
}
