use serde::{Deserialize, Serialize};

use crate::ExitCode;

/// The answer of a scenario or of a whole run.
///
/// The order is the order of precedence when several answers are joined: a guarantee seen broken stays
/// broken whatever else went wrong, and figures of an invalid run are not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Everything promised was seen to hold, the fault fired and the dangerous window was entered.
    Holds,
    /// Nothing was seen to break, but a condition for saying "holds" was not met.
    Inconclusive,
    /// The measurement itself can't be trusted.
    Invalid,
    /// A guarantee or a threshold is broken.
    Violated,
}

impl Verdict {
    /// The exit code that says the same.
    #[must_use]
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Holds => ExitCode::Holds,
            Self::Violated => ExitCode::Broken,
            Self::Inconclusive => ExitCode::Inconclusive,
            Self::Invalid => ExitCode::Invalid,
        }
    }

    /// The verdict of a whole from its parts; [`Verdict::Inconclusive`] if there is no part.
    pub fn join(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().max().unwrap_or(Self::Inconclusive)
    }

    /// The word that stands first in every report.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "HOLDS",
            Self::Violated => "VIOLATED",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Invalid => "INVALID",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_guarantee_outranks_everything_and_nothing_is_not_a_pass() {
        assert_eq!(
            Verdict::join([Verdict::Holds, Verdict::Violated, Verdict::Invalid]),
            Verdict::Violated
        );
        assert_eq!(
            Verdict::join([Verdict::Holds, Verdict::Inconclusive, Verdict::Invalid]),
            Verdict::Invalid
        );
        assert_eq!(
            Verdict::join([Verdict::Holds, Verdict::Inconclusive]),
            Verdict::Inconclusive
        );
        assert_eq!(Verdict::join([]), Verdict::Inconclusive);
    }
}
