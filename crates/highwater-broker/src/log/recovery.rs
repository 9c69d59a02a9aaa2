//! What a log tells its owner when it is opened, and keeps for it with every closed segment.

use highwater_wire::batch::BatchHeader;
use highwater_wire::control::Marker;

/// A snapshot that its reader cannot use: damaged, or of another version of the program. The batches
/// that it stood for are looked at instead.
#[derive(Debug, thiserror::Error)]
#[error("snapshot: {0}")]
pub(crate) struct SnapshotError(pub(crate) String);

/// State that follows from the batches of a log: sequences of producers, open transactions.
///
/// At an opening [`Recovery::restore`] is called until one snapshot is taken, the newest first, and
/// then [`Recovery::batch`] for every batch behind it, in order.
pub(crate) trait Recovery {
    /// Becomes what [`Recovery::snapshot`] gave once; on an error, stays as it is.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), SnapshotError>;

    /// Takes in one batch, with what it says if it ends a transaction.
    fn batch(&mut self, header: &BatchHeader, marker: Option<Marker>);

    /// The state after all batches so far; `None` keeps no snapshot, and the batches are looked at again.
    fn snapshot(&self) -> Option<Vec<u8>>;
}
