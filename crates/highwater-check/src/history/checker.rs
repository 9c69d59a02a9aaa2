use super::index::Index;
use super::{Finding, Step};

/// How a history is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Whether the order of offsets also says which transaction came first, so that circles of reads and writes
    /// together count as information cycles. Kafka promises nothing of the kind. Circles of writes alone are told
    /// anyway, and allowed.
    pub write_order: bool,
    /// Whether positions of readers may jump when they subscribe to the same partition again (a group gives it out
    /// anew); Jepsen's `sub-via`.
    pub subscribe_repositions: bool,
    /// Whether some reader read every partition from its first offset: then, without a read-back, a record below
    /// everything that was read is lost, too.
    pub read_from_start: bool,
}

/// One family of anomalies.
///
/// Invariant: findings depend on the steps alone; a checker that sees nothing it knows finds nothing. What the log
/// holds, who sent and who read a record is in the [`Index`] that all checkers are lent at the end; a checker keeps
/// only what the index has not.
pub trait Checker {
    /// Takes in the next step. Most need only the index.
    fn step(&mut self, _step: &Step) {}

    /// Ends the history and says what was found, each occurrence once.
    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding));
}
