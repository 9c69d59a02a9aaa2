//! A stored run, read again from its event stream, also when the run never came to its end.
//!
//! Invariant: what was measured is shown, and what is missing is said; only a torn last line is forgiven, since
//! that is what a killed writer leaves.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use highwater_model::{
    ClusterReport, Event, EventBody, FaultReport, LatencyReport, PhaseReport, Quantiles, RecordCounts,
    Report, Resources, SCHEMA_VERSION, ScenarioReport, TimingCurve, Verdict,
};

use crate::ReportError;
use crate::number::{count, moment};
use crate::replay::{Replay, ScenarioView};

/// Name of the event stream in the directory of a run.
pub const EVENTS_FILE: &str = "events.jsonl";

/// The largest event is the result of a run: an hour of timeline is a few megabytes a scenario.
const LINE_LIMIT_BYTES: u64 = 256 << 20;

/// Reads the run in `dir` from its `events.jsonl`.
///
/// A stream without its last event gives a report with `complete = false` that says how far the run came. Its
/// verdict is joined from the finished scenarios and INCONCLUSIVE for the unfinished one.
///
/// # Errors
/// See [`ReportError`]: no stream, not readable, a line that is no event, events that don't follow each other.
pub fn read_run(dir: &Path) -> Result<Report, ReportError> {
    let path = dir.join(EVENTS_FILE);
    let file = File::open(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ReportError::NotARun { dir: dir.to_owned() },
        _ => ReportError::Read {
            path: path.clone(),
            source,
        },
    })?;
    let stream = Stream {
        path,
        reader: BufReader::new(file),
        line: 0,
        torn: false,
    };
    stream.replay()
}

struct Stream {
    path: PathBuf,
    reader: BufReader<File>,
    /// Lines read so far.
    line: u64,
    torn: bool,
}

impl Stream {
    fn replay(mut self) -> Result<Report, ReportError> {
        let mut replay = Replay::default();
        let mut expected = 0;
        while let Some(event) = self.next()? {
            self.check(&event, expected, &replay)?;
            expected += 1;
            replay.apply(&event);
        }
        if expected == 0 {
            return Err(ReportError::Empty { path: self.path });
        }
        match replay.report.take() {
            Some(report) => Ok(*report),
            None => Ok(unfinished(replay, self.torn.then_some(self.line))),
        }
    }

    /// The next event; none at the end or at a torn last line.
    fn next(&mut self) -> Result<Option<Event>, ReportError> {
        let mut bytes = Vec::new();
        (&mut self.reader)
            .take(LINE_LIMIT_BYTES + 1)
            .read_until(b'\n', &mut bytes)
            .map_err(|source| ReportError::Read {
                path: self.path.clone(),
                source,
            })?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        if bytes.len() as u64 > LINE_LIMIT_BYTES {
            return Err(ReportError::LineTooLong {
                path: self.path.clone(),
                line: self.line,
                limit_bytes: LINE_LIMIT_BYTES,
            });
        }
        match serde_json::from_slice(&bytes) {
            Ok(event) => Ok(Some(event)),
            Err(_) if bytes.last() != Some(&b'\n') => {
                self.torn = true;
                Ok(None)
            }
            Err(source) => Err(ReportError::NotAnEvent {
                path: self.path.clone(),
                line: self.line,
                source,
            }),
        }
    }

    fn check(&self, event: &Event, expected: u64, replay: &Replay) -> Result<(), ReportError> {
        let started = matches!(event.body, EventBody::RunStarted { .. });
        let problem = if event.sequence != expected {
            format!("event {} where {expected} was expected", event.sequence)
        } else if (expected == 0) != started {
            "`run-started` must be the first event, and only the first".to_owned()
        } else if replay.report.is_some() {
            "an event after `run-finished`".to_owned()
        } else if event.at_ns < replay.now_ns {
            format!(
                "an event at {} after one at {}",
                moment(event.at_ns),
                moment(replay.now_ns)
            )
        } else {
            return Ok(());
        };
        Err(ReportError::OutOfOrder {
            path: self.path.clone(),
            line: self.line,
            problem,
        })
    }
}

