//! The view as lines: a pure function of the state.
//!
//! Invariant: no line is wider than the terminal, so that redrawing in place finds its top again.

use highwater_model::{NoticeLevel, Phase, ProcessState, Tick};

use super::sparkline::sparkline;
use crate::number::{clock, count, counted, duration, optional_duration, rate};
use crate::paint::Paint;
use crate::replay::{ProcessView, Replay, ScenarioView};
use crate::text::{cut, left, plain, wrap};
use crate::wording;

/// Columns of the labels, indentation included.
const LABEL: usize = 12;
/// More processes than this are summed up, so that the view fits a small terminal.
const PROCESS_LIMIT: usize = 3;

/// The live view at its moment, for a terminal of `width` columns (fewer than 40 are treated as 40).
#[must_use]
pub fn live_lines(replay: &Replay, width: u16, color: bool) -> Vec<String> {
    let view = View {
        replay,
        width: usize::from(width.max(40)),
        paint: Paint::new(color),
    };
    view.lines()
}

/// A notice as it stays on the screen.
pub(super) fn notice(level: NoticeLevel, text: &str, width: u16, color: bool) -> Vec<String> {
    let paint = Paint::new(color);
    let (word, trouble) = match level {
        NoticeLevel::Info => ("note", false),
        NoticeLevel::Warning => ("warning", true),
        NoticeLevel::Error => ("error", true),
    };
    let prefix = format!("{word}: ");
    let painted = if trouble {
        paint.trouble(&prefix)
    } else {
        paint.dim(&prefix)
    };
    wrap(&plain(text), usize::from(width.max(40)) - prefix.len())
        .into_iter()
        .enumerate()
        .map(|(index, line)| match index {
            0 => format!("{painted}{line}"),
            _ => format!("{}{line}", " ".repeat(prefix.len())),
        })
        .collect()
}

struct View<'a> {
    replay: &'a Replay,
    width: usize,
    paint: Paint,
}

