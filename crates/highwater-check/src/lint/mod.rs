//! The linter: what do an application's settings really guarantee, read from the wire in any language?
//!
//! ```text
//! HistoryEvent ─▶ Lint ─▶ Wire (who is who, what is in flight) ─▶ one check for each finding ─▶ LintReport
//! ```
//!
//! Invariant: a finding has positive evidence, a request or an answer that shows it. What was not exercised is
//! listed as not seen, and never as good. The same history gives the same report.
//!
//! Does not: break anything, judge records (that is the account's), know settings that never reach the wire.

mod check;
mod findings;
mod guarantee;
mod kind;
mod library;
mod outcome;
mod summary;
mod tally;
mod wire;

#[cfg(test)]
mod tests;

use highwater_model::history::{HistoryBody, HistoryEvent};
use highwater_model::{LINT_SCHEMA_VERSION, LintKind, LintReport};

pub use wire::APPLICATION;

use check::Check;
use outcome::Outcome;
use summary::Summary;
use wire::{Step, Wire};

/// How to read a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LintOptions {
    /// All clients belong to one application, e.g. because only one was behind the proxy. Otherwise clients belong
    /// together if they connect from the same host.
    pub one_application: bool,
}

/// Reads a history event by event.
pub struct Lint {
    wire: Wire,
    checks: Vec<Box<dyn Check>>,
    summary: Summary,
}

impl Lint {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(options: LintOptions) -> Self {
        Self {
            wire: Wire::new(options.one_application),
            checks: findings::all(),
            summary: Summary::default(),
        }
    }

    /// Every finding that there is, in the order of their names.
    #[must_use]
    pub fn kinds() -> Vec<LintKind> {
        let mut kinds: Vec<_> = findings::all()
            .iter()
            .map(|check| check.kind().public())
            .collect();
        kinds.sort_by_key(|kind| kind.name);
        kinds
    }

    /// Takes in the next event; they must come in the order of the history.
    pub fn observe(&mut self, event: &HistoryEvent) {
        match self.wire.step(event) {
            Step::Asked(asked) => {
                self.summary.asked(&asked);
                for check in &mut self.checks {
                    check.asked(&asked, &self.wire);
                }
            }
            Step::Answered(answered) => {
                self.summary.answered(&answered);
                for check in &mut self.checks {
                    check.answered(&answered, &self.wire);
                }
            }
            Step::Lost(pending) => {
                for check in &mut self.checks {
                    check.lost(&pending);
                }
            }
            Step::Closed(connection, lost) => {
                for check in &mut self.checks {
                    for pending in &lost {
                        check.lost(pending);
                    }
                    check.closed(connection, event.at_ns);
                }
            }
            Step::Nothing => {}
        }
        if let HistoryBody::Process { .. } = &event.body {
            for check in &mut self.checks {
                check.process(&self.wire);
            }
        }
    }

    /// Requests seen so far, other than those by which clients find out whom they talk to.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.wire.requests()
    }

    /// Work seen so far: writes, commits, ends of transactions and batches that were read. Its unit means nothing;
    /// an application for which it does not grow is idle.
    #[must_use]
    pub fn work(&self) -> u64 {
        self.summary.work()
    }

    /// What there is to say.
    #[must_use]
    pub fn finish(self) -> LintReport {
        let Self {
            wire,
            checks,
            summary,
        } = self;
        let mut outcome = Outcome::default();
        for check in checks {
            check.finish(&wire, &mut outcome);
        }
        summary.finish(&mut outcome);
        outcome
            .findings
            .sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.name.cmp(&b.name)));
        let guarantee = guarantee::sentence(&outcome.findings, &summary);
        LintReport {
            schema_version: LINT_SCHEMA_VERSION,
            guarantee,
            findings: outcome.findings,
            good: outcome.good,
            not_seen: outcome.not_seen,
            clients: wire.clients(),
            watched_ns: wire.watched_ns(),
            requests: wire.requests(),
            caveats: wire.caveats(),
        }
    }
}
