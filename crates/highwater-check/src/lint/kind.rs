use highwater_model::{LintGuarantee, LintKind, LintLevel};

use super::library::{Library, Remedy};

/// A finding, before it is found.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) level: LintLevel,
    pub(super) title: &'static str,
    /// What on the wire shows it.
    pub(super) evidence: &'static str,
    pub(super) risk: &'static str,
    pub(super) remedy: Remedy,
    pub(super) breaks: &'static [LintGuarantee],
}

impl Kind {
    pub(super) fn public(&self) -> LintKind {
        LintKind {
            name: self.name,
            level: self.level,
            title: self.title,
            evidence: self.evidence,
            risk: self.risk,
            setting: self.remedy.setting(Library::Unknown),
        }
    }
}
