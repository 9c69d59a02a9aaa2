use super::{Finding, Step};

/// How a history is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether the order of offsets says which transaction wrote first: then write cycles are looked for. Kafka
    /// promises nothing about it.
    pub write_order: bool,
    /// Whether positions of readers may jump when they subscribe to the same partition again (a group gives it out
    /// anew); Jepsen's `sub-via`.
    pub subscribe_repositions: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            write_order: true,
            subscribe_repositions: false,
        }
    }
}

/// One family of anomalies.
///
/// Invariant: findings depend on the steps alone; a checker that sees nothing it knows finds nothing.
pub trait Checker {
    /// Takes in the next step.
    fn step(&mut self, step: &Step);

    /// Ends the history and says what was found, each occurrence once.
    fn finish(self: Box<Self>, found: &mut dyn FnMut(Finding));
}
