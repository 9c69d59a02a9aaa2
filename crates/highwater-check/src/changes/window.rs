//! Which repeats are allowed: after a restart, of what was sent since the last flushed offset.

use super::Position;

/// A stretch of time in which a connector may have started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption {
    /// When it was disturbed, in milliseconds of wall-clock time.
    pub from_ms: i64,
    /// When it was seen to run again, with what it needs to get back to where it was.
    pub until_ms: i64,
}

/// A position that a connector has flushed: from there it goes on after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flushed {
    /// When, in milliseconds of wall-clock time.
    pub at_ms: i64,
    /// What it was flushed up to.
    pub position: Position,
}

/// When a connector may repeat itself, and how far back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// Disturbances.
    pub interruptions: Vec<Interruption>,
    /// Flushed positions, in the order of time; empty if they are not known: then nothing bounds how far back.
    pub flushed: Vec<Flushed>,
}

/// Why a repeat is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Nothing had happened.
    NoRestart,
    /// It was flushed before.
    Flushed(Flushed),
}

impl Window {
    /// Whether a repeat may begin at this moment with a change at this position.
    pub(super) fn allows(&self, at_ms: i64, position: Option<Position>) -> Result<(), Refused> {
        if !self
            .interruptions
            .iter()
            .any(|one| (one.from_ms..=one.until_ms).contains(&at_ms))
        {
            return Err(Refused::NoRestart);
        }
        let before = self.flushed.partition_point(|flushed| flushed.at_ms < at_ms);
        let last = before.checked_sub(1).and_then(|last| self.flushed.get(last));
        match (last, position) {
            (Some(last), Some(position)) if position < last.position => Err(Refused::Flushed(*last)),
            _ => Ok(()),
        }
    }
}
