//! What was measured: for each scenario its figures over the repetitions, its limits, its faults, its records.

use std::collections::BTreeMap;

use highwater_model::{ProcessResources, ThresholdResult, Verdict};

use super::Document;
use super::figures::{Figure, figures};
use super::group::Group;
use super::table::table;
use crate::markdown::{code, escape};
use crate::number::{NONE, bytes, count, significant};
use crate::wording;

/// Figures of a performance baseline, in this order; others follow by name.
const OF_PERFORMANCE: [&str; 15] = [
    "offered",
    "rate",
    "acknowledged",
    "lost",
    "duplicated",
    "ack.mean",
    "ack.p50",
    "ack.p95",
    "ack.p99",
    "ack.p999",
    "ack.max",
    "ack.service.p99",
    "end_to_end.p50",
    "end_to_end.p95",
    "end_to_end.p99",
];
/// Figures of delivery guarantees.
const OF_DELIVERY: [&str; 12] = [
    "attempted",
    "acknowledged",
    "failed",
    "unknown",
    "delivered",
    "lost",
    "duplicated",
    "reordered",
    "fault.outage",
    "fault.back_to_baseline",
    "ack.p95",
    "ack.max",
];
/// Repetitions that get a column of their own.
const COLUMNS_MAX: usize = 5;

