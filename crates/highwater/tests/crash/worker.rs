//! What every kind of work has to be able to do.

use highwater_wire::WireError;

use crate::client::Client;

/// Why a piece of work did not end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The connection is gone: what was asked last may have happened or not.
    Cut,
    /// The broker gave an answer that it should not have given.
    Wrong(String),
}

impl From<WireError> for Stop {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Io { .. } | WireError::Connect { .. } => Self::Cut,
            other => Self::Wrong(format!("{other:?}")),
        }
    }
}

/// A wrong answer.
pub(crate) fn wrong<T>(what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Wrong(what.into()))
}

/// One client that works until the broker is killed, and knows what it was promised.
pub(crate) trait Worker: Send {
    /// For people and for the count.
    fn name(&self) -> &'static str;
    /// After a start: finds out, or ends, what was under way when the broker was killed.
    fn settle(&mut self, client: &mut Client) -> Result<(), Stop>;
    /// Compares what is there with what was promised. Nobody writes meanwhile.
    fn check(&mut self, client: &mut Client) -> Result<(), Stop>;
    /// One piece of work.
    fn step(&mut self, client: &mut Client) -> Result<(), Stop>;
    /// How much was acknowledged, in its own unit.
    fn done(&self) -> u64;
}
