//! What an arm writes down while it runs.

use highwater_model::{HazardCount, HazardFound, HazardNote, HazardRecord};

/// The two ways in which each hazard is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// With the setting that is open to the hazard.
    Open,
    /// With the one that mends it.
    Control,
}

impl Side {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Control => "control",
        }
    }
}

/// What the read-back of an arm says, and why.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) found: HazardFound,
    pub(crate) because: String,
}

impl Found {
    pub(crate) fn harm(because: impl Into<String>) -> Self {
        Self {
            found: HazardFound::Harm,
            because: because.into(),
        }
    }

    pub(crate) fn whole(because: impl Into<String>) -> Self {
        Self {
            found: HazardFound::Whole,
            because: because.into(),
        }
    }

    pub(crate) fn neither(because: impl Into<String>) -> Self {
        Self {
            found: HazardFound::Neither,
            because: because.into(),
        }
    }
}

/// Notes of an arm, in their order.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) notes: Vec<HazardNote>,
    pub(crate) counts: Vec<HazardCount>,
    pub(crate) records: Vec<HazardRecord>,
}
