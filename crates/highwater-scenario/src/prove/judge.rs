//! From what a trial saw to its verdict.
//!
//! Invariant: HOLDS is what is left when every condition for it was seen. A loss is one only of an input that counts
//! as done; a pipeline that did not go on has lost nothing yet, and that is said as what it is.

use std::collections::BTreeMap;

use highwater_check::pipeline::{
    Check, Extent, Fed as FedRecord, Order, Output as OutputRecord, PipelineCheck, PipelineFinding,
    PipelineFindings, Place, Windows,
};
use highwater_check::{Anomaly, Contract, Standing};
use highwater_load::feed::{Fate, Words};
use highwater_measure::quantity::{count, counted};
use highwater_model::{
    ExitCode, ProveCounts, ProvedAnomaly, ProvedExample, RoundEnding, RoundReport, Verdict,
};

use super::ProveOptions;
use super::stage::Stop;
use super::trace::{self, Asked};
use super::trial::Trial;
use super::wire_check::WireFinding;

/// Examples of each anomaly in a report.
const MOST_EXAMPLES: usize = 5;
/// Examples of each anomaly whose way over the wire is looked for.
const MOST_TRACED: usize = 1;

/// A judged trial.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) exit_code: ExitCode,
    pub(super) reasons: Vec<String>,
    pub(super) counts: ProveCounts,
    pub(super) anomalies: Vec<ProvedAnomaly>,
    pub(super) notes: Vec<String>,
}

/// Judges a trial by the contract.
pub(super) fn judge(options: &ProveOptions, trial: &Trial) -> Judged {
    let mut notes = trial.notes.clone();
    let found = trial.words.as_ref().map(|words| pipeline(options, trial, words));
    let mut counts = counts(options, trial);
    let mut missing = Vec::new();
    let mut by_anomaly: BTreeMap<Anomaly, Vec<&PipelineFinding>> = BTreeMap::new();
    if let Some(found) = &found {
        for finding in found
            .findings
            .iter()
            .filter(|finding| is_judged(options, trial, finding))
        {
            by_anomaly.entry(finding.anomaly).or_default().push(finding);
        }
        missing.extend(traceable(options, trial, found));
        let of = |anomaly: Anomaly| by_anomaly.get(&anomaly).map_or(0, |all| all.len() as u64);
        counts.lost = of(Anomaly::PipelineLoss);
        counts.duplicated = of(Anomaly::PipelineDuplicate);
        counts.duplicated_in_window = by_anomaly.get(&Anomaly::PipelineDuplicate).map_or(0, |all| {
            all.iter().filter(|one| one.inside_window == Some(true)).count() as u64
        });
        counts.reordered = of(Anomaly::PipelineReorder);
    }
    let mut anomalies = Vec::new();
    for (anomaly, all) in &by_anomaly {
        anomalies.push(report(*anomaly, options, trial, all));
    }
    anomalies.extend(on_the_wire(options, trial));
    anomalies.sort_by_key(|anomaly| (!anomaly.violation, Anomaly::named(&anomaly.name)));
    let violations: Vec<String> = anomalies
        .iter()
        .filter(|anomaly| anomaly.violation)
        .map(reason)
        .collect();
    if trial.moments.reads_uncommitted && !trial.moments.reads_committed {
        notes.push("the pipeline reads its inputs with read_uncommitted: it gets records of aborted transactions too".to_owned());
    }
    missing.splice(0..0, conditions(trial));
    let (verdict, exit_code, reasons) = if !violations.is_empty() {
        (Verdict::Violated, ExitCode::Broken, violations)
    } else if let Some(Stop::Infrastructure(what)) = &trial.stop {
        (
            Verdict::Inconclusive,
            ExitCode::Infrastructure,
            vec![what.clone()],
        )
    } else if !missing.is_empty() {
        (Verdict::Inconclusive, ExitCode::Inconclusive, missing)
    } else {
        (
            Verdict::Holds,
            ExitCode::Holds,
            vec![holds(
                options,
                trial,
                &counts,
                found.as_ref().and_then(loss_not_asked),
            )],
        )
    };
    Judged {
        verdict,
        exit_code,
        reasons,
        counts,
        anomalies,
        notes,
    }
}

