//! The view where the output is no terminal: one line a second in stable columns, and one for each notable event.
//!
//! Invariant: lines depend on the events only, so a stored stream gives the same lines again.

use highwater_model::{Event, EventBody, NoticeLevel, ProcessState};

use crate::number::{NONE, count, duration, moment, optional_duration, rate, records};
use crate::replay::Replay;
use crate::text::{left, plain, right};
use crate::wording;

const SECOND_NS: u64 = 1_000_000_000;
/// Ticks come ten times a second: only when they have stayed away for this long is something waited for.
const PATIENCE_NS: u64 = SECOND_NS / 2;
/// Header again after this many lines, so that a long log can be read anywhere.
const HEADER_EVERY: u32 = 40;

#[derive(Debug, Default)]
pub(super) struct PlainLines {
    /// Moment from which the next line of figures is due.
    next_ns: u64,
    lines_since_header: u32,
    header_written: bool,
}

impl PlainLines {
    /// Lines for an event that was applied to `replay`.
    pub(super) fn event(&mut self, replay: &Replay, event: &Event) -> Vec<String> {
        let note = |text: String| vec![format!("{}  {}", right(&moment(event.at_ns), 11), plain(&text))];
        match &event.body {
            EventBody::RunStarted { name, seed, .. } => note(format!("run {name}, seed {seed}")),
            EventBody::ScenarioStarted {
                name,
                repetition,
                target,
                expected_ns,
                ..
            } => {
                let name = wording::repeated(name, *repetition);
                let expected = duration(*expected_ns);
                note(format!("scenario {name} on {target}, about {expected}"))
            }
            EventBody::Process {
                process,
                state,
                detail,
                ..
            } => {
                let detail = if detail.is_empty() {
                    String::new()
                } else {
                    format!(": {detail}")
                };
                note(format!("process {process} {}{detail}", state_name(*state)))
            }
            EventBody::PhaseStarted { phase } => note(format!("phase {}", phase.name())),
            EventBody::Tick(_) => self.figures(replay, event.at_ns),
            EventBody::FaultFired {
                kind,
                proof,
                in_flight,
            } => {
                let in_flight = records(*in_flight);
                note(format!(
                    "fault {kind} took effect: {proof}; {in_flight} in flight"
                ))
            }
            EventBody::FaultLifted {
                kind,
                detail,
                outage_ns,
            } => {
                let outage = duration(*outage_ns);
                note(format!("fault {kind} lifted after {outage}: {detail}"))
            }
            EventBody::Recovered { after_ns } => {
                let after = duration(*after_ns);
                note(format!(
                    "first acknowledgement {after} after the fault took effect"
                ))
            }
            EventBody::Rules { rules } => note(format!("rules: {}", wording::rules(rules))),
            EventBody::ReadBack { read, expected } => self.due(event.at_ns).map_or_else(Vec::new, |()| {
                note(format!("read back {} of {}", count(*read), records(*expected)))
            }),
            EventBody::Notice { level, text } => note(match level {
                NoticeLevel::Info => format!("note: {text}"),
                NoticeLevel::Warning => format!("warning: {text}"),
                NoticeLevel::Error => format!("error: {text}"),
            }),
            EventBody::ScenarioFinished { report } => {
                note(format!("scenario {} {}", report.name, report.verdict.word()))
            }
            EventBody::Resources { .. } | EventBody::RunFinished { .. } => Vec::new(),
        }
    }

    /// A line for a second in which nothing came.
    pub(super) fn waiting(&mut self, replay: &Replay) -> Option<String> {
        self.due(replay.now_ns.checked_sub(PATIENCE_NS)?)?;
        let process = replay
            .scenario
            .as_ref()
            .and_then(|scenario| scenario.processes.last());
        let what = process.map_or_else(
            || "waiting".to_owned(),
            |process| format!("process {} {}", process.process, state_name(process.state)),
        );
        Some(format!("{}  {}", right(&moment(replay.now_ns), 11), plain(&what)))
    }

    fn due(&mut self, now_ns: u64) -> Option<()> {
        if now_ns < self.next_ns {
            return None;
        }
        self.next_ns = (now_ns / SECOND_NS + 1) * SECOND_NS;
        Some(())
    }

    fn figures(&mut self, replay: &Replay, at_ns: u64) -> Vec<String> {
        let Some(scenario) = &replay.scenario else {
            return Vec::new();
        };
        let Some(tick) = &scenario.tick else {
            return Vec::new();
        };
        if self.due(at_ns).is_none() {
            return Vec::new();
        }
        let mut lines = Vec::new();
        if !self.header_written || self.lines_since_header >= HEADER_EVERY {
            lines.push(row(
                "time",
                "phase",
                &[
                    "offered",
                    "achieved",
                    "in flight",
                    "p50",
                    "p95",
                    "max",
                    "acknowledged",
                ]
                .map(str::to_owned),
            ));
            self.header_written = true;
            self.lines_since_header = 0;
        }
        self.lines_since_header += 1;
        let pending = tick
            .handed_over
            .saturating_sub(tick.acknowledged + tick.failed + tick.unknown);
        // While nothing comes back the oldest record that waits says how bad it is.
        let slowest = match tick.response_max_ns {
            Some(max_ns) if max_ns >= tick.oldest_pending_ns => duration(max_ns),
            None if tick.oldest_pending_ns == 0 => NONE.to_owned(),
            _ => format!(">{}", duration(tick.oldest_pending_ns)),
        };
        lines.push(row(
            &moment(at_ns),
            scenario.phase().map_or("", |phase| phase.name()),
            &[
                tick.offered_per_s.map_or_else(|| "all".to_owned(), rate),
                rate(tick.achieved_per_s),
                count(pending),
                optional_duration(tick.response_p50_ns),
                optional_duration(tick.response_p95_ns),
                slowest,
                count(tick.acknowledged),
            ],
        ));
        lines
    }
}

fn row(time: &str, phase: &str, figures: &[String; 7]) -> String {
    const WIDTHS: [usize; 7] = [10, 10, 10, 10, 10, 10, 13];
    let mut line = format!("{}  {}", right(time, 11), left(phase, 9));
    for (figure, width) in figures.iter().zip(WIDTHS) {
        line.push_str(&right(figure, width));
    }
    line
}

fn state_name(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Installing => "installing",
        ProcessState::Starting => "starting",
        ProcessState::Ready => "ready",
        ProcessState::Stopping => "stopping",
        ProcessState::Stopped => "stopped",
        ProcessState::Killed => "killed",
        ProcessState::Paused => "paused",
        ProcessState::Resumed => "resumed",
        ProcessState::Died => "died",
    }
}