pub(super) fn results(lines: &mut Vec<String>, document: Document, groups: &[Group<'_>], quick: bool) {
    lines.push("## Results".to_owned());
    lines.push(String::new());
    for group in groups {
        lines.push(format!("### {}: {}", escape(group.name), group.verdict().word()));
        lines.push(String::new());
        if let Some(run) = group.runs.first().filter(|run| !run.summary.is_empty()) {
            let form = if quick { "The full form: " } else { "" };
            lines.push(format!("{form}{}.", escape(run.summary.trim_end_matches('.'))));
            lines.push(String::new());
        }
        not_holding(lines, group);
        measured(lines, document, group);
        limits(lines, group);
        broken(lines, group);
        anomalies(lines, group);
    }
}

fn not_holding(lines: &mut Vec<String>, group: &Group<'_>) {
    for run in group.runs.iter().filter(|run| run.verdict != Verdict::Holds) {
        lines.push(format!(
            "- **{}**, {}:",
            escape(&wording::title(run)),
            run.verdict.word()
        ));
        lines.extend(
            run.reasons
                .iter()
                .take(4)
                .map(|reason| format!("  - {}", escape(reason))),
        );
        let checks = wording::not_valid(&run.validity).map(wording::validity_outcome);
        lines.extend(checks.take(4).map(|check| format!("  - {}", escape(&check))));
    }
    if lines.last().is_some_and(|line| !line.is_empty()) {
        lines.push(String::new());
    }
}

/// Median, least and most, and each repetition. Figures of INVALID runs are shown in their column only.
fn measured(lines: &mut Vec<String>, document: Document, group: &Group<'_>) {
    let shown: &[&str] = match document {
        Document::PerformanceBaseline => &OF_PERFORMANCE,
        Document::DeliveryGuarantees => &OF_DELIVERY,
    };
    let of_runs: Vec<Vec<Figure>> = group.runs.iter().map(|run| figures(run)).collect();
    let mut names: Vec<&str> = shown.to_vec();
    let others = group.runs.iter().flat_map(|run| run.measurements.keys());
    for name in others {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let single = group.runs.len() == 1;
    let each = if group.runs.len() <= COLUMNS_MAX {
        group.runs.len()
    } else {
        0
    };
    let mut rows = Vec::new();
    for name in names {
        let found = |of: &'_ Vec<Figure>| of.iter().find(|figure| figure.name == name).cloned();
        if of_runs.iter().all(|of| found(of).is_none()) {
            continue;
        };
        let mut row = vec![name.to_owned()];
        if !single {
            let (median, range) = spread(group, name).unwrap_or_else(|| (NONE.to_owned(), NONE.to_owned()));
            row.extend([median, range]);
        }
        row.extend(of_runs.iter().take(each).map(|of| match found(of) {
            Some(figure) => figure.words(figure.value),
            None => NONE.to_owned(),
        }));
        rows.push(row);
    }
    let mut columns = vec!["figure".to_owned()];
    if !single {
        columns.extend(["median".to_owned(), "least – most".to_owned()]);
    }
    columns.extend((1..=each).map(|place| {
        if single {
            "measured".to_owned()
        } else {
            format!("run {place}")
        }
    }));
    table(
        lines,
        &columns.iter().map(String::as_str).collect::<Vec<_>>(),
        &rows,
    );
}

/// The median of a figure over the repetitions whose figures can be believed, and its extremes, in words.
pub(crate) fn spread(group: &Group<'_>, name: &str) -> Option<(String, String)> {
    let found = |run| figures(run).into_iter().find(|figure| figure.name == name);
    let figures: Vec<Figure> = group.believed().filter_map(found).collect();
    let example = figures.first()?;
    let mut values: Vec<f64> = figures.iter().map(|figure| figure.value).collect();
    values.sort_by(f64::total_cmp);
    let (least, most) = (values.first()?, values.last()?);
    let (least, most) = (example.words(*least), example.words(*most));
    let range = if least == most {
        least
    } else {
        format!("{least} – {most}")
    };
    Some((example.words(middle(&values)?), range))
}

fn middle(sorted: &[f64]) -> Option<f64> {
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

fn limits(lines: &mut Vec<String>, group: &Group<'_>) {
    let mut order: Vec<&str> = Vec::new();
    let mut by_expression: BTreeMap<&str, Vec<(String, ThresholdResult)>> = BTreeMap::new();
    for threshold in group.runs.iter().flat_map(|run| &run.thresholds) {
        if !order.contains(&threshold.expression.as_str()) {
            order.push(&threshold.expression);
        }
        let measured = threshold.measured.clone().unwrap_or_else(|| NONE.to_owned());
        by_expression
            .entry(&threshold.expression)
            .or_default()
            .push((measured, threshold.result));
    }
    let rows: Vec<Vec<String>> = order
        .iter()
        .filter_map(|expression| {
            let results = by_expression.get(expression)?;
            let kept = results
                .iter()
                .filter(|(_, result)| *result == ThresholdResult::Pass)
                .count();
            let measured: Vec<&str> = results.iter().map(|(measured, _)| measured.as_str()).collect();
            let word = match kept {
                _ if results.iter().any(|(_, result)| *result == ThresholdResult::Fail) => "broken",
                kept if kept == results.len() => "kept",
                _ => "not measured",
            };
            Some(vec![
                (*expression).to_owned(),
                measured.join(", "),
                word.to_owned(),
            ])
        })
        .collect();
    table(lines, &["limit", "measured", "result"], &rows);
    let left_out: Vec<String> = match group.runs.first() {
        Some(run) => run.left_out.iter().map(|limit| code(limit)).collect(),
        None => Vec::new(),
    };
    if !left_out.is_empty() {
        lines.push(format!("Not judged in the quick form: {}.", left_out.join(", ")));
        lines.push(String::new());
    }
}

fn broken(lines: &mut Vec<String>, group: &Group<'_>) {
    let before = lines.len();
    for run in &group.runs {
        for fault in &run.faults {
            let mut parts = wording::fault(fault);
            parts.extend(fault.client_reaction.clone());
            lines.push(format!(
                "- {}: {}",
                escape(&wording::title(run)),
                escape(&parts.join(", "))
            ));
        }
        if !run.rules.is_empty() {
            let rules = wording::rules(&run.rules);
            lines.push(format!(
                "- {}: rules of the fault proxy: {}",
                escape(&wording::title(run)),
                escape(&rules)
            ));
        }
    }
    if lines.len() > before {
        lines.push(String::new());
    }
}

fn anomalies(lines: &mut Vec<String>, group: &Group<'_>) {
    let before = lines.len();
    for run in &group.runs {
        for anomaly in &run.anomalies {
            lines.push(format!(
                "- {}: {}",
                escape(&wording::title(run)),
                escape(&wording::anomaly(anomaly))
            ));
        }
    }
    if lines.len() > before {
        lines.push(String::new());
    }
}

/// One line for each scenario and process: medians over the repetitions, peaks over all of them.
pub(super) fn resources(lines: &mut Vec<String>, groups: &[Group<'_>]) {
    let mut rows = Vec::new();
    for group in groups {
        let mut processes: Vec<&str> = Vec::new();
        for process in group.believed().flat_map(|run| &run.resources.processes) {
            if !processes.contains(&process.process.as_str()) {
                processes.push(&process.process);
            }
        }
        for name in processes {
            let own: Vec<&ProcessResources> = group
                .believed()
                .flat_map(|run| &run.resources.processes)
                .filter(|process| process.process == name)
                .collect();
            rows.push(process_row(group.name, name, &own));
        }
    }
    if rows.is_empty() {
        return;
    }
    lines.push("## Resources".to_owned());
    lines.push(String::new());
    table(
        lines,
        &[
            "scenario",
            "process",
            "CPU mean",
            "CPU peak",
            "memory mean",
            "memory peak",
            "written to disk",
            "descriptors",
        ],
        &rows,
    );
    lines.push(
        "CPU in cores. Means and disk are medians over the repetitions, peaks the highest of all of them."
            .to_owned(),
    );
    lines.push(String::new());
}

fn process_row(scenario: &str, process: &str, own: &[&ProcessResources]) -> Vec<String> {
    let median = |pick: &dyn Fn(&ProcessResources) -> Option<f64>| {
        let mut values: Vec<f64> = own.iter().filter_map(|process| pick(process)).collect();
        values.sort_by(f64::total_cmp);
        middle(&values)
    };
    let cores = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), significant);
    let size = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), |value| bytes(value as u64));
    let whole = |value: Option<u64>| value.map(|value| value as f64);
    let peak = own.iter().filter_map(|one| one.cpu_cores_peak).reduce(f64::max);
    vec![
        scenario.to_owned(),
        process.to_owned(),
        cores(median(&|one| one.cpu_cores_mean)),
        cores(peak),
        size(median(&|one| whole(one.resident_bytes_mean))),
        size(whole(own.iter().filter_map(|one| one.resident_bytes_peak).max())),
        size(median(&|one| whole(one.disk_written_bytes))),
        own.iter()
            .filter_map(|one| one.descriptors_peak)
            .max()
            .map_or_else(|| NONE.to_owned(), count),
    ]
}
