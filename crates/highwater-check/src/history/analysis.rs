use std::borrow::Borrow;

use super::aborted::Aborted;
use super::compaction::Compaction;
use super::cycles::Cycles;
use super::epochs::Epochs;
use super::fencing::Fencing;
use super::groups::{Ahead, Ownership, Redelivery, Regression, Skip};
use super::hanging::Hanging;
use super::index::Builder;
use super::log::Offsets;
use super::lost::Lost;
use super::outputs::Outputs;
use super::polls::Polls;
use super::sends::Sends;
use super::torn::Torn;
use super::unended::Unended;
use super::{Checker, Coverage, Finding, Options, Step};

/// A check of a history under way: the index and all checkers.
pub struct Analysis {
    options: Options,
    index: Builder,
    checkers: Vec<Box<dyn Checker>>,
    coverage: Coverage,
}

/// All families; each finds its own anomalies and no other's.
fn checkers(options: Options) -> Vec<Box<dyn Checker>> {
    vec![
        Box::new(Offsets),
        Box::new(Lost),
        Box::new(Polls::new(options)),
        Box::new(Sends),
        Box::new(Aborted),
        Box::new(Torn),
        Box::new(Cycles),
        Box::<Fencing>::default(),
        Box::<Hanging>::default(),
        Box::<Unended>::default(),
        Box::<Outputs>::default(),
        Box::<Epochs>::default(),
        Box::<Compaction>::default(),
        Box::<Skip>::default(),
        Box::<Ahead>::default(),
        Box::<Regression>::default(),
        Box::<Redelivery>::default(),
        Box::<Ownership>::default(),
    ]
}

impl Analysis {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            index: Builder::default(),
            checkers: checkers(options),
            coverage: Coverage::default(),
        }
    }

    /// Takes in the next step, in the order in which they became known.
    pub fn step(&mut self, step: &Step) {
        self.index.step(step);
        self.coverage.step(&step.what);
        for checker in &mut self.checkers {
            checker.step(step);
        }
    }

    /// All is in: says what was found, each occurrence once, family by family; and how much the history says.
    pub fn finish(self, found: &mut dyn FnMut(Finding)) -> Coverage {
        let index = self.index.seal(self.options);
        for checker in self.checkers {
            checker.finish(&index, found);
        }
        self.coverage.close(&index)
    }
}

/// Checks a whole history. Findings come sorted, gravest first.
pub fn check<S: Borrow<Step>>(steps: impl IntoIterator<Item = S>, options: Options) -> Vec<Finding> {
    let mut analysis = Analysis::new(options);
    for step in steps {
        analysis.step(step.borrow());
    }
    let mut findings = Vec::new();
    analysis.finish(&mut |finding| findings.push(finding));
    findings.sort();
    findings
}