fn topic_number(topics: &[String], topic: &str) -> u16 {
    topics
        .iter()
        .position(|one| one == topic)
        .and_then(|at| u16::try_from(at).ok())
        .unwrap_or(u16::MAX)
}

/// Leads outputs back to inputs.
fn pipeline(options: &ProveOptions, trial: &Trial, words: &Words) -> PipelineFindings {
    let order = match options.contract.ordered_per_partition {
        true => Order::PerPartition,
        false => Order::PerKey,
    };
    let mut check = PipelineCheck::new(options.lineage.clone(), order);
    for fed in &trial.fed {
        let (id, key, value) = (words.id(fed), words.key(fed), words.value(fed));
        let topic = u16::try_from(fed.topic).unwrap_or(u16::MAX);
        let place = match fed.fate {
            Fate::Acknowledged { partition, offset } => Place {
                topic,
                partition,
                offset,
            },
            _ => Place {
                topic,
                partition: -1,
                offset: -1,
            },
        };
        check.fed(&FedRecord {
            place,
            key: Some(key.as_bytes()),
            value: Some(value.as_bytes()),
            id: id.as_bytes(),
            committed: fed.fate != Fate::Aborted,
        });
    }
    for output in &trial.outputs {
        check.output(&OutputRecord {
            place: Place {
                topic: topic_number(&options.outputs, &output.topic),
                partition: output.partition,
                offset: output.offset,
            },
            key: output.key.as_deref(),
            value: output.value.as_deref(),
            headers: &output.headers,
        });
    }
    let mut windows = Windows::default();
    for ((topic, partition), ranges) in trial.moments.windows() {
        for (from, to) in ranges {
            windows.add(topic_number(&options.inputs, topic), *partition, *from, *to);
        }
    }
    check.finish(Some(windows))
}

/// Whether an input counts as done, so that its outputs can be asked for.
fn is_judged(options: &ProveOptions, trial: &Trial, finding: &PipelineFinding) -> bool {
    if finding.anomaly != Anomaly::PipelineLoss {
        return true;
    }
    let Some(input) = finding.inputs.first().filter(|input| input.offset >= 0) else {
        return false;
    };
    if !trial.quiet {
        return false;
    }
    trial.caught_up || committed(options, trial, *input)
}

fn committed(options: &ProveOptions, trial: &Trial, input: Place) -> bool {
    let Some(topic) = options.inputs.get(usize::from(input.topic)) else {
        return false;
    };
    let at = (topic.clone(), input.partition);
    let commits = trial
        .moments
        .committed
        .iter()
        .filter(|((_, place), _)| *place == at);
    commits
        .map(|(_, offset)| *offset)
        .max()
        .is_some_and(|committed| committed > input.offset)
}

fn counts(options: &ProveOptions, trial: &Trial) -> ProveCounts {
    let with = |wanted: fn(&Fate) -> bool| trial.fed.iter().filter(|fed| wanted(&fed.fate)).count() as u64;
    ProveCounts {
        fed: with(|fate| *fate != Fate::Aborted),
        acknowledged: with(|fate| matches!(fate, Fate::Acknowledged { .. })),
        aborted: with(|fate| *fate == Fate::Aborted),
        processed: processed(options, trial),
        outputs: trial.outputs.len() as u64,
        outputs_in_log: trial.outputs_in_log,
        ..ProveCounts::default()
    }
}

/// Acknowledged inputs below the committed offset of their partition.
fn processed(options: &ProveOptions, trial: &Trial) -> u64 {
    let mut by_partition: BTreeMap<(&str, i32), i64> = BTreeMap::new();
    for ((_, (topic, partition)), offset) in &trial.moments.committed {
        let at = by_partition
            .entry((topic.as_str(), *partition))
            .or_insert(*offset);
        *at = (*at).max(*offset);
    }
    let done = trial.fed.iter().filter(|fed| match fed.fate {
        Fate::Acknowledged { partition, offset } => options
            .inputs
            .get(fed.topic)
            .and_then(|topic| by_partition.get(&(topic.as_str(), partition)))
            .is_some_and(|committed| *committed > offset),
        _ => false,
    });
    done.count() as u64
}

