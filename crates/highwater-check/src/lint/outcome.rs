use highwater_model::LintFinding;

/// What the checks say.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) findings: Vec<LintFinding>,
    pub(super) good: Vec<String>,
    pub(super) not_seen: Vec<String>,
}

impl Outcome {
    pub(super) fn good(&mut self, what: impl Into<String>) {
        self.good.push(what.into());
    }

    pub(super) fn not_seen(&mut self, what: impl Into<String>) {
        self.not_seen.push(what.into());
    }
}
