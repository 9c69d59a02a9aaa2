//! What the bug switches do to committed offsets.
//!
//! Invariant: with no switch on, nothing here does anything.

use std::collections::BTreeMap;

use kafka_protocol::error::ResponseError;

use super::offsets::{Committed, OffsetKey, Offsets};
use super::state::CommitRequest;
use crate::bug::Bug;
use crate::bugs::Switches;
use crate::bugs::forget_committed;
use crate::bugs::ignore_generation::IgnoreGeneration;
use crate::bugs::journal::JournalError;
use crate::bugs::regress_committed::RegressCommitted;

#[derive(Debug, Default)]
pub(super) struct GroupDefects {
    ignore_generation: Option<IgnoreGeneration>,
    regress: Option<RegressCommitted>,
}

impl GroupDefects {
    /// Harms what was read at the start, and prepares to harm what comes.
    pub(super) fn open(switches: &Switches, offsets: &mut Offsets) -> Result<Self, JournalError> {
        let replaced = offsets.take_replaced();
        if let Some(journal) = switches.journal_of(Bug::ForgetCommittedOffset) {
            for (turn, ((group, key), newest)) in offsets.all().into_iter().enumerate() {
                if !forget_committed::chooses(turn) {
                    continue;
                }
                let before = replaced.get(&(group.clone(), key.clone()));
                forget_committed::own_up(journal, &group, &key, &newest, before)?;
                offsets.forget(&group, &key, before.cloned());
            }
        }
        let journal_of = |bug| switches.journal_of(bug).cloned();
        Ok(Self {
            ignore_generation: journal_of(Bug::IgnoreGeneration).map(IgnoreGeneration::new),
            regress: journal_of(Bug::RegressCommittedOffset)
                .map(|journal| RegressCommitted::new(journal, offsets.all())),
        })
    }

    /// Whether a commit is taken that was refused for this reason.
    pub(super) fn takes(&self, request: &CommitRequest, refusal: ResponseError) -> bool {
        self.ignore_generation.is_some() && IgnoreGeneration::takes(request, refusal)
    }

    /// Owns up to offsets that are about to be kept in spite of a refusal.
    pub(super) fn admit(
        &self,
        group: &str,
        commits: &[(OffsetKey, Committed)],
        offsets: &Offsets,
    ) -> Result<(), JournalError> {
        let Some(bug) = &self.ignore_generation else {
            return Ok(());
        };
        let commits = commits.iter().map(|(key, committed)| {
            let before = offsets.get(group, &key.0, key.1);
            (key, committed.offset, before)
        });
        bug.admit(group, commits)
    }

    /// What is answered to somebody who asks for an offset.
    pub(super) fn answer(&mut self, group: &str, key: &OffsetKey, right: Committed) -> Committed {
        let Some(bug) = &mut self.regress else {
            return right;
        };
        bug.answer(group, key, right.clone()).unwrap_or_else(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "journal of the bug switches"
            );
            right
        })
    }

    /// The same for all offsets of a group.
    pub(super) fn answer_all(
        &mut self,
        group: &str,
        right: BTreeMap<OffsetKey, Committed>,
    ) -> BTreeMap<OffsetKey, Committed> {
        right
            .into_iter()
            .map(|(key, committed)| {
                let answered = self.answer(group, &key, committed);
                (key, answered)
            })
            .collect()
    }
}