/// What can't be judged because outputs can't be led back to inputs.
fn traceable(options: &ProveOptions, trial: &Trial, found: &PipelineFindings) -> Vec<String> {
    if trial.outputs.is_empty() {
        return Vec::new();
    }
    let mut missing = Vec::new();
    if found.untraceable.count > 0 {
        let examples: Vec<String> = found
            .untraceable
            .examples
            .iter()
            .map(|example| {
                let value = example
                    .value
                    .as_deref()
                    .map_or("no value".into(), String::from_utf8_lossy);
                format!(
                    "{}/{} @ {}: {} ({value})",
                    options
                        .outputs
                        .get(usize::from(example.place.topic))
                        .map_or("?", String::as_str),
                    example.place.partition,
                    example.place.offset,
                    example.why
                )
            })
            .collect();
        missing.push(format!(
            "{} of {} can't be led back to inputs by `{}`: {}; see --lineage",
            count(found.untraceable.count),
            counted(found.outputs, "output", "outputs"),
            options.lineage,
            examples.join("; ")
        ));
    }
    for judged in &found.judged {
        match &judged.extent {
            Extent::Whole | Extent::NotAsked(_) => {}
            Extent::Partly(why) => missing.push(format!("{} judged in part: {why}", asked_for(judged.check))),
            Extent::Not(why) => missing.push(format!("{} not judged: {why}", asked_for(judged.check))),
        }
    }
    missing
}

fn report(
    anomaly: Anomaly,
    options: &ProveOptions,
    trial: &Trial,
    all: &[&PipelineFinding],
) -> ProvedAnomaly {
    let violation = anomaly.standing(options.contract) == Standing::Violation;
    let wanted = if violation { MOST_TRACED } else { 0 };
    let asked: Vec<Asked> = all
        .iter()
        .take(wanted)
        .filter_map(|finding| asked(options, trial, finding))
        .collect();
    let traced = trace::look(&trial.history, &asked);
    let examples = all.iter().take(MOST_EXAMPLES).enumerate().map(|(at, finding)| {
        let told = traced.get(at);
        ProvedExample {
            records: records(options, finding),
            story: story(finding, told.map(|told| told.story.as_str())),
            wire: String::new(),
            event: told.and_then(|told| told.event),
        }
    });
    ProvedAnomaly {
        name: anomaly.name().to_owned(),
        violation,
        count: all.len() as u64,
        headline: anomaly.headline(all.len() as u64),
        explanation: anomaly.explanation(options.contract),
        examples: examples.collect(),
    }
}

/// What the wire and the logs say, by anomaly.
fn on_the_wire(options: &ProveOptions, trial: &Trial) -> Vec<ProvedAnomaly> {
    let mut by_anomaly: BTreeMap<Anomaly, Vec<&WireFinding>> = BTreeMap::new();
    for finding in &trial.found {
        by_anomaly.entry(finding.anomaly).or_default().push(finding);
    }
    let reports = by_anomaly.into_iter().map(|(anomaly, all)| {
        let violation = anomaly.violates(options.contract);
        let examples = all
            .iter()
            .take(MOST_EXAMPLES)
            .enumerate()
            .map(|(at, finding)| ProvedExample {
                records: finding.records.clone(),
                story: finding.story.clone(),
                wire: String::new(),
                event: finding.event.filter(|_| violation && at < MOST_TRACED),
            });
        ProvedAnomaly {
            name: anomaly.name().to_owned(),
            violation,
            count: all.len() as u64,
            headline: anomaly.headline(all.len() as u64),
            explanation: anomaly.explanation(options.contract),
            examples: examples.collect(),
        }
    });
    reports.collect()
}

/// What is to be looked for on the wire.
fn asked(options: &ProveOptions, trial: &Trial, finding: &PipelineFinding) -> Option<Asked> {
    let input = finding.inputs.first()?;
    let words = trial.words.as_ref()?;
    let fed = trial.fed.iter().find(|fed| match fed.fate {
        Fate::Acknowledged { partition, offset } => {
            usize::from(input.topic) == fed.topic && partition == input.partition && offset == input.offset
        }
        _ => false,
    })?;
    Some(Asked {
        topic: options.inputs.get(fed.topic)?.clone(),
        partition: input.partition,
        offset: input.offset,
        value: words.value(fed).into_bytes(),
        outputs: options.outputs.clone(),
    })
}

