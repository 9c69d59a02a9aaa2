use serde::{Deserialize, Serialize};

/// Exit codes are an interface: documented, never reused for another meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
#[repr(u8)]
pub enum ExitCode {
    /// 0: everything asked holds.
    Holds = 0,
    /// 1: a guarantee or a threshold is broken.
    Broken = 1,
    /// 2: the command line or a file can't be used as given; nothing was started.
    Usage = 2,
    /// 3: the run was measured in a way that can't be trusted.
    Invalid = 3,
    /// 4: the infrastructure failed: a component could not be started, reached or written to.
    Infrastructure = 4,
    /// 5: nothing was seen to break, but a condition for "holds" is missing; also an interrupted run.
    Inconclusive = 5,
    /// 6: worse than the baseline it was compared with.
    Regressed = 6,
}

impl ExitCode {
    /// Every code with its meaning in a few words, for `--help` and the documentation.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Holds, "holds"),
        (Self::Broken, "a guarantee or a threshold is broken"),
        (
            Self::Usage,
            "usage: the command line or a file can't be used as given",
        ),
        (Self::Invalid, "invalid: the measurement can't be trusted"),
        (
            Self::Infrastructure,
            "infrastructure: a component failed or can't be reached",
        ),
        (
            Self::Inconclusive,
            "inconclusive: a condition for \"holds\" is missing, or interrupted",
        ),
        (Self::Regressed, "regressed against a baseline"),
    ];
}

impl From<ExitCode> for u8 {
    fn from(code: ExitCode) -> Self {
        code as Self
    }
}

impl TryFrom<u8> for ExitCode {
    type Error = String;

    fn try_from(code: u8) -> Result<Self, Self::Error> {
        Self::ALL
            .iter()
            .map(|(known, _)| *known)
            .find(|known| *known as u8 == code)
            .ok_or_else(|| format!("unknown exit code {code}"))
    }
}
