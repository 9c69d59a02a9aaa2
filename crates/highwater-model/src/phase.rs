use serde::{Deserialize, Serialize};

/// A stretch of a scenario. A record belongs to the phase in which it was *due*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Load runs, nothing is judged yet; ends by a steady-state test.
    WarmUp,
    /// Load runs undisturbed.
    Steady,
    /// From the moment a fault fires until it is lifted.
    Fault,
    /// From the lifting of the fault until the load ends.
    Recovery,
    /// The load has ended; what is in flight is waited for.
    Drain,
    /// The log is proven quiet and read from start to end.
    ReadBack,
}

impl Phase {
    /// Every phase in the order in which a scenario goes through them.
    pub const ALL: [Self; 6] = [
        Self::WarmUp,
        Self::Steady,
        Self::Fault,
        Self::Recovery,
        Self::Drain,
        Self::ReadBack,
    ];

    /// The name as it is written in scenario files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WarmUp => "warm-up",
            Self::Steady => "steady",
            Self::Fault => "fault",
            Self::Recovery => "recovery",
            Self::Drain => "drain",
            Self::ReadBack => "read-back",
        }
    }
}
