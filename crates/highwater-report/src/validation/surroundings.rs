//! What stands around the results: where it ran, how it was set, what to do, how to repeat it.

use std::collections::{BTreeMap, BTreeSet};

use highwater_model::{Report, Verdict};

use super::Document;
use super::group::Group;
use crate::markdown::{code, escape};
use crate::number::{bytes, counted, duration};

/// Settings that anybody who reads the figures asks for, beside those that differ between scenarios.
const ALWAYS: [&str; 9] = [
    "load.values.kind",
    "load.values.size",
    "producer.acks",
    "producer.compression",
    "producer.delivery_timeout",
    "producer.idempotence",
    "producer.linger",
    "topic.partitions",
    "topic.replication",
];
/// Settings that say nothing about the figures.
const NEVER: [&str; 4] = ["name", "summary", "thresholds", "rules"];

pub(super) fn head(lines: &mut Vec<String>, document: Document, report: &Report, groups: &[Group<'_>]) {
    let form = if report.quick { ", quick form" } else { "" };
    lines.push(format!("# {}{form}: {}", document.title(), report.verdict.word()));
    lines.push(String::new());
    if report.quick {
        lines.push(
            "Shortened on request (`--quick`): fewer or shorter loads. What needs the full length is not judged, and is named below.".to_owned(),
        );
        lines.push(String::new());
    }
    if !report.complete {
        let stopped_at = report.stopped_at.as_deref().unwrap_or("early");
        lines.push(format!("**Incomplete:** the run ended {}.", escape(stopped_at)));
        lines.push(String::new());
    }
    let of = |verdict: Verdict| groups.iter().filter(|group| group.verdict() == verdict).count() as u64;
    let told: Vec<String> = [
        (Verdict::Violated, "violated"),
        (Verdict::Invalid, "invalid"),
        (Verdict::Inconclusive, "inconclusive"),
        (Verdict::Holds, "hold"),
    ]
    .into_iter()
    .filter(|(verdict, _)| of(*verdict) > 0)
    .map(|(verdict, word)| format!("{} {word}", of(verdict)))
    .collect();
    let runs = report.scenarios.len() as u64;
    lines.push(format!(
        "{}, {}: {}.",
        counted(groups.len() as u64, "scenario"),
        counted(runs, "run"),
        told.join(", ")
    ));
    lines.push(String::new());
    let rows: Vec<Vec<String>> = groups
        .iter()
        .map(|group| {
            let words: Vec<&str> = group.runs.iter().map(|run| run.verdict.word()).collect();
            let reason = group.runs.iter().find(|run| run.verdict == group.verdict());
            vec![
                group.name.to_owned(),
                words.join(", "),
                reason
                    .map(|run| crate::wording::headline(run))
                    .unwrap_or_default(),
            ]
        })
        .collect();
    lines.push("| scenario | verdict | why |".to_owned());
    lines.push("|---|---|---|".to_owned());
    lines.extend(rows.iter().map(|row| {
        let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        format!("| {} |", cells.join(" | "))
    }));
    lines.push(String::new());
    for not_run in &report.not_run {
        lines.push(format!(
            "- **not run**: {}: {}",
            escape(&not_run.name),
            escape(&not_run.reason)
        ));
    }
    if !report.not_run.is_empty() {
        lines.push(String::new());
    }
}

pub(super) fn environment(lines: &mut Vec<String>, report: &Report, groups: &[Group<'_>]) {
    let targets: BTreeSet<&str> = groups
        .iter()
        .flat_map(|group| group.runs.iter().map(|run| run.target.as_str()))
        .collect();
    let host = &report.host;
    lines.push("## Environment".to_owned());
    lines.push(String::new());
    for (name, value) in [
        ("cluster", targets.into_iter().collect::<Vec<_>>().join(", ")),
        ("system", host.system.clone()),
        (
            "processor",
            format!(
                "{}, {} usable",
                host.processor,
                counted(u64::from(host.cores), "core")
            ),
        ),
        ("memory", bytes(host.memory_bytes)),
        (
            "load average when it began",
            host.load_average
                .clone()
                .unwrap_or_else(|| crate::number::NONE.to_owned()),
        ),
        ("Highwater", report.highwater_version.clone()),
        ("began", report.started_at.clone()),
        ("took", duration(report.duration_ns)),
        ("run, seed", format!("{}, {}", report.run_id, report.seed)),
    ] {
        lines.push(format!("- {name}: {}", escape(&value)));
    }
    lines.push(String::new());
}

pub(super) fn configuration(lines: &mut Vec<String>, groups: &[Group<'_>]) {
    let firsts: Vec<_> = groups
        .iter()
        .filter_map(|group| Some((group.name, *group.runs.first()?)))
        .filter(|(_, run)| !run.configuration.is_empty())
        .collect();
    if firsts.is_empty() {
        return;
    }
    lines.push("## Configuration".to_owned());
    lines.push(String::new());
    let mut keys: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, run) in &firsts {
        for (key, setting) in &run.configuration {
            keys.entry(key).or_default().insert(&setting.value);
        }
    }
    let absent_somewhere = |key: &str| firsts.iter().any(|(_, run)| !run.configuration.contains_key(key));
    for key in ALWAYS {
        if let Some(values) = keys.get(key)
            && values.len() == 1
            && !absent_somewhere(key)
        {
            let value = values.first().copied().unwrap_or_default();
            lines.push(format!("- {} = {}", code(key), code(value)));
        }
    }
    lines.push(String::new());
    for (name, run) in &firsts {
        let own = run.configuration.iter().filter(|(key, setting)| {
            let differs =
                keys.get(key.as_str()).is_some_and(|values| values.len() > 1) || absent_somewhere(key);
            let given = setting.origin != "built-in";
            !NEVER.contains(&key.as_str()) && !key.starts_with("rules") && differs && given
        });
        let told: Vec<String> = own
            .map(|(key, setting)| format!("{} = {}", code(key), code(&setting.value)))
            .collect();
        if !told.is_empty() {
            lines.push(format!("- **{}**: {}", escape(name), told.join(", ")));
        }
    }
    if lines.last().is_some_and(|line| !line.is_empty()) {
        lines.push(String::new());
    }
    lines.push("Every setting with where it came from is in `report.json`.".to_owned());
    lines.push(String::new());
}

pub(super) fn recommendations(lines: &mut Vec<String>, report: &Report) {
    lines.push("## Recommendations".to_owned());
    lines.push(String::new());
    if report.recommendations.is_empty() {
        lines.push("None: nothing that was measured here speaks for a change.".to_owned());
        lines.push(String::new());
    }
    for (place, one) in (1_u32..).zip(&report.recommendations) {
        lines.push(format!("{place}. {}", escape(&one.advice)));
        lines.extend(
            one.evidence
                .iter()
                .map(|figure| format!("   - {}", escape(figure))),
        );
    }
    if !report.recommendations.is_empty() {
        lines.push(String::new());
    }
}

pub(super) fn again(lines: &mut Vec<String>, report: &Report) {
    lines.push("## To repeat it".to_owned());
    lines.push(String::new());
    lines.push(code(&report.command));
}
