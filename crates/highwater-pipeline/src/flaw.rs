//! Defects that tests plant in the core, to prove that they would be caught.
//!
//! Outside of this crate's own tests [`planted`] is a constant `false`, and the branches behind it are gone.

/// A defect of the core, each caught by a named invariant of the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The highest offset seen is committed instead of the lowest incomplete one.
    CommitHighest,
    /// A record that the client delivers again is run again.
    AcceptRepeated,
    /// Completions that a commit carried over are dropped from the next commit.
    ForgetResumed,
    /// A lane gives out its next record while one is running.
    LanesRunTogether,
    /// A delayed record runs before its moment.
    RetryEarly,
    /// Dead letters have no cap.
    NoCap,
    /// Records of a parked key run while it waits.
    OvertakeParked,
    /// A record to be parked is complete before its retry record is written.
    CompleteBeforeWrite,
    /// After a restart a parked record is due at once.
    ForgetDue,
    /// Source records run before the parked ones are known again.
    FlowBeforeRebuilt,
    /// A partition never pauses.
    NeverPause,
    /// A record whose attempts are used up is dropped.
    DropExhausted,
    /// After an abort the partition goes on where it was.
    NoRewind,
    /// A commit whose outcome is unknown is followed by an abort.
    AbortInDoubt,
    /// Partitions that were lost are committed.
    CommitLost,
    /// An identity is done as soon as its record begins.
    MarkEarly,
}

#[cfg(test)]
pub(crate) use plant::{planted, with};

#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn planted(_: Flaw) -> bool {
    false
}

#[cfg(test)]
mod plant {
    use std::cell::Cell;

    use super::Flaw;

    thread_local! {
        static PLANTED: Cell<Option<Flaw>> = const { Cell::new(None) };
    }

    pub(crate) fn planted(flaw: Flaw) -> bool {
        PLANTED.get() == Some(flaw)
    }

    /// Runs `body` on a core with this defect.
    pub(crate) fn with<T>(flaw: Option<Flaw>, body: impl FnOnce() -> T) -> T {
        let before = PLANTED.replace(flaw);
        let result = body();
        PLANTED.set(before);
        result
    }
}
