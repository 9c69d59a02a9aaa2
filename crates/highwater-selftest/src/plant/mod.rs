//! Planted defects: a clean history with one thing wrong in it, and what exactly must be found.
//!
//! Invariant: what is expected follows from what was planted, by the definition of the anomaly; no checker is asked.

mod commits;
mod compaction;
mod edit;
mod equivalent;
mod fenced;
mod groups;
mod halves;
mod log;
mod reads;
mod sends;
mod transactions;
mod view;

use std::collections::BTreeSet;

use highwater_check::Anomaly;
use highwater_check::history::{Finding, Partition, Step, Value};

use edit::Edit;
use view::View;

/// In what a defect is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// While nothing else happens.
    Quiet,
    /// While a group gives its partitions out anew.
    Rebalance,
    /// In an operation that was aborted.
    Aborted,
    /// In an operation of which nobody knows what became.
    Unknown,
}

impl Context {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Quiet, Self::Rebalance, Self::Aborted, Self::Unknown];

    /// The word in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Rebalance => "rebalance",
            Self::Aborted => "aborted",
            Self::Unknown => "unknown",
        }
    }
}

/// A record as a finding names it; what is not known is not compared.
pub type Named = (Partition, Option<i64>, Option<Value>);

/// A finding that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its name.
    pub anomaly: Anomaly,
    /// Its records, each once.
    pub records: BTreeSet<Named>,
}

impl Expected {
    fn new(anomaly: Anomaly, records: impl IntoIterator<Item = Named>) -> Self {
        Self {
            anomaly,
            records: records.into_iter().collect(),
        }
    }

    /// Whether it is that finding: the same name, and the same records and no others.
    #[must_use]
    pub fn is(&self, finding: &Finding) -> bool {
        let named: BTreeSet<Named> = finding
            .records
            .iter()
            .map(|record| (record.partition, record.offset, record.value))
            .collect();
        let alike = |one: &Named, other: &Named| {
            one.0 == other.0
                && (one.1.is_none() || other.1.is_none() || one.1 == other.1)
                && (one.2.is_none() || other.2.is_none() || one.2 == other.2)
        };
        self.anomaly == finding.anomaly
            && self.records.len() == named.len()
            && self
                .records
                .iter()
                .all(|record| named.iter().any(|other| alike(record, other)))
            && named
                .iter()
                .all(|record| self.records.iter().any(|other| alike(record, other)))
    }
}

/// A place in a history where a defect can be planted.
struct Spot {
    /// Step that it is about: first, middle and last are told by it.
    at: usize,
    context: Context,
    plant: Box<dyn Fn(&mut Edit)>,
    expected: Vec<Expected>,
}

/// A kind of defect.
pub struct Defect {
    /// In words.
    pub name: &'static str,
    /// The contract of the histories it is planted in, and under which it must be seen.
    pub contract: &'static str,
    /// What it is caught by, gravest first.
    pub caught_by: &'static [Anomaly],
    /// Whether the contract forbids it; otherwise it is told, and survives.
    pub forbidden: bool,
    spots: fn(&View<'_>) -> Vec<Spot>,
}

/// A history with a defect in it.
pub struct Planted {
    /// What happened.
    pub steps: Vec<Step>,
    /// All that must be found.
    pub expected: Vec<Expected>,
    /// In what it stands.
    pub context: Context,
}

/// Where among the places that a history has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Where {
    /// The first.
    First,
    /// The one in the middle.
    Middle,
    /// The last.
    Last,
}

impl Where {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::First, Self::Middle, Self::Last];

    pub(crate) fn among(self, count: usize) -> usize {
        match self {
            Self::First => 0,
            Self::Middle => count / 2,
            Self::Last => count - 1,
        }
    }
}

impl Defect {
    /// Plants it; nothing if the history has fewer than three places for it. A context narrows the places down.
    #[must_use]
    pub fn plant(&self, clean: &[Step], place: Where, context: Option<Context>) -> Option<Planted> {
        let view = View::new(clean);
        let mut spots = (self.spots)(&view);
        spots.retain(|spot| context.is_none_or(|context| spot.context == context));
        let least = if context.is_some() { 1 } else { 3 };
        if spots.len() < least {
            return None;
        }
        spots.sort_by_key(|spot| spot.at);
        let at = place.among(spots.len());
        let spot = spots.swap_remove(at);
        let mut edit = Edit::new(clean);
        (spot.plant)(&mut edit);
        Some(Planted {
            steps: edit.steps,
            expected: spot.expected,
            context: spot.context,
        })
    }

    /// In which contexts a history has places for it.
    #[must_use]
    pub fn contexts(&self, clean: &[Step]) -> BTreeSet<Context> {
        let view = View::new(clean);
        (self.spots)(&view).into_iter().map(|spot| spot.context).collect()
    }
}

/// All defects of histories, in the order of the table.
#[must_use]
pub fn defects() -> Vec<Defect> {
    let mut all = log::defects();
    all.extend(compaction::defects());
    all.extend(sends::defects());
    all.extend(reads::defects());
    all.extend(transactions::defects());
    all.extend(halves::defects());
    all.extend(fenced::defects());
    all.extend(groups::defects());
    all.extend(commits::defects());
    all
}

/// A change that nobody may see, and why.
pub struct Equivalent {
    /// In words.
    pub name: &'static str,
    /// Why it can't be seen.
    pub reason: &'static str,
    /// The contract of the histories it is made in.
    pub contract: &'static str,
    spots: fn(&View<'_>) -> Vec<Spot>,
}

impl Equivalent {
    /// Makes the change, if the history has a place for it.
    #[must_use]
    pub fn plant(&self, clean: &[Step], place: Where) -> Option<Vec<Step>> {
        let mut spots = (self.spots)(&View::new(clean));
        if spots.is_empty() {
            return None;
        }
        spots.sort_by_key(|spot| spot.at);
        let spot = spots.swap_remove(place.among(spots.len()));
        let mut edit = Edit::new(clean);
        (spot.plant)(&mut edit);
        Some(edit.steps)
    }
}

/// All equivalent mutants.
#[must_use]
pub fn equivalents() -> Vec<Equivalent> {
    equivalent::equivalents()
}

const EXACTLY_ONCE: &str = "exactly-once";
const AT_LEAST_ONCE: &str = "at-least-once";
const ORDERED: &str = "exactly-once, ordered-per-key, ordered-per-partition";

fn defect(name: &'static str, caught_by: &'static [Anomaly], spots: fn(&View<'_>) -> Vec<Spot>) -> Defect {
    Defect {
        name,
        contract: EXACTLY_ONCE,
        caught_by,
        forbidden: true,
        spots,
    }
}