impl View<'_> {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.heading(), String::new()];
        match &self.replay.scenario {
            None => lines.push(self.row("state", &self.between())),
            Some(scenario) => {
                if !scenario.planned.is_empty() {
                    lines.push(self.phases(scenario));
                }
                match &scenario.tick {
                    Some(tick) => self.load(&mut lines, scenario, tick),
                    None => lines.push(self.row("load", "not started yet")),
                }
                self.processes(&mut lines, scenario);
                if !scenario.rules.is_empty() {
                    lines.push(self.row("rules", &wording::rules(&scenario.rules)));
                }
                if let Some(tick) = &scenario.tick {
                    lines.push(self.row("records", &account(tick)));
                }
            }
        }
        lines
    }

    fn heading(&self) -> String {
        let now_ns = self.replay.now_ns;
        let Some(run) = &self.replay.run else {
            return cut(&format!("highwater · starting · {}", clock(now_ns)), self.width);
        };
        let mut parts = vec![format!("highwater {}", plain(&run.name))];
        let (mut elapsed_ns, mut expected_ns) = (now_ns, 0);
        if let Some(scenario) = self.replay.scenario.as_ref().filter(|s| !s.name.is_empty()) {
            let total = run.scenarios.len();
            let place = self.replay.finished.len() + 1;
            match total {
                0 | 1 if scenario.name == run.name => {}
                0 | 1 => parts.push(plain(&scenario.name)),
                _ => parts.push(format!(
                    "{place} of {total}: {}",
                    plain(&wording::repeated(&scenario.name, scenario.repetition))
                )),
            }
            parts.push(plain(&scenario.target));
            elapsed_ns = now_ns.saturating_sub(scenario.started_ns);
            expected_ns = scenario.expected_ns;
        }
        parts.push(format!("seed {}", plain(&run.seed)));
        let time = match expected_ns {
            0 => clock(elapsed_ns),
            _ => format!("{} / {}", clock(elapsed_ns), clock(expected_ns)),
        };
        // The clock is the figure that shows life: it stays when the rest is cut.
        let rest = cut(&parts.join(" · "), self.width.saturating_sub(time.len() + 3));
        format!("{} · {time}", self.paint.bold(&rest))
    }

    fn between(&self) -> String {
        match self.replay.finished.last() {
            Some(last) => format!("{} finished: {}", plain(&last.name), last.verdict.word()),
            None => "preparing".to_owned(),
        }
    }

    /// `warm-up ── steady ──▐ fault ▌── recovery`: the mark is there without colour too.
    fn phases(&self, scenario: &ScenarioView) -> String {
        let current = scenario.phase();
        let entered = |phase: Phase| scenario.entered.iter().any(|(known, ..)| *known == phase);
        let mut strip = String::new();
        let mut used = LABEL;
        for (index, phase) in scenario.planned.iter().enumerate() {
            let is_current = current == Some(*phase);
            let after_current = index > 0 && current == Some(scenario.planned[index - 1]);
            let joint = match (index, is_current, after_current) {
                (0, true, _) => "▐ ",
                (0, false, _) => "",
                (_, true, _) => " ─▐ ",
                (_, _, true) => " ▌─ ",
                _ => " ── ",
            };
            let name = phase.name();
            used += joint.chars().count() + name.len();
            if used > self.width {
                break;
            }
            strip.push_str(&self.paint.dim(joint));
            strip.push_str(&match (is_current, entered(*phase)) {
                (true, _) => self.paint.bold(name),
                (false, true) => name.to_owned(),
                (false, false) => self.paint.dim(name),
            });
        }
        if current.is_some() && current == scenario.planned.last().copied() && used + 2 <= self.width {
            strip.push_str(&self.paint.dim(" ▌"));
        }
        format!("{}{strip}", self.label("phase"))
    }

    fn load(&self, lines: &mut Vec<String>, scenario: &ScenarioView, tick: &Tick) {
        let offered = tick.offered_per_s.map_or_else(|| "all it takes".to_owned(), rate);
        lines.push(self.row(
            "offered",
            &self.thirds(
                &offered,
                &format!("achieved {}", rate(tick.achieved_per_s)),
                &format!("in flight {}", count(in_flight(tick))),
            ),
        ));
        let waiting = tick.oldest_pending_ns > tick.response_max_ns.unwrap_or(0);
        let slowest = if waiting {
            format!("oldest still waiting {}", duration(tick.oldest_pending_ns))
        } else {
            format!("max {}", optional_duration(tick.response_max_ns))
        };
        lines.push(self.row(
            "ack",
            &self.thirds(
                &format!("p50 {}", optional_duration(tick.response_p50_ns)),
                &format!("p95 {}", optional_duration(tick.response_p95_ns)),
                &slowest,
            ),
        ));
        let slowest = format!("slowest {}", duration(scenario.slowest_ns));
        let columns = self.width.saturating_sub(LABEL + slowest.len() + 2);
        let line = sparkline(scenario, self.replay.now_ns, columns);
        lines.push(self.row("latency", &format!("{}  {slowest}", left(&line, columns))));
        match scenario.read_back {
            Some((read, expected)) => {
                let text = format!("{} of {}", count(read), counted(expected, "record"));
                lines.push(self.row("read back", &text));
            }
            None if tick.consumers > 0 => {
                let lag = tick.acknowledged.saturating_sub(tick.received);
                lines.push(self.row("lag", &counted(lag, "record")));
            }
            None => {}
        }
    }

    /// Three figures at the same columns on every line.
    fn thirds(&self, first: &str, second: &str, third: &str) -> String {
        let column = if self.width >= 100 { 24 } else { 17 };
        format!("{}{}{third}", left(first, column), left(second, column + 3))
    }

    fn processes(&self, lines: &mut Vec<String>, scenario: &ScenarioView) {
        for (index, process) in scenario.processes.iter().take(PROCESS_LIMIT).enumerate() {
            let label = if index == 0 { "target" } else { "" };
            let (mark, words, trouble) = self.state(process);
            let mut text = format!("{} {words}", plain(&process.process));
            if index == 0 {
                for part in fault_parts(scenario) {
                    text.push_str(" · ");
                    text.push_str(&part);
                }
            }
            let text = cut(&text, self.width - LABEL - 2);
            let mark = if trouble {
                self.paint.trouble(mark)
            } else {
                mark.to_owned()
            };
            lines.push(format!("{}{mark} {text}", self.label(label)));
        }
        let more = scenario.processes.len().saturating_sub(PROCESS_LIMIT);
        if more > 0 {
            lines.push(self.row("", &format!("  and {}", counted(more as u64, "more process"))));
        }
    }

    /// Mark, words, and whether it means trouble.
    fn state(&self, process: &ProcessView) -> (&'static str, String, bool) {
        let detail = |words: &str| match process.detail.as_str() {
            "" => words.to_owned(),
            detail => format!("{words} ({})", plain(detail)),
        };
        let for_now = duration(self.replay.now_ns.saturating_sub(process.since_ns));
        match process.state {
            ProcessState::Installing => ("◌", detail(&format!("being installed, {for_now}")), false),
            ProcessState::Starting if process.was_ready => ("◌", format!("starting again, {for_now}"), false),
            ProcessState::Starting => ("◌", detail(&format!("starting, {for_now}")), false),
            ProcessState::Ready => match process.was_down {
                Some(ProcessState::Killed) => ("●", "back after SIGKILL".to_owned(), false),
                Some(ProcessState::Stopped) => ("●", "back after a graceful stop".to_owned(), false),
                Some(ProcessState::Paused) => ("●", "back after a pause".to_owned(), false),
                _ => ("●", detail("ready"), false),
            },
            ProcessState::Resumed => ("●", "running again after a pause".to_owned(), false),
            ProcessState::Stopping => ("○", format!("stopping, {for_now}"), false),
            ProcessState::Stopped => ("○", format!("stopped, {for_now}"), false),
            ProcessState::Killed => ("○", format!("killed with SIGKILL, down {for_now}"), true),
            ProcessState::Paused => ("○", format!("paused with SIGSTOP, {for_now}"), true),
            ProcessState::Died => ("✗", detail("ended on its own"), true),
        }
    }

    fn row(&self, label: &str, text: &str) -> String {
        format!("{}{}", self.label(label), cut(text, self.width - LABEL))
    }

    fn label(&self, label: &str) -> String {
        self.paint.dim(&left(&format!("  {label}"), LABEL))
    }
}

