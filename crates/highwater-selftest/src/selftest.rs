//! All of it: clean histories and pipelines, defects, controls, equivalents, the oracle.

use std::collections::BTreeMap;

use highwater_check::history::Step;
use highwater_check::{Anomaly, Contract};

use crate::clean::{CONTRACTS, clean_history};
use crate::control::Control;
use crate::matrix::{Cell, Judge, Matrix, kill_matrix};
use crate::oracle::{OracleRow, ask_oracle};
use crate::pipeline::{PipelineRow, check_run, pipeline_clean, pipeline_matrix};
use crate::plant::{Where, defects, equivalents};

/// Clean histories of one contract.
#[derive(Debug, Clone)]
pub struct CleanRow {
    /// The contract.
    pub contract: &'static str,
    /// Histories judged.
    pub histories: u64,
    /// Their steps.
    pub steps: u64,
    /// Histories in which something was found that is not there.
    pub alarms: u64,
    /// Seed of the first of them.
    pub first_alarm: Option<u64>,
}

/// A control, and how often it changed what was found.
#[derive(Debug, Clone)]
pub struct ControlRow {
    /// Which.
    pub control: Control,
    /// Histories told otherwise, clean ones and ones with a defect.
    pub histories: u64,
    /// Histories of which something else was found.
    pub changed: u64,
}

/// A change that nobody may see, and how often somebody did.
#[derive(Debug, Clone)]
pub struct EquivalentRow {
    /// In words.
    pub name: &'static str,
    /// Why it can't be seen.
    pub reason: &'static str,
    /// Histories it was made in.
    pub planted: u64,
    /// Histories in which something was found.
    pub seen: u64,
}

/// The proof of the checkers.
#[derive(Debug, Clone)]
pub struct Selftest {
    /// Seed of the first history.
    pub seed: u64,
    /// By contract.
    pub clean: Vec<CleanRow>,
    /// Every planted defect.
    pub matrix: Matrix,
    /// Clean pipelines, by contract; steps are inputs and outputs.
    pub clean_pipelines: Vec<CleanRow>,
    /// Every planted defect of pipelines.
    pub pipelines: Vec<PipelineRow>,
    /// Inverted controls.
    pub controls: Vec<ControlRow>,
    /// Equivalent mutants.
    pub equivalents: Vec<EquivalentRow>,
    /// The brute-force oracle, if it was asked.
    pub oracle: Option<OracleRow>,
}

impl Selftest {
    /// Defects planted first, in the middle and last, and how many of them were killed.
    #[must_use]
    pub fn killed(&self) -> Cell {
        let mut sum = self.matrix.killed();
        for cell in self.pipelines.iter().flat_map(|row| &row.places) {
            sum.planted += cell.planted;
            sum.killed += cell.killed;
        }
        sum
    }

    /// Every defect was caught, nothing else was found, and nothing was left out.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.matrix.is_complete()
            && self.pipelines.iter().all(PipelineRow::is_complete)
            && self
                .clean
                .iter()
                .chain(&self.clean_pipelines)
                .all(|row| row.histories > 0 && row.alarms == 0)
            && self
                .controls
                .iter()
                .all(|row| row.histories > 0 && row.changed == 0)
            && self
                .equivalents
                .iter()
                .all(|row| row.planted > 0 && row.seen == 0)
            && self
                .oracle
                .as_ref()
                .is_none_or(|oracle| oracle.histories > 0 && oracle.disagreements.is_empty())
    }
}

/// Histories at least that are looked through for a place for an equivalent mutant.
const EQUIVALENT_SEARCHED: u64 = 40;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Seed of the first history.
    pub seed: u64,
    /// Clean histories for each contract.
    pub clean: u64,
    /// Histories for each defect, each with the defect first, in the middle and last.
    pub planted: u64,
    /// Whether the oracle is asked too.
    pub oracle: bool,
}

