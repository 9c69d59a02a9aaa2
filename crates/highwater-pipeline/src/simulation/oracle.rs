//! What must be true, whatever happens. It sees what the world does, never what the core thinks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::broker::{Broker, Op, Rec, covers};
use crate::offset::{CommitPoint, METADATA_LIMIT_BYTES, decode};

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) invariant: &'static str,
    pub(super) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is broken: {}", self.invariant, self.what)
    }
}

pub(super) fn ensure(
    holds: bool,
    invariant: &'static str,
    what: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if holds {
        Ok(())
    } else {
        Err(Violation {
            invariant,
            what: what(),
        })
    }
}

#[derive(Debug, Default)]
pub(super) struct Oracle {
    /// How often each record had its effect or became a dead letter.
    pub(super) ended: BTreeMap<i64, u32>,
    /// The ids whose effect was made.
    pub(super) ids: BTreeSet<i64>,
    /// What any commit of the source said is done.
    pub(super) committed_done: BTreeSet<i64>,
}

impl Oracle {
    /// Makes something visible.
    pub(super) fn apply(&mut self, broker: &mut Broker, op: Op) -> Result<(), Violation> {
        match op {
            Op::Effect(rec) => {
                self.key_order(broker, &rec)?;
                self.ids.insert(rec.id);
                *self.ended.entry(rec.offset).or_default() += 1;
            }
            Op::Dead(rec) => {
                self.key_order(broker, &rec)?;
                *self.ended.entry(rec.offset).or_default() += 1;
            }
            Op::Retry(retry) => broker.retry.push(retry),
            Op::Offsets(commit) => {
                if let Some(point) = commit.source {
                    self.commit_source(broker, &point)?;
                    broker.committed = (point.offset, point.metadata);
                }
                if let Some(point) = commit.retry {
                    self.commit_retry(broker, &point)?;
                    broker.committed_retry = (point.offset, point.metadata);
                }
            }
        }
        Ok(())
    }

    /// A record is left out as a duplicate: then the effect of its id was made.
    pub(super) fn left_out(&mut self, rec: &Rec) -> Result<(), Violation> {
        ensure(self.ids.contains(&rec.id), "nothing-lost", || {
            format!(
                "offset {} was left out, and id {} had no effect",
                rec.offset, rec.id
            )
        })?;
        *self.ended.entry(rec.offset).or_default() += 1;
        Ok(())
    }

    /// Nothing is lost: every record had its effect or is a dead letter. With transactions exactly once.
    pub(super) fn at_the_end(&self, broker: &Broker, exactly_once: bool) -> Result<(), Violation> {
        for rec in broker.records() {
            let times = self.ended.get(&rec.offset).copied().unwrap_or(0);
            ensure(times > 0, "nothing-lost", || {
                format!("offset {} never ended", rec.offset)
            })?;
            ensure(times == 1 || !exactly_once, "exactly-once", || {
                format!("offset {} ended {times} times", rec.offset)
            })?;
        }
        Ok(())
    }

    /// When a record of a key ends, all earlier ones of the key have ended.
    fn key_order(&self, broker: &Broker, rec: &Rec) -> Result<(), Violation> {
        let Some(key) = rec.key else { return Ok(()) };
        let earlier = broker
            .records()
            .take_while(|other| other.offset < rec.offset)
            .find(|other| other.key == Some(key) && !self.ended.contains_key(&other.offset));
        ensure(earlier.is_none(), "key-order", || {
            format!("offset {} ended before {earlier:?}", rec.offset)
        })
    }

    /// What is committed had its effect, is a dead letter, or is in the retry topic.
    fn commit_source(&mut self, broker: &Broker, point: &CommitPoint) -> Result<(), Violation> {
        let done = read(point)?;
        for rec in broker.records().filter(|rec| covers(&done, rec.offset)) {
            let safe = self.ended.contains_key(&rec.offset)
                || broker.retry.iter().any(|retry| retry.rec.offset == rec.offset);
            ensure(safe, "commit-safe", || {
                format!("offset {} is committed and nowhere", rec.offset)
            })?;
            self.committed_done.insert(rec.offset);
        }
        Ok(())
    }

    /// What is committed of the retry topic ended, or has a later version there.
    fn commit_retry(&self, broker: &Broker, point: &CommitPoint) -> Result<(), Violation> {
        let done = read(point)?;
        for (offset, retry) in broker
            .retry
            .iter()
            .enumerate()
            .filter(|(offset, _)| covers(&done, *offset as i64))
        {
            let safe = self.ended.contains_key(&retry.rec.offset)
                || broker.retry.iter().enumerate().any(|(other, version)| {
                    version.rec.offset == retry.rec.offset && !covers(&done, other as i64)
                });
            ensure(safe, "commit-safe", || {
                format!(
                    "retry offset {offset} (source offset {}) is committed and nowhere",
                    retry.rec.offset
                )
            })?;
        }
        Ok(())
    }
}

fn read(point: &CommitPoint) -> Result<(i64, Vec<crate::offset::Run>), Violation> {
    ensure(
        point.metadata.len() <= METADATA_LIMIT_BYTES && point.left_out == 0,
        "metadata-fits",
        || format!("{} bytes, {} left out", point.metadata.len(), point.left_out),
    )?;
    let runs = decode(point.offset, &point.metadata).map_err(|error| Violation {
        invariant: "metadata-fits",
        what: error.to_string(),
    })?;
    Ok((point.offset, runs))
}
