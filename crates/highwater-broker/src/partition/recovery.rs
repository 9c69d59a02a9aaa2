//! What a partition knows beside its log, found again while the log is opened.
//!
//! Invariant: the state is that of a snapshot and of all batches behind it, in their order.

use highwater_wire::batch::BatchHeader;
use highwater_wire::control::Marker;

use crate::epochs::Epochs;
use crate::log::{Recovery, SnapshotError};
use crate::producers::Producers;

/// The producers' state and the epochs while a log is opened.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    pub(super) producers: Producers,
    pub(super) epochs: Epochs,
    /// So that a batch that `forget-last-batch-on-restart` cuts never reaches the producers' state.
    pub(super) one_batch_late: bool,
    pub(super) held_back: Option<(BatchHeader, Option<Marker>)>,
}

impl Recovery for Recovered {
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), SnapshotError> {
        if self.one_batch_late {
            return Err(SnapshotError("a bug switch wants to see every batch".to_owned()));
        }
        let (epochs, producers) = Epochs::restore(snapshot)?;
        self.producers = Producers::restore(producers)?;
        self.epochs = epochs;
        Ok(())
    }

    fn batch(&mut self, header: &BatchHeader, marker: Option<Marker>) {
        self.epochs.note(header);
        if !self.one_batch_late {
            self.producers.rebuild(header, marker);
        } else if let Some((header, marker)) = self.held_back.replace((*header, marker)) {
            self.producers.rebuild(&header, marker);
        }
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        if self.one_batch_late {
            return None;
        }
        self.epochs.snapshot_with(self.producers.snapshot()?)
    }
}
