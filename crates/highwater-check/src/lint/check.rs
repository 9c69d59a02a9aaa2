use highwater_model::history::ConnectionId;

use super::kind::Kind;
use super::outcome::Outcome;
use super::wire::{Answered, Asked, Pending, Wire};

/// Looks for one finding.
///
/// Causality that checks may rely on: an answer is in the history before the client can have seen it, and a request
/// after the client has sent it. So a request that comes after an answer was possibly made in its knowledge, and
/// one that comes before it certainly was not.
pub(super) trait Check: Send {
    /// What it looks for.
    fn kind(&self) -> &'static Kind;
    /// A request arrived.
    fn asked(&mut self, _asked: &Asked<'_>, _wire: &Wire) {}
    /// An answer arrived.
    fn answered(&mut self, _answered: &Answered<'_>, _wire: &Wire) {}
    /// A request will never be answered.
    fn lost(&mut self, _pending: &Pending) {}
    /// A connection ended.
    fn closed(&mut self, _connection: ConnectionId, _at_ns: u64) {}
    /// A process was started or ended.
    fn process(&mut self, _wire: &Wire) {}
    /// Says what it found.
    fn finish(self: Box<Self>, wire: &Wire, outcome: &mut Outcome);
}
