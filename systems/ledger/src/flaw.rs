//! Defects that tests plant in the pure part, to prove that they would be caught.
//!
//! Outside of this crate's own tests [`planted`] is a constant `false`, and the branches behind it are gone.

/// A defect of the pure part, each caught by an invariant of the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A withdrawal may be larger than the balance.
    Overdraft,
    /// A request that comes again is decided again.
    ForgetRequests,
    /// A transfer that arrives again is received again.
    ReceiveAgain,
    /// A transfer that is settled again is settled again.
    SettleAgain,
    /// What was declined is not given back.
    NoCompensation,
    /// The expected version is not looked at.
    IgnoreExpected,
    /// A decline takes the number after the next.
    SkipSequence,
    /// After an abort, accounts keep what was not written.
    KeepAborted,
    /// Those who wait are answered when it is decided, before it is committed.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "the simulation itself tells early; there is no branch for it"
        )
    )]
    AnswerEarly,
    /// A declined transfer makes no event, so nobody hears of it.
    DeclineInSilence,
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

    /// Runs `body` on a pure part with this defect.
    pub(crate) fn with<T>(flaw: Option<Flaw>, body: impl FnOnce() -> T) -> T {
        let before = PLANTED.replace(flaw);
        let result = body();
        PLANTED.set(before);
        result
    }
}
