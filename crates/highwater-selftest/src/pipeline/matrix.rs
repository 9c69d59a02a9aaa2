//! Clean pipelines without alarm, and every defect in many of them.

use std::collections::{BTreeMap, BTreeSet};

use highwater_check::pipeline::{
    Fed as FedRecord, Lineage, Order, Output, PipelineCheck, PipelineFinding, Place,
};
use highwater_check::{Anomaly, Contract};

use super::plant::{PipelineDefect, Spot, pipeline_defects};
use super::run::{PIPELINE_CONTRACTS, Run, clean_run};
use crate::matrix::Cell;
use crate::plant::{Context, Where};
use crate::selftest::CleanRow;

/// What judges a run of a pipeline.
pub type PipelineJudge<'a> = &'a dyn Fn(&Run) -> Vec<PipelineFinding>;

/// A defect of a pipeline, and how it fared.
#[derive(Debug, Clone)]
pub struct PipelineRow {
    /// In words.
    pub defect: &'static str,
    /// Names it is caught by.
    pub caught_by: &'static [Anomaly],
    /// Whether its contract forbids it.
    pub forbidden: bool,
    /// By place: first, middle, last.
    pub places: [Cell; 3],
    /// By what it stands in; inputs that were read again count as in a rebalance.
    pub contexts: BTreeMap<Context, Cell>,
    /// The first that was not caught.
    pub miss: Option<PipelineMiss>,
}

/// A defect that was not caught, or with something else.
#[derive(Debug, Clone)]
pub struct PipelineMiss {
    /// Seed of the run.
    pub seed: u64,
    /// Where in it.
    pub place: Where,
    /// What must be found.
    pub expected: Vec<PipelineFinding>,
    /// What was found.
    pub found: Vec<PipelineFinding>,
}

impl PipelineRow {
    /// Planted at every place, and always caught.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.places.iter().all(|cell| cell.is_complete())
            && self.contexts.values().all(|cell| cell.is_complete())
    }
}

/// The check of pipelines, by the rule and the contract of the run.
#[must_use]
pub fn check_run(run: &Run) -> Vec<PipelineFinding> {
    // The rules of runs can be read: a test sees to that.
    let Ok(lineage) = run.rule.parse::<Lineage>() else {
        return Vec::new();
    };
    let order = match run.contract.ordered_per_partition {
        true => Order::PerPartition,
        false => Order::PerKey,
    };
    let mut check = PipelineCheck::new(lineage, order);
    for fed in &run.inputs {
        check.fed(&FedRecord {
            place: fed.place,
            key: fed.key.as_deref(),
            value: Some(&fed.value),
            id: fed.id.as_bytes(),
            committed: fed.committed,
        });
    }
    for put in &run.outputs {
        check.output(&Output {
            place: put.place,
            key: put.key.as_deref(),
            value: Some(&put.value),
            headers: &put.headers,
        });
    }
    check.finish(Some(run.windows())).findings
}

/// Judges clean pipelines of every contract, so many from a seed on.
pub fn pipeline_clean(seed: u64, runs: u64, judge: PipelineJudge<'_>) -> Vec<CleanRow> {
    PIPELINE_CONTRACTS
        .into_iter()
        .map(|name| {
            let mut row = CleanRow {
                contract: name,
                histories: 0,
                steps: 0,
                alarms: 0,
                first_alarm: None,
            };
            let Ok(contract) = Contract::parse(name) else {
                return row;
            };
            for seed in (seed..).take(usize::try_from(runs).unwrap_or(usize::MAX)) {
                let run = clean_run(seed, contract);
                row.histories += 1;
                row.steps += (run.inputs.len() + run.outputs.len()) as u64;
                let alarm = judge(&run).iter().any(|finding| {
                    finding.anomaly.violates(contract) || !run.allowed.contains(&finding.anomaly)
                });
                if alarm {
                    row.alarms += 1;
                    row.first_alarm.get_or_insert(seed);
                }
            }
            row
        })
        .collect()
}

/// Runs that are searched at most for one that has places for a defect, for each that is wanted.
const SEARCHED: u64 = 200;

/// Plants every defect first, in the middle and last, in so many runs each, from a seed on.
pub fn pipeline_matrix(
    seed: u64,
    runs: u64,
    judge: PipelineJudge<'_>,
    progress: &mut dyn FnMut(&str),
) -> Vec<PipelineRow> {
    pipeline_defects()
        .iter()
        .map(|defect| {
            progress(defect.name);
            row(defect, seed, runs, judge)
        })
        .collect()
}

fn row(defect: &PipelineDefect, seed: u64, runs: u64, judge: PipelineJudge<'_>) -> PipelineRow {
    let mut row = PipelineRow {
        defect: defect.name,
        caught_by: defect.caught_by,
        forbidden: defect.forbidden,
        places: [Cell::default(); 3],
        contexts: BTreeMap::new(),
        miss: None,
    };
    let Ok(contract) = Contract::parse(defect.contract) else {
        return row;
    };
    let mut with_places = 0;
    for seed in (seed..).take(usize::try_from(runs.saturating_mul(SEARCHED)).unwrap_or(usize::MAX)) {
        if with_places == runs {
            break;
        }
        let run = clean_run(seed, contract);
        let spots: Vec<usize> = (defect.places)(&run)
            .into_iter()
            .filter(|input| (defect.plant)(&run, *input).is_some())
            .collect();
        if spots.len() < 3 {
            continue;
        }
        with_places += 1;
        for (place, cell) in Where::ALL.into_iter().zip(0..) {
            let Some(spot) = (defect.plant)(&run, spots[place.among(spots.len())]) else {
                continue;
            };
            let context = spot.context;
            let killed = row.judge((seed, place), spot, contract, judge);
            row.places[cell].count(killed);
            row.contexts.entry(context).or_default().count(killed);
        }
    }
    row
}

impl PipelineRow {
    fn judge(
        &mut self,
        (seed, place): (u64, Where),
        spot: Spot,
        contract: Contract,
        judge: PipelineJudge<'_>,
    ) -> bool {
        let mut found = judge(&spot.run);
        // What happens under the contract anyway, and is not what was planted.
        found.retain(|finding| {
            finding.anomaly.violates(contract) || spot.expected.iter().any(|expected| same(expected, finding))
        });
        let exact = spot.expected.len() == found.len()
            && spot
                .expected
                .iter()
                .all(|expected| found.iter().filter(|finding| same(expected, finding)).count() == 1);
        let standing = spot
            .expected
            .iter()
            .any(|expected| expected.anomaly.violates(contract))
            == self.forbidden;
        let killed = exact && standing;
        if !killed && self.miss.is_none() {
            self.miss = Some(PipelineMiss {
                seed,
                place,
                expected: spot.expected,
                found,
            });
        }
        killed
    }
}

/// The same name, the same inputs and the same outputs.
fn same(expected: &PipelineFinding, found: &PipelineFinding) -> bool {
    let set = |places: &[Place]| places.iter().copied().collect::<BTreeSet<_>>();
    expected.anomaly == found.anomaly
        && set(&expected.inputs) == set(&found.inputs)
        && set(&expected.outputs) == set(&found.outputs)
}