fn in_flight(tick: &Tick) -> u64 {
    tick.handed_over
        .saturating_sub(tick.acknowledged + tick.failed + tick.unknown)
}

fn account(tick: &Tick) -> String {
    format!(
        "attempted {} · acknowledged {} · unknown {} · failed {}",
        count(tick.handed_over),
        count(tick.acknowledged),
        count(tick.unknown),
        count(tick.failed)
    )
}

fn fault_parts(scenario: &ScenarioView) -> Vec<String> {
    let Some(fault) = scenario.faults.last() else {
        return Vec::new();
    };
    let mut parts = Vec::new();
    match &fault.lifted {
        Some((outage_ns, _)) => parts.push(format!("down {}", duration(*outage_ns))),
        None => parts.push(format!(
            "{} were in flight",
            crate::number::records(fault.in_flight)
        )),
    }
    if let Some(after_ns) = fault.recovered_after_ns {
        parts.push(format!("first ack {}", duration(after_ns)));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_shown_before_the_first_event() {
        let mut replay = Replay::default();
        replay.advance(3_200_000_000);
        let lines = live_lines(&replay, 80, false);
        assert_eq!(lines[0], "highwater · starting · 00:03");
        assert!(lines.iter().all(|line| crate::text::width(line) <= 80));
    }

    #[test]
    fn a_notice_is_one_block_without_control_characters() {
        let lines = notice(NoticeLevel::Warning, "a\x1b[2Jb", 80, false);
        assert_eq!(lines, ["warning: a·[2Jb"]);
    }
}