/// The report of a run without its last event.
fn unfinished(replay: Replay, torn_line: Option<u64>) -> Report {
    let mut stopped_at = how_far(&replay);
    if let Some(line) = torn_line {
        stopped_at.push_str(&format!(
            "; line {line} of {EVENTS_FILE} is torn and was left out"
        ));
    }
    let Replay {
        run,
        scenario,
        mut finished,
        now_ns,
        notices,
        ..
    } = replay;
    // Only a scenario that was announced has a name to report under.
    if let Some(scenario) = scenario.filter(|scenario| !scenario.name.is_empty()) {
        let notices = notices.into_iter().map(|(_, text)| text);
        let reasons = std::iter::once("it did not come to its end, so nothing is judged".to_owned())
            .chain(notices)
            .collect();
        finished.push(unfinished_scenario(scenario, now_ns, reasons));
    }
    let verdict = Verdict::join(
        finished
            .iter()
            .map(|scenario| scenario.verdict)
            .chain([Verdict::Inconclusive]),
    );
    // The stream is never empty here and its first event is checked to be `run-started`.
    let (version, name, run_id, started_at, seed, command, quick, host) = run
        .map(|run| {
            (
                run.highwater_version,
                run.name,
                run.run_id,
                run.started_at,
                run.seed,
                run.command,
                run.quick,
                run.host,
            )
        })
        .unwrap_or_default();
    Report {
        schema_version: SCHEMA_VERSION,
        highwater_version: version,
        name,
        run_id,
        started_at,
        duration_ns: now_ns,
        verdict,
        exit_code: verdict.exit_code(),
        quick,
        seed,
        command,
        complete: false,
        stopped_at: Some(stopped_at),
        host,
        scenarios: finished,
        not_run: Vec::new(),
        recommendations: Vec::new(),
    }
}

/// `in the fault phase of broker-restart, 17.2 s after the start, 15,792 acknowledged`
fn how_far(replay: &Replay) -> String {
    let after = format!("{} after the start", crate::number::duration(replay.now_ns));
    let Some(scenario) = &replay.scenario else {
        return match replay.finished.last() {
            Some(last) => format!("after {} had finished, {after}", last.name),
            None => format!("before the first scenario began, {after}"),
        };
    };
    let name = if scenario.name.is_empty() {
        "the first scenario"
    } else {
        &scenario.name
    };
    let place = match scenario.phase() {
        Some(phase) => format!("in the {} phase of {name}", phase.name()),
        None => format!("before the load of {name} began"),
    };
    match &scenario.tick {
        Some(tick) => format!("{place}, {after}, {} acknowledged", count(tick.acknowledged)),
        None => format!("{place}, {after}"),
    }
}

fn unfinished_scenario(scenario: ScenarioView, now_ns: u64, reasons: Vec<String>) -> ScenarioReport {
    let tick = scenario.tick.clone().unwrap_or_default();
    let judged = tick.acknowledged + tick.failed;
    ScenarioReport {
        phases: phases(&scenario, now_ns),
        faults: faults(&scenario),
        rules: scenario.rules.clone(),
        groups: Vec::new(),
        name: scenario.name,
        repetition: scenario.repetition,
        summary: scenario.summary,
        target: scenario.target,
        started_ns: scenario.started_ns,
        duration_ns: now_ns.saturating_sub(scenario.started_ns),
        verdict: Verdict::Inconclusive,
        reasons,
        contract: Vec::new(),
        records: RecordCounts {
            attempted: tick.handed_over.max(judged),
            acknowledged: tick.acknowledged,
            failed: tick.failed,
            // Whatever was handed over and not heard of may be written or not.
            unknown: tick.handed_over.saturating_sub(judged),
            read_back: false,
            ..RecordCounts::default()
        },
        latency: LatencyReport::default(),
        offered_per_s: tick.offered_per_s,
        achieved_per_s: None,
        schedule_slip: Quantiles::default(),
        thresholds: Vec::new(),
        left_out: Vec::new(),
        anomalies: Vec::new(),
        validity: Vec::new(),
        resources: Resources {
            samples: scenario.samples,
            ..Resources::default()
        },
        cluster: ClusterReport::default(),
        trends: Vec::new(),
        measurements: std::collections::BTreeMap::new(),
        timeline: scenario.bins,
        curve: TimingCurve::default(),
        stall: None,
        configuration: scenario.configuration,
        hints: vec![
            "latency over time is that of the live view: by the arrival of acknowledgements; percentiles, \
             thresholds and the read-back need a run that comes to its end"
                .to_owned(),
        ],
    }
}

fn phases(scenario: &ScenarioView, now_ns: u64) -> Vec<PhaseReport> {
    let due_at_end = scenario.tick.as_ref().map_or(0, |tick| tick.due);
    let ends = scenario
        .entered
        .iter()
        .skip(1)
        .map(|(_, start, due)| (*start, *due));
    scenario
        .entered
        .iter()
        .zip(ends.chain([(now_ns, due_at_end)]))
        .map(|((phase, start_ns, due), (end_ns, due_at_end))| PhaseReport {
            phase: *phase,
            start_ns: *start_ns,
            end_ns,
            due: due_at_end.saturating_sub(*due),
            offered_per_s: None,
            achieved_per_s: None,
            latency: LatencyReport::default(),
            generator_cpu_seconds: None,
        })
        .collect()
}

fn faults(scenario: &ScenarioView) -> Vec<FaultReport> {
    scenario
        .faults
        .iter()
        .map(|fault| FaultReport {
            kind: fault.kind.clone(),
            armed: true,
            fired: 1,
            fired_at_ns: Some(fault.fired_at_ns),
            lifted_at_ns: fault.lifted_at_ns,
            in_flight: fault.in_flight,
            client_reaction: None,
            recovery_ns: fault.recovered_after_ns,
            back_to_baseline_ns: None,
        })
        .collect()
}
