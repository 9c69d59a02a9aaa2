//! `report.md`: fits a pull request.
//!
//! Invariant: at most [`LINES_MAX`] lines whatever the report holds; what is left out is counted.

use highwater_model::{Report, ScenarioReport, Timing, Verdict};

use crate::number::{self, count, duration_f64, optional_duration};
use crate::text::plain;
use crate::{watched, wording};

/// What a person reads in a pull request.
const LINES_MAX: usize = 60;
/// Scenarios in the table of a run of several.
const SCENARIOS_MAX: usize = 20;
/// Lines kept free for the end: what was left out, and how to run it again.
const LINES_FOR_THE_END: usize = 6;

pub(crate) fn markdown(report: &Report) -> String {
    let mut lines = head(report);
    let mut left_out = 0;
    let single = report.scenarios.len() == 1;
    for scenario in &report.scenarios {
        if !single && scenario.verdict == Verdict::Holds {
            continue;
        }
        let details = details(scenario, single);
        if lines.len() + details.len() + LINES_FOR_THE_END <= LINES_MAX {
            lines.extend(details);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        lines.push(format!(
            "Details of {} are in `report.html`.",
            number::counted(left_out, "more scenario")
        ));
        lines.push(String::new());
    }
    lines.push(format!("Again: {}", code(&report.command)));
    lines.push(String::new());
    lines.push(format!(
        "<sub>highwater {} · run {} · seed {} · {} · took {}</sub>",
        escape(&report.highwater_version),
        escape(&report.run_id),
        escape(&report.seed),
        escape(&report.started_at),
        number::duration(report.duration_ns)
    ));
    lines.truncate(LINES_MAX);
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn head(report: &Report) -> Vec<String> {
    let word = format!("{}{}", report.verdict.word(), wording::form(report));
    let mut lines = match report.scenarios.as_slice() {
        [only] => vec![format!(
            "## {word}: {}",
            escape(&format!(
                "{}: {}",
                wording::subject(only),
                wording::headline(only)
            ))
        )],
        scenarios => vec![format!(
            "## {word}: {}: {}",
            escape(&report.name),
            wording::tally(scenarios)
        )],
    };
    lines.push(String::new());
    if !report.complete {
        let stopped_at = report.stopped_at.as_deref().unwrap_or("early");
        lines.push(format!("**Incomplete:** the run ended {}.", escape(stopped_at)));
        lines.push(String::new());
    }
    for not_run in report.not_run.iter().take(SCENARIOS_MAX) {
        lines.push(format!(
            "- not run: {}: {}",
            escape(&not_run.name),
            escape(&not_run.reason)
        ));
    }
    if !report.not_run.is_empty() {
        lines.push(String::new());
    }
    if report.scenarios.len() > 1 {
        lines
            .push("| scenario | verdict | acknowledged | lost | duplicated | ack p99 | ack max |".to_owned());
        lines.push("|---|---|--:|--:|--:|--:|--:|".to_owned());
        lines.extend(report.scenarios.iter().take(SCENARIOS_MAX).map(overview_row));
        let more = report.scenarios.len().saturating_sub(SCENARIOS_MAX) as u64;
        if more > 0 {
            lines.push(format!(
                "| … and {} | | | | | | |",
                number::counted(more, "more scenario")
            ));
        }
        lines.push(String::new());
    }
    lines
}

fn overview_row(scenario: &ScenarioReport) -> String {
    let found = |value: u64| match scenario.records.read_back {
        true => count(value),
        false => number::NONE.to_owned(),
    };
    let response = &scenario.latency.ack.response;
    format!(
        "| {} | {} | {} | {} | {} | {} | {} |",
        escape(&wording::title(scenario)),
        scenario.verdict.word(),
        count(scenario.records.acknowledged),
        found(scenario.records.lost),
        found(scenario.records.duplicated),
        optional_duration(response.p99_ns),
        optional_duration(response.max_ns)
    )
}

fn details(scenario: &ScenarioReport, single: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if !single {
        let title = format!("{}: {}", wording::subject(scenario), wording::headline(scenario));
        lines.push(format!("### {}: {}", scenario.verdict.word(), escape(&title)));
        lines.push(String::new());
    }
    let mut points: Vec<String> = scenario.reasons.iter().skip(1).take(4).cloned().collect();
    points.extend(scenario.anomalies.iter().take(4).map(wording::anomaly));
    points.extend(
        wording::not_valid(&scenario.validity)
            .take(4)
            .map(wording::validity_outcome),
    );
    points.extend(
        scenario
            .faults
            .iter()
            .take(3)
            .map(|fault| wording::fault(fault).join(", ")),
    );
    points.extend(watched::told_trends(scenario).take(3).map(watched::trend));
    points.extend(watched::brokers(&scenario.cluster));
    if !scenario.rules.is_empty() {
        points.push(format!("rules: {}", wording::rules(&scenario.rules)));
    }
    points.push(wording::told(&scenario.records));
    points.push(wording::found(&scenario.records));
    lines.extend(points.iter().map(|point| format!("- {}", escape(point))));
    lines.push(String::new());
    lines.extend(latency(scenario));
    lines.extend(thresholds(scenario));
    if !scenario.hints.is_empty() {
        lines.extend(
            scenario
                .hints
                .iter()
                .take(3)
                .map(|hint| format!("- {}", escape(hint))),
        );
        lines.push(String::new());
    }
    lines
}

fn latency(scenario: &ScenarioReport) -> Vec<String> {
    let mut rows = Vec::new();
    timing(&mut rows, "ack", &scenario.latency.ack);
    timing(&mut rows, "end to end", &scenario.latency.end_to_end);
    if rows.is_empty() {
        return rows;
    }
    let mut lines = vec![
        "| latency | mean | p50 | p95 | p99 | max | over 100 ms |".to_owned(),
        "|---|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    lines.append(&mut rows);
    lines.push(String::new());
    lines
}

fn timing(rows: &mut Vec<String>, path: &str, timing: &Timing) {
    for (name, quantiles) in [("since due", &timing.response), ("since sent", &timing.service)] {
        if quantiles.count == 0 {
            continue;
        }
        rows.push(format!(
            "| {path}, {name} | {} | {} | {} | {} | {} | {} |",
            quantiles
                .mean_ns
                .map_or_else(|| number::NONE.to_owned(), duration_f64),
            optional_duration(quantiles.p50_ns),
            optional_duration(quantiles.p95_ns),
            optional_duration(quantiles.p99_ns),
            optional_duration(quantiles.max_ns),
            number::records(quantiles.over_100ms)
        ));
    }
}

fn thresholds(scenario: &ScenarioReport) -> Vec<String> {
    let Some(summary) = wording::thresholds(&scenario.thresholds) else {
        return Vec::new();
    };
    let mut lines = vec![format!("Thresholds: {summary}.")];
    let broken: Vec<_> = wording::not_passed(&scenario.thresholds).collect();
    if !broken.is_empty() {
        lines.push(String::new());
    }
    lines.extend(
        broken
            .iter()
            .take(6)
            .map(|threshold| format!("- {}", escape(&wording::threshold_outcome(threshold)))),
    );
    lines.push(String::new());
    lines
}

/// Text that is only text in GitHub's Markdown, also inside a table.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            // No mention of a person or a team may come from a name in a record.
            '@' => out.push_str("&#64;"),
            _ => out.push(c),
        }
    }
    out
}

/// Text as code, whatever backquotes it holds.
pub(crate) fn code(text: &str) -> String {
    let text = plain(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(
            escape("a|b <img> `x` @team\nq"),
            "a\\|b &lt;img&gt; \\`x\\` &#64;team·q"
        );
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a ``b"), "```a ``b```");
        assert_eq!(code("`a"), "`` `a``".replace("a``", "a ``"));
    }
}
