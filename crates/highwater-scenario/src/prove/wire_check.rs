//! What the wire history and the logs of the outputs say, beside what the outputs say about the inputs.
//!
//! ```text
//! history ─▶ steps ─┐
//! outputs, both isolation levels ─▶ steps ─▶ Analysis ─▶ findings
//! ```
//! Invariant: nothing is said about records of inputs that rests on who wrote them: the feed does not pass the proxy.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use highwater_check::Anomaly;
use highwater_check::history::wire::{Ends, FromWire};
use highwater_check::history::{Analysis, Finding, Names, Options};
use highwater_load::log;
use highwater_model::history::{Events, Isolation};

use super::stage::Stop;

/// A finding in words.
#[derive(Debug, Clone)]
pub(super) struct WireFinding {
    pub(super) anomaly: Anomaly,
    pub(super) records: Vec<String>,
    pub(super) story: String,
    /// The event that shows it.
    pub(super) event: Option<u64>,
}

/// Checks a history that is complete, with the outputs as they are in the log.
pub(super) fn check(
    history: &Path,
    bootstrap: &str,
    inputs: &[String],
    outputs: &[String],
    interrupted: &AtomicBool,
) -> Result<Vec<WireFinding>, Stop> {
    let failed = |error: &dyn std::error::Error| Stop::Infrastructure(crate::session::described(error));
    let file = File::open(history).map_err(|error| failed(&error))?;
    let mut translation = FromWire::new();
    let mut analysis = Analysis::new(Options::default());
    for event in Events::new(BufReader::new(file)).map_err(|error| failed(&error))? {
        let event = event.map_err(|error| failed(&error))?;
        translation.event(&event, &mut |step| analysis.step(&step));
    }
    let mut back = translation.finish(&mut |step| analysis.step(&step));
    for topic in outputs {
        let mut all = Vec::new();
        for isolation in [Isolation::ReadUncommitted, Isolation::ReadCommitted] {
            let reached = log::read(bootstrap, topic, isolation, interrupted, &mut |fetched| {
                back.fetched(
                    &fetched.facts,
                    isolation,
                    fetched.from,
                    &|base_offset| fetched.intact(base_offset),
                    &mut |step| analysis.step(&step),
                );
            });
            all.push(reached.map_err(|error| failed(&error))?);
        }
        let [uncommitted, committed] = all.as_slice() else {
            continue;
        };
        for (partition, reached) in uncommitted {
            let whole = reached.whole && committed.get(partition).is_some_and(|one| one.whole);
            let ends = Ends {
                log_start: reached.ends.log_start,
                high_watermark: reached.ends.high_watermark,
                last_stable_offset: reached.ends.last_stable_offset,
                compacted: reached.compacted,
                whole,
            };
            back.end(topic, *partition, ends, &mut |step| analysis.step(&step));
        }
    }
    let names = back.into_names();
    let mut found = Vec::new();
    analysis.finish(&mut |finding| {
        if is_known(&finding, &names, inputs) {
            found.push(told(&finding, &names));
        }
    });
    Ok(found)
}

/// Whether a finding rests on what passed the proxy, or on the outputs.
fn is_known(finding: &Finding, names: &Names, inputs: &[String]) -> bool {
    use Anomaly as A;
    let of_groups = matches!(
        finding.anomaly,
        A::GroupSkip
            | A::CommitAhead
            | A::CommitRegression
            | A::DualOwnership
            | A::RedeliveryOutsideWindow
            | A::FencingViolation
            | A::OffsetsWithoutOutputs
            | A::OutputsWithoutOffsets
    );
    let of_inputs = finding.records.iter().any(|record| {
        let name = names.of_partition(record.partition);
        name.rsplit_once('/')
            .is_some_and(|(topic, _)| inputs.iter().any(|input| input == topic))
    });
    of_groups || !of_inputs
}

fn told(finding: &Finding, names: &Names) -> WireFinding {
    let records = finding.records.iter().map(|record| {
        let partition = names.of_partition(record.partition);
        match record.offset {
            Some(offset) => format!("{partition} @ {offset}"),
            None => partition.to_owned(),
        }
    });
    let mut parts = Vec::new();
    parts.extend(
        finding
            .processes
            .iter()
            .map(|process| format!("client {}", names.of_process(*process))),
    );
    if let Some((group, members)) = &finding.group {
        parts.push(format!("group {}", names.of_group(*group)));
        parts.extend(
            members
                .iter()
                .map(|member| format!("member {}", names.of_member(*member))),
        );
    }
    let producers = finding.producers.iter();
    parts.extend(producers.map(|producer| format!("producer {} epoch {}", producer.id, producer.epoch)));
    parts.extend(finding.delta.map(|delta| format!("distance {delta}")));
    WireFinding {
        anomaly: finding.anomaly,
        records: records.collect(),
        story: parts.join(", "),
        event: finding.steps.last().copied(),
    }
}