fn records(options: &ProveOptions, finding: &PipelineFinding) -> Vec<String> {
    let name = |topics: &[String], place: &Place| {
        let topic = topics.get(usize::from(place.topic)).map_or("?", String::as_str);
        match place.offset {
            -1 => format!("{topic} (no offset known)"),
            offset => format!(
                "{topic}/{} @ {}",
                place.partition,
                count(u64::try_from(offset).unwrap_or(0))
            ),
        }
    };
    let inputs = finding.inputs.iter().map(|place| name(&options.inputs, place));
    inputs
        .chain(finding.outputs.iter().map(|place| name(&options.outputs, place)))
        .collect()
}

fn story(finding: &PipelineFinding, wire: Option<&str>) -> String {
    let key = finding
        .key
        .as_deref()
        .map(|key| format!("key {}", String::from_utf8_lossy(key)));
    let window = finding.inside_window.map(|inside| match inside {
        true => "in flight when something happened".to_owned(),
        false => "nothing happened that would explain it".to_owned(),
    });
    let parts = [key, finding.note.clone(), window, wire.map(str::to_owned)];
    parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

fn reason(anomaly: &ProvedAnomaly) -> String {
    match anomaly.examples.first() {
        Some(example) => format!("{}: {}", anomaly.headline, example.records.join(" → ")),
        None => anomaly.headline.clone(),
    }
}

/// Conditions for "holds" that are missing.
fn conditions(trial: &Trial) -> Vec<String> {
    match &trial.stop {
        Some(Stop::Interrupted) => return vec!["interrupted: run it again to its end".to_owned()],
        Some(Stop::Pipeline(why)) => return vec![why.clone()],
        Some(Stop::Infrastructure(why)) => return vec![why.clone()],
        None => {}
    }
    let mut missing = trial.missing.clone();
    missing.extend(trial.rounds.iter().filter_map(round));
    if !trial
        .rounds
        .iter()
        .any(|round| round.ending == RoundEnding::Survived)
        && missing.is_empty()
    {
        missing.push("no fault was placed: nothing was put to the test".to_owned());
    }
    if !trial.caught_up
        && !trial
            .rounds
            .iter()
            .any(|round| round.ending == RoundEnding::Stuck)
    {
        missing.push(
            "the pipeline did not catch up with its inputs after the faults: what it has not done yet can't be judged"
                .to_owned(),
        );
    }
    if trial.outputs.is_empty() {
        missing.push("there are no outputs".to_owned());
    }
    missing
}

fn round(round: &RoundReport) -> Option<String> {
    let name = &round.fault;
    match round.ending {
        RoundEnding::Survived | RoundEnding::NotApplicable => None,
        RoundEnding::NotRun => Some(format!(
            "{name} was not run: {}; give more with --budget",
            round.detail
        )),
        RoundEnding::Missed => Some(format!("{name} showed nothing: {}", round.detail)),
        RoundEnding::Stuck => Some(format!("did not resume after {name}: {}", round.detail)),
    }
}

/// What a check of the pipeline asks for, as a word.
fn asked_for(check: Check) -> &'static str {
    match check {
        Check::Loss => "loss",
        Check::Duplicate => "duplicates",
        Check::Reorder => "order",
        Check::Phantom => "outputs without inputs",
        Check::KeyMoved => "the partitions of keys",
    }
}

/// Why a missing output says nothing, if so.
fn loss_not_asked(found: &PipelineFindings) -> Option<&'static str> {
    found
        .judged
        .iter()
        .find_map(|judged| match (judged.check, &judged.extent) {
            (Check::Loss, Extent::NotAsked(why)) => Some(*why),
            _ => None,
        })
}

fn holds(
    options: &ProveOptions,
    trial: &Trial,
    counts: &ProveCounts,
    loss_not_asked: Option<&'static str>,
) -> String {
    let survived = trial
        .rounds
        .iter()
        .filter(|round| round.ending == RoundEnding::Survived)
        .count() as u64;
    let contract: Contract = options.contract;
    format!(
        "{contract} held over {}: {} of {} inputs done, {}, {}",
        counted(survived, "fault", "faults"),
        count(counts.processed),
        count(counts.acknowledged),
        loss_not_asked.map_or_else(
            || format!("{} lost", counts.lost),
            |why| format!("losses not judged ({why})")
        ),
        match counts.duplicated {
            0 => "none twice".to_owned(),
            some => format!("{} twice, as the contract allows", count(some)),
        }
    )
}