/// Tries all of it. Progress is told in words, a few for each part.
pub fn selftest(extent: Extent, judge: Judge<'_>, progress: &mut dyn FnMut(&str)) -> Selftest {
    let clean = CONTRACTS
        .into_iter()
        .map(|contract| {
            progress(&format!("clean histories, {contract}"));
            clean_row(contract, extent, judge)
        })
        .collect();
    let matrix = kill_matrix(extent.seed, extent.planted, judge, &mut |defect| {
        progress(&format!("planted: {defect}"));
    });
    progress("clean pipelines");
    let clean_pipelines = pipeline_clean(extent.seed, extent.clean, &check_run);
    let pipelines = pipeline_matrix(extent.seed, extent.planted, &check_run, &mut |defect| {
        progress(&format!("planted: {defect}"));
    });
    progress("inverted controls");
    let controls = control_rows(extent, judge);
    progress("equivalent mutants");
    let equivalents = equivalent_rows(extent, judge);
    let oracle = extent.oracle.then(|| {
        progress("brute-force oracle");
        ask_oracle(judge)
    });
    Selftest {
        seed: extent.seed,
        clean,
        matrix,
        clean_pipelines,
        pipelines,
        controls,
        equivalents,
        oracle,
    }
}

fn clean_row(name: &'static str, extent: Extent, judge: Judge<'_>) -> CleanRow {
    let mut row = CleanRow {
        contract: name,
        histories: 0,
        steps: 0,
        alarms: 0,
        first_alarm: None,
    };
    // The contracts of the table are words that can be read: a test sees to that.
    let Ok(contract) = Contract::parse(name) else {
        return row;
    };
    for seed in (extent.seed..).take(usize::try_from(extent.clean).unwrap_or(usize::MAX)) {
        let clean = clean_history(seed, contract);
        row.histories += 1;
        row.steps += clean.steps.len() as u64;
        if judge(&clean.steps).iter().any(|finding| clean.is_alarm(finding)) {
            row.alarms += 1;
            row.first_alarm.get_or_insert(seed);
        }
    }
    row
}

/// What was found, by name. Whether a reader jumps inside a poll or between two depends on how polls are told.
fn names(steps: &[Step], judge: Judge<'_>) -> BTreeMap<Anomaly, usize> {
    let mut names = BTreeMap::new();
    for finding in judge(steps) {
        let anomaly = match finding.anomaly {
            Anomaly::IntPollSkip => Anomaly::PollSkip,
            Anomaly::IntNonmonotonicPoll => Anomaly::NonmonotonicPoll,
            // Which of the circles of a knot is told depends on the numbers.
            Anomaly::WriteCycle => continue,
            other => other,
        };
        *names.entry(anomaly).or_insert(0) += 1;
    }
    names
}

fn control_rows(extent: Extent, judge: Judge<'_>) -> Vec<ControlRow> {
    let mut rows = Control::ALL.map(|control| ControlRow {
        control,
        histories: 0,
        changed: 0,
    });
    let defects = defects();
    for seed in (extent.seed..).take(usize::try_from(extent.planted).unwrap_or(usize::MAX)) {
        for contract in CONTRACTS {
            let Ok(contract) = Contract::parse(contract) else {
                continue;
            };
            let clean = clean_history(seed, contract).steps;
            let defect = &defects[seed as usize % defects.len()];
            let planted = defect.plant(&clean, Where::Middle, None);
            for history in std::iter::once(clean).chain(planted.map(|planted| planted.steps)) {
                let before = names(&history, judge);
                for row in &mut rows {
                    row.histories += 1;
                    row.changed += u64::from(names(&row.control.apply(&history), judge) != before);
                }
            }
        }
    }
    rows.to_vec()
}

fn equivalent_rows(extent: Extent, judge: Judge<'_>) -> Vec<EquivalentRow> {
    let mut rows = Vec::new();
    for equivalent in equivalents() {
        let mut row = EquivalentRow {
            name: equivalent.name,
            reason: equivalent.reason,
            planted: 0,
            seen: 0,
        };
        let Ok(contract) = Contract::parse(equivalent.contract) else {
            rows.push(row);
            continue;
        };
        for seed in (extent.seed..)
            .take(usize::try_from(extent.planted.max(EQUIVALENT_SEARCHED)).unwrap_or(usize::MAX))
        {
            let clean = clean_history(seed, contract);
            for place in Where::ALL {
                let Some(steps) = equivalent.plant(&clean.steps, place) else {
                    continue;
                };
                row.planted += 1;
                let seen = judge(&steps).iter().any(|finding| clean.is_alarm(finding));
                row.seen += u64::from(seen);
            }
        }
        rows.push(row);
    }
    rows
}
