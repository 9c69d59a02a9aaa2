//! What an answer says, in few words.

use highwater_model::history::{BatchFacts, FetchedPartition, MarkerFact, PartitionResult, ResponseFacts};

use super::question::{partitions, several, short};
use super::{Names, Part};
use crate::number::{count, counted};
use crate::text::plain;

/// What an answer says; an error is trouble.
pub(super) fn answer(facts: &ResponseFacts, names: Names) -> Part {
    let error = |code: i16, otherwise: String| {
        if code == 0 {
            Part::calm(otherwise)
        } else {
            Part::trouble(names.error(code))
        }
    };
    match facts {
        ResponseFacts::Partitions { error: code, results } => {
            let failed: Vec<&PartitionResult> = results.iter().filter(|of| of.error != 0).collect();
            if *code != 0 || failed.is_empty() {
                return error(*code, good(results));
            }
            Part::trouble(several(&failed, |of| {
                format!("{}/{} {}", plain(&of.topic), of.partition, names.error(of.error))
            }))
        }
        ResponseFacts::Fetched {
            error: code,
            partitions,
            ..
        } => {
            let failed: Vec<&FetchedPartition> = partitions.iter().filter(|of| of.error != 0).collect();
            if *code != 0 || failed.is_empty() {
                return error(*code, fetched(partitions));
            }
            Part::trouble(several(&failed, |of| {
                format!("{}/{} {}", plain(&of.topic), of.partition, names.error(of.error))
            }))
        }
        ResponseFacts::Joined(facts) => {
            let leads = if facts.leader == facts.member_id && !facts.leader.is_empty() {
                ", leads"
            } else {
                ""
            };
            error(facts.error, format!("generation {}{leads}", facts.generation))
        }
        ResponseFacts::Assigned {
            error: code,
            member_epoch,
            partitions: owned,
            member_id,
        } => {
            let mut parts = Vec::new();
            if let Some(epoch) = member_epoch {
                parts.push(format!("epoch {epoch}"));
            }
            if let Some(member) = member_id.as_ref().filter(|member| !member.is_empty()) {
                parts.push(short(member));
            }
            if let Some(owned) = owned {
                parts.push(format!("gets {}", partitions(owned)));
            }
            if parts.is_empty() {
                parts.push("ok".into());
            }
            error(*code, parts.join(", "))
        }
        ResponseFacts::CommittedOffsets { error: code, groups } => {
            let text = several(groups, |(_, offsets)| {
                several(offsets, |of| match of.offset {
                    -1 => format!("{}/{} nothing", plain(&of.topic), of.partition),
                    offset => format!("{}/{} at {offset}", plain(&of.topic), of.partition),
                })
            });
            error(*code, text)
        }
        ResponseFacts::Producer {
            error: code,
            producer_id,
            producer_epoch,
        } => error(*code, format!("producer {producer_id}/{producer_epoch}")),
        ResponseFacts::Error { error: code } => error(*code, "ok".into()),
        ResponseFacts::Other => Part::calm("answered"),
    }
}

fn good(results: &[PartitionResult]) -> String {
    if results.iter().all(|of| of.offset < 0) {
        return "ok".into();
    }
    if let [only] = results {
        return format!("ok, offset {}", only.offset);
    }
    let offsets = several(results, |of| {
        format!("{}/{} at {}", plain(&of.topic), of.partition, of.offset)
    });
    format!("ok, {offsets}")
}

fn fetched(partitions: &[FetchedPartition]) -> String {
    let brought: Vec<&FetchedPartition> = partitions
        .iter()
        .filter(|of| !of.batches.is_empty() || !of.acquired.is_empty())
        .collect();
    if brought.is_empty() {
        return "nothing new".into();
    }
    several(&brought, |of| one(of))
}

fn one(of: &FetchedPartition) -> String {
    let data = || of.batches.iter().filter(|batch| batch.marker.is_none());
    let records: u64 = data()
        .map(|batch| u64::from(batch.last_offset_delta.unsigned_abs()) + 1)
        .sum();
    let mut text = format!(
        "{}/{} {}",
        plain(&of.topic),
        of.partition,
        counted(records, "record")
    );
    if let (Some(first), Some(last)) = (data().next(), data().next_back()) {
        let end = last.base_offset + i64::from(last.last_offset_delta);
        text += &if first.base_offset == end {
            format!(" at {end}")
        } else {
            format!(" {}–{end}", first.base_offset)
        };
    }
    for (marker, noun) in [
        (MarkerFact::Commit, "commit marker"),
        (MarkerFact::Abort, "abort marker"),
    ] {
        let found = of
            .batches
            .iter()
            .filter(|batch: &&BatchFacts| batch.marker == Some(marker))
            .count();
        if found > 0 {
            text += &format!(", {}", counted(found as u64, noun));
        }
    }
    if !of.aborted.is_empty() {
        text += &format!(
            ", {} to leave out",
            counted(of.aborted.len() as u64, "aborted transaction")
        );
    }
    if of.last_stable_offset >= 0 && of.last_stable_offset < of.high_watermark {
        text += &format!(", stable to {} of {}", of.last_stable_offset, of.high_watermark);
    }
    for (first, last, deliveries) in of.acquired.iter().take(1) {
        text += &format!(
            ", acquired {first}–{last}, delivery {}",
            count(u64::from(deliveries.unsigned_abs()))
        );
    }
    text
}
