//! Who leads a partition, and in which epoch.
//!
//! Invariant: the epoch of a partition goes up whenever its leadership changes and at every start of the
//! broker, and it is in a file before anybody sees it. So that a start is one small write however many
//! partitions there are, a partition keeps its epoch as a distance from the number of starts:
//!
//! ```text
//! starts.json   {"starts": 7}                       written once for each start
//! <topic>.json  {"leader": 2, "epoch_base": -4}     written when a partition is made or moved
//! epoch = starts + epoch_base = 3                   0 in the start in which the partition was made
//! ```
//!
//! It does not replicate: a list of replicas says who may lead, and all nodes see the one log.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data_dir::{Durability, read_json, write_json};
use crate::error::BrokerError;

/// The most nodes in one process: each takes a port and shows up in every answer of Metadata; what a
/// client can meet with many it meets with three.
pub(crate) const MAX_NODES: u16 = 32;

const STARTS_FILE: &str = "starts.json";

#[derive(Debug, Serialize, Deserialize)]
struct StartsFile {
    starts: i32,
}

/// Counts this start of the data directory; the count is on file when it is returned.
pub(crate) fn count_start(root: &Path, durability: Durability) -> Result<i32, BrokerError> {
    let path = root.join(STARTS_FILE);
    let before = read_json::<StartsFile>(&path)?.map_or(0, |file| file.starts);
    let starts = before.checked_add(1).filter(|starts| *starts > 0);
    let starts = starts.ok_or_else(|| BrokerError::Damaged {
        path: path.clone(),
        reason: format!("{before} starts"),
    })?;
    write_json(&path, &StartsFile { starts }, durability)?;
    Ok(starts)
}

/// A partition's place as its topic's file keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placement {
    replicas: Vec<i32>,
    leader: i32,
    epoch_base: i32,
}

/// Who leads a partition now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leadership {
    /// In order of preference, never empty.
    pub(crate) replicas: Arc<[i32]>,
    pub(crate) leader: i32,
    pub(crate) epoch: i32,
}

/// The nodes of this start, and how many starts there were.
#[derive(Debug, Clone)]
pub(crate) struct Roster {
    first: i32,
    nodes: u16,
    starts: i32,
}

/// Why a partition can not be placed so.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlacementError {
    #[error("replication factor {wanted} with {nodes} nodes")]
    Factor { wanted: i16, nodes: u16 },
    #[error("an empty list of replicas")]
    Empty,
    #[error("node {0} twice in the list of replicas")]
    Twice(i32),
    #[error("no node {0}")]
    Unknown(i32),
}

impl Roster {
    pub(crate) fn new(first: i32, nodes: u16, starts: i32) -> Self {
        Self { first, nodes, starts }
    }

    /// The ids of all nodes.
    pub(crate) fn ids(&self) -> Range<i32> {
        self.first..self.first + i32::from(self.nodes)
    }

    /// Checks the number of replicas of a new topic.
    pub(crate) fn check_factor(&self, wanted: i16) -> Result<(), PlacementError> {
        match u16::try_from(wanted) {
            Ok(count) if (1..=self.nodes).contains(&count) => Ok(()),
            _ => Err(PlacementError::Factor {
                wanted,
                nodes: self.nodes,
            }),
        }
    }

    /// Checks a list of replicas that somebody asks for.
    pub(crate) fn check_replicas(&self, replicas: &[i32]) -> Result<(), PlacementError> {
        if replicas.is_empty() {
            return Err(PlacementError::Empty);
        }
        for (index, id) in replicas.iter().enumerate() {
            if !self.ids().contains(id) {
                return Err(PlacementError::Unknown(*id));
            }
            if replicas[..index].contains(id) {
                return Err(PlacementError::Twice(*id));
            }
        }
        Ok(())
    }

    /// The replicas of the `turn`-th partition when leaders are dealt round robin.
    pub(crate) fn deal(&self, turn: usize, factor: i16) -> Vec<i32> {
        let nodes = usize::from(self.nodes.max(1));
        let count = usize::try_from(factor).unwrap_or(1).clamp(1, nodes);
        (turn..turn + count)
            .map(|seat| self.first + i32::try_from(seat % nodes).unwrap_or(0))
            .collect()
    }

    /// A partition that is new: the first replica leads, in epoch 0.
    pub(crate) fn found(&self, replicas: Vec<i32>) -> Placement {
        Placement {
            leader: replicas.first().copied().unwrap_or(self.first),
            replicas,
            epoch_base: -self.starts,
        }
    }

    /// Who leads a partition, given its place on file. Nodes that this start does not have are passed
    /// over; the file keeps them, so that they are back when the nodes are.
    pub(crate) fn leadership(&self, placement: &Placement, turn: usize) -> Leadership {
        let here = |id: &i32| self.ids().contains(id);
        let mut replicas: Vec<i32> = placement.replicas.iter().copied().filter(here).collect();
        if replicas.is_empty() {
            replicas = self.deal(turn, 1);
        }
        let leader = Some(placement.leader).filter(|leader| replicas.contains(leader));
        Leadership {
            leader: leader.unwrap_or(replicas[0]),
            replicas: replicas.into(),
            epoch: self.starts.saturating_add(placement.epoch_base),
        }
    }

    /// What to keep on file of a leadership.
    pub(crate) fn placement(&self, leadership: &Leadership) -> Placement {
        Placement {
            replicas: leadership.replicas.to_vec(),
            leader: leadership.leader,
            epoch_base: leadership.epoch - self.starts,
        }
    }
}

impl Leadership {
    /// The partition on other replicas, at once. As in Kafka the leader stays if it is among them, and
    /// otherwise the first one leads; the epoch goes up if the leader changes or a replica goes.
    pub(crate) fn reassigned(&self, replicas: Vec<i32>) -> Self {
        let leader = match replicas.first() {
            Some(first) if !replicas.contains(&self.leader) => *first,
            _ => self.leader,
        };
        let shrinks = self.replicas.iter().any(|id| !replicas.contains(id));
        Self {
            epoch: self.epoch + i32::from(shrinks || leader != self.leader),
            replicas: replicas.into(),
            leader,
        }
    }

    /// The partition led by the first replica; `None` when it is already.
    pub(crate) fn preferred(&self) -> Option<Self> {
        (self.replicas[0] != self.leader).then(|| Self {
            replicas: Arc::clone(&self.replicas),
            leader: self.replicas[0],
            epoch: self.epoch + 1,
        })
    }
}

#[cfg(test)]
#[path = "leadership_tests.rs"]
mod tests;
