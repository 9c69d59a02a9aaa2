use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::Anomaly;

/// Findings that are kept of each anomaly: those that were seen first.
pub const MOST_FINDINGS: usize = 10;

/// Findings by anomaly: how many, and the first of them.
#[derive(Debug, Default)]
pub struct Summary {
    anomalies: BTreeMap<Anomaly, Listed>,
}

/// Findings of one anomaly.
#[derive(Debug, Default)]
struct Listed {
    count: u64,
    /// With the step at which each was seen to be so.
    first: BTreeSet<(Option<u64>, Finding)>,
}

impl Summary {
    /// Takes in a finding.
    pub fn add(&mut self, finding: Finding) {
        let listed = self.anomalies.entry(finding.anomaly).or_default();
        listed.count += 1;
        listed
            .first
            .insert((finding.steps.iter().max().copied(), finding));
        if listed.first.len() > MOST_FINDINGS {
            listed.first.pop_last();
        }
    }

    /// What was found: the gravest first, with how many and the first of them.
    pub fn anomalies(&self) -> impl Iterator<Item = (Anomaly, u64, impl Iterator<Item = &Finding>)> {
        self.anomalies.iter().map(|(anomaly, listed)| {
            let first = listed.first.iter().map(|(_, finding)| finding);
            (*anomaly, listed.count, first)
        })
    }
}
