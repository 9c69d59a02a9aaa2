//! Outputs that tell a figure for all inputs of their key: a count, a sum, the last id.
//!
//! The last output of a key counts. A count can't tell which record is missing, and a loss and a repetition of one key
//! cancel out in it; a sum of ids nearly never does; a last id says nothing about the records before it.

use std::collections::BTreeMap;

use super::check::{NO_KEY, Row};
use super::finding::PipelineFinding;
use super::texts::Texts;
use super::{Aggregate, Place};
use crate::Anomaly;

/// What was fed and what was said, by key.
#[derive(Debug, Default)]
pub(super) struct ByKey {
    keys: BTreeMap<u32, Key>,
    /// Ids that are no numbers, for a sum.
    pub(super) not_numbers: u64,
}

#[derive(Debug, Default)]
struct Key {
    count: u64,
    sum: i128,
    /// Number of the last id.
    last: Option<u32>,
    said: Option<Said>,
}

#[derive(Debug)]
struct Said {
    place: Place,
    number: i128,
    id: Option<u32>,
}

impl ByKey {
    pub(super) fn fed(&mut self, aggregate: Aggregate, key: u32, number: u32, id: &[u8]) {
        if aggregate == Aggregate::List {
            return;
        }
        let entry = self.keys.entry(key).or_default();
        entry.count += 1;
        entry.last = Some(number);
        if aggregate == Aggregate::Sum {
            match number_of(id) {
                Some(number) => entry.sum = entry.sum.saturating_add(number),
                None => self.not_numbers += 1,
            }
        }
    }

    pub(super) fn said(
        &mut self,
        aggregate: Aggregate,
        key: u32,
        place: Place,
        said: &[u8],
        id: Option<u32>,
    ) -> Result<(), String> {
        let number = match (aggregate, number_of(said)) {
            (Aggregate::Last, _) => 0,
            (_, Some(number)) => number,
            (_, None) => return Err(format!("`{}` is no whole number", String::from_utf8_lossy(said))),
        };
        let entry = self.keys.entry(key).or_default();
        entry.said = Some(Said { place, number, id });
        Ok(())
    }

    /// What does not agree, in the order of the keys.
    pub(super) fn findings(&self, aggregate: Aggregate, rows: &[Row], keys: &Texts) -> Vec<PipelineFinding> {
        let mut found = Vec::new();
        for (key, entry) in &self.keys {
            let Some((anomaly, note)) = entry.judge(aggregate) else {
                continue;
            };
            let mut finding = PipelineFinding::new(anomaly);
            finding.key = (*key != NO_KEY).then(|| keys.text(*key).to_vec());
            finding.outputs.extend(entry.said.as_ref().map(|said| said.place));
            if aggregate == Aggregate::Last && anomaly == Anomaly::PipelineLoss {
                finding
                    .inputs
                    .extend(entry.last.map(|last| rows[last as usize].place));
            }
            finding.note = Some(note);
            found.push(finding);
        }
        found
    }
}

impl Key {
    fn judge(&self, aggregate: Aggregate) -> Option<(Anomaly, String)> {
        let Some(said) = &self.said else {
            return Some((
                Anomaly::PipelineLoss,
                format!("no output for {} inputs of its key", self.count),
            ));
        };
        if self.count == 0 {
            return Some((Anomaly::PipelinePhantom, "no input has its key".to_owned()));
        }
        let (what, fed) = match aggregate {
            Aggregate::Sum => ("sum", self.sum),
            Aggregate::Count | Aggregate::List => ("count", i128::from(self.count)),
            Aggregate::Last => {
                return match said.id {
                    id if id == self.last => None,
                    Some(_) => Some((
                        Anomaly::PipelineLoss,
                        "the last output names an older input".to_owned(),
                    )),
                    None => Some((
                        Anomaly::PipelinePhantom,
                        "the last output names no input".to_owned(),
                    )),
                };
            }
        };
        let note = format!("{what} {}, fed {fed}", said.number);
        match said.number.cmp(&fed) {
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Less => Some((Anomaly::PipelineLoss, note)),
            std::cmp::Ordering::Greater => Some((Anomaly::PipelineDuplicate, note)),
        }
    }
}

/// A whole number; also one that a format wrote as `7.0`.
fn number_of(text: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(text).ok()?;
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}
