//! The kill matrix: every defect in many histories, and whether exactly it was found.

use std::collections::BTreeMap;

use highwater_check::history::{Finding, Options, Step, check};
use highwater_check::{Anomaly, Contract};

use crate::clean::clean_history;
use crate::plant::{Context, Defect, Expected, Planted, Where, defects};

/// What judges a history: the checkers, or some of them.
pub type Judge<'a> = &'a dyn Fn(&[Step]) -> Vec<Finding>;

/// How often a defect was planted and killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    /// Histories it was planted in.
    pub planted: u64,
    /// Histories in which exactly it was found.
    pub killed: u64,
}

impl Cell {
    /// Planted at all, and found every time.
    #[must_use]
    pub fn is_complete(self) -> bool {
        self.planted > 0 && self.killed == self.planted
    }

    pub(crate) fn count(&mut self, killed: bool) {
        self.planted += 1;
        self.killed += u64::from(killed);
    }
}

/// A defect that was not caught, or with something else.
#[derive(Debug, Clone)]
pub struct Miss {
    /// Seed of the history.
    pub seed: u64,
    /// Where in it.
    pub place: Where,
    /// In what.
    pub context: Context,
    /// What must be found.
    pub expected: Vec<Expected>,
    /// What was found.
    pub found: Vec<Finding>,
}

/// A defect, and how it fared.
#[derive(Debug, Clone)]
pub struct MatrixRow {
    /// In words.
    pub defect: &'static str,
    /// Names it is caught by.
    pub caught_by: &'static [Anomaly],
    /// Whether its contract forbids it.
    pub forbidden: bool,
    /// By place: first, middle, last.
    pub places: [Cell; 3],
    /// By what it stands in.
    pub contexts: BTreeMap<Context, Cell>,
    /// The first that was not caught.
    pub miss: Option<Miss>,
}

impl MatrixRow {
    /// Planted at every place, and always caught.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.places.iter().all(|cell| cell.is_complete())
            && self.contexts.values().all(|cell| cell.is_complete())
    }
}

/// All defects, and how they fared.
#[derive(Debug, Clone)]
pub struct Matrix {
    /// In the order of the table.
    pub rows: Vec<MatrixRow>,
}

impl Matrix {
    /// Every defect was planted everywhere and always caught.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.rows.iter().all(MatrixRow::is_complete)
    }

    /// Defects planted, and how many of them were killed.
    #[must_use]
    pub fn killed(&self) -> Cell {
        let mut sum = Cell::default();
        for cell in self.rows.iter().flat_map(|row| &row.places) {
            sum.planted += cell.planted;
            sum.killed += cell.killed;
        }
        sum
    }
}

/// Histories that are searched at most for one that has places for a defect, for each that is wanted.
const SEARCHED: u64 = 200;

/// Plants every defect first, in the middle and last, in so many histories each, from a seed on.
pub fn kill_matrix(seed: u64, histories: u64, judge: Judge<'_>, progress: &mut dyn FnMut(&str)) -> Matrix {
    let rows = defects()
        .iter()
        .map(|defect| {
            progress(defect.name);
            row(defect, seed, histories, judge)
        })
        .collect();
    Matrix { rows }
}

fn row(defect: &Defect, seed: u64, histories: u64, judge: Judge<'_>) -> MatrixRow {
    let mut row = MatrixRow {
        defect: defect.name,
        caught_by: defect.caught_by,
        forbidden: defect.forbidden,
        places: [Cell::default(); 3],
        contexts: BTreeMap::new(),
        miss: None,
    };
    // The contracts of the table are words that can be read: a test sees to that.
    let Ok(contract) = Contract::parse(defect.contract) else {
        return row;
    };
    let mut with_places = 0;
    for number in 0..histories * SEARCHED {
        if with_places == histories {
            break;
        }
        let seed = seed.wrapping_add(number);
        let clean = clean_history(seed, contract).steps;
        let mut any = false;
        for (place, cell) in Where::ALL.into_iter().zip(0..) {
            if let Some(planted) = defect.plant(&clean, place, None) {
                any = true;
                let killed = row.judge((seed, place), planted, contract, defect.forbidden, judge);
                row.places[cell].count(killed);
            }
        }
        with_places += u64::from(any);
        for context in defect.contexts(&clean) {
            if let Some(planted) = defect.plant(&clean, Where::Middle, Some(context)) {
                let killed = row.judge((seed, Where::Middle), planted, contract, defect.forbidden, judge);
                row.contexts.entry(context).or_default().count(killed);
            }
        }
    }
    row
}

impl MatrixRow {
    fn judge(
        &mut self,
        (seed, place): (u64, Where),
        planted: Planted,
        contract: Contract,
        forbidden: bool,
        judge: Judge<'_>,
    ) -> bool {
        let mut found = judge(&planted.steps);
        found.retain(|finding| !natural(finding, &planted.expected, contract));
        // What the contract allows may have happened there just so already.
        if !forbidden {
            found.dedup_by(|one, other| one.anomaly == other.anomaly && one.records == other.records);
        }
        let exact = same(&planted.expected, &found);
        let standing = planted
            .expected
            .iter()
            .any(|expected| expected.anomaly.violates(contract))
            == forbidden;
        let killed = exact && standing;
        if !killed && self.miss.is_none() {
            self.miss = Some(Miss {
                seed,
                place,
                context: planted.context,
                expected: planted.expected,
                found,
            });
        }
        killed
    }
}

/// What the histories of a contract hold anyway, and what is not what was planted.
fn natural(finding: &Finding, expected: &[Expected], contract: Contract) -> bool {
    !finding.anomaly.violates(contract) && !expected.iter().any(|expected| expected.is(finding))
}

/// Whether each expected finding is there once, and no other.
fn same(expected: &[Expected], found: &[Finding]) -> bool {
    expected.len() == found.len()
        && expected
            .iter()
            .all(|expected| found.iter().filter(|finding| expected.is(finding)).count() == 1)
}

/// All checkers.
#[must_use]
pub fn all_checkers(steps: &[Step]) -> Vec<Finding> {
    check(steps, Options::default())
}
