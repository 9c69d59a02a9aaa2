//! Groups as administrators see and change them: also those that have offsets and no members.
//!
//! Invariant: a group exists while it has offsets, or has had members since the broker was started.
//! Locks are taken in one order, members before offsets, so that nobody joins a group that is being
//! deleted.

use std::collections::BTreeMap;
use std::io;

use kafka_protocol::error::ResponseError;

use super::coordinator::Groups;
use super::offsets::OffsetKey;
use super::state::{Group, GroupDescription, StateName};
use crate::lock::LockExt;

/// Why a group or its offsets are not deleted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeleteError {
    #[error("refused: {0}")]
    Refused(ResponseError),
    #[error("write to the file of committed offsets")]
    Storage(#[from] io::Error),
}

/// A group in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedGroup {
    pub(crate) id: String,
    pub(crate) state: StateName,
    pub(crate) protocol_type: String,
}

impl Groups {
    /// Every group there is, in order of id.
    pub(crate) fn list(&self) -> Vec<ListedGroup> {
        let tables = self.tables.guard();
        let offsets = self.offsets.guard();
        let mut listed: BTreeMap<&str, ListedGroup> = offsets
            .groups()
            .map(|id| {
                let group = ListedGroup {
                    id: id.to_owned(),
                    state: StateName::Empty,
                    protocol_type: String::new(),
                };
                (id, group)
            })
            .collect();
        for (id, group) in &tables.groups {
            let group = ListedGroup {
                id: id.clone(),
                state: group.state_name(),
                protocol_type: group.protocol_type().to_owned(),
            };
            listed.insert(id, group);
        }
        listed.into_values().collect()
    }

    /// `None` when there is no such group.
    pub(crate) fn describe(&self, group: &str) -> Option<GroupDescription> {
        let tables = self.tables.guard();
        match tables.groups.get(group) {
            Some(state) => Some(state.describe()),
            None => self
                .offsets
                .guard()
                .has_group(group)
                .then(GroupDescription::offsets_only),
        }
    }

    /// Deletes a group without members, and its offsets.
    pub(crate) fn delete(&self, group: &str) -> Result<(), DeleteError> {
        let mut tables = self.tables.guard();
        let mut offsets = self.offsets.guard();
        let state = tables.groups.get(group).map(Group::state_name);
        match state {
            None if !offsets.has_group(group) && offsets.pending_of_group(group).is_empty() => {
                return Err(DeleteError::Refused(ResponseError::GroupIdNotFound));
            }
            None | Some(StateName::Empty) => {}
            Some(_) => return Err(DeleteError::Refused(ResponseError::NonEmptyGroup)),
        }
        let mut keys: Vec<OffsetKey> = offsets.of_group(group).into_keys().collect();
        keys.extend(offsets.pending_of_group(group));
        offsets.remove(group, keys)?;
        tables.groups.remove(group);
        Ok(())
    }

    /// Forgets some offsets; gives those whose topic a member reads, which are kept.
    pub(crate) fn delete_offsets(
        &self,
        group: &str,
        keys: &[OffsetKey],
    ) -> Result<Vec<OffsetKey>, DeleteError> {
        let tables = self.tables.guard();
        let mut offsets = self.offsets.guard();
        let state = tables.groups.get(group);
        let Some(state) = state else {
            if !offsets.has_group(group) {
                return Err(DeleteError::Refused(ResponseError::GroupIdNotFound));
            }
            offsets.remove(group, keys.to_vec())?;
            return Ok(Vec::new());
        };
        if state.state_name() != StateName::Empty && !state.is_of_consumers() {
            return Err(DeleteError::Refused(ResponseError::NonEmptyGroup));
        }
        let (kept, gone) = keys
            .iter()
            .cloned()
            .partition(|(topic, _)| state.may_be_subscribed_to(topic));
        offsets.remove(group, gone)?;
        Ok(kept)
    }
}
