//! The lag of a consumer group: what one reading says, and what a window of readings says.

use serde::{Deserialize, Serialize};

/// What was read of one partition for one group, at one moment.
///
/// The committed offset is read first, then the ends, then the start: so none of them is older than the committed
/// offset, and a lag is never negative because something was written between two answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LagSample {
    /// When, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// The offset that the group goes on from; none if it never committed there.
    pub committed: Option<i64>,
    /// Offset of the first record that is still there.
    pub log_start: i64,
    /// Offset after the last record that every in-sync replica has.
    pub high_watermark: i64,
    /// Offset after the last record that no open transaction holds back.
    pub last_stable: i64,
    /// How old the first record is that the group has not committed, in milliseconds; none if it was not asked for
    /// or if there is none.
    pub behind_ms: Option<i64>,
    /// How long the topic keeps records, in milliseconds; none if for ever, or if it was not asked for.
    pub retention_ms: Option<i64>,
    /// Members of the group; none if that could not be asked.
    pub members: Option<u32>,
    /// Why it could not be read; all the rest is meaningless then.
    pub unreadable: Option<String>,
}

/// What one reading says. A number stands for records only where it is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum LagState {
    /// The group is that many offsets behind what a `read_committed` reader can read.
    Known {
        /// Last stable offset − committed offset, at least 0.
        records: u64,
    },
    /// It never committed in this partition; all of it is ahead of it.
    NeverCommitted {
        /// Last stable offset − start of the log.
        records: u64,
    },
    /// It committed an offset that the log does not have: the topic was made anew, or the log was cut off.
    AheadOfLog {
        /// Committed offset − high watermark.
        records: u64,
    },
    /// Retention took the record that the group goes on from.
    OffsetDeleted {
        /// Start of the log − committed offset.
        lost: u64,
    },
    /// It could not be read.
    Unreadable {
        /// Why.
        reason: String,
    },
}

impl LagState {
    /// Records that are still to be read; none if that is not known.
    #[must_use]
    pub fn records(&self) -> Option<u64> {
        match self {
            Self::Known { records } | Self::NeverCommitted { records } => Some(*records),
            Self::AheadOfLog { .. } => Some(0),
            Self::OffsetDeleted { .. } | Self::Unreadable { .. } => None,
        }
    }
}

impl LagSample {
    /// What this reading says.
    #[must_use]
    pub fn state(&self) -> LagState {
        if let Some(reason) = &self.unreadable {
            return LagState::Unreadable {
                reason: reason.clone(),
            };
        }
        let distance = |from: i64, to: i64| u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        match self.committed {
            None => LagState::NeverCommitted {
                records: distance(self.log_start, self.last_stable),
            },
            Some(committed) if committed > self.high_watermark => LagState::AheadOfLog {
                records: distance(self.high_watermark, committed),
            },
            Some(committed) if committed < self.log_start => LagState::OffsetDeleted {
                lost: distance(committed, self.log_start),
            },
            Some(committed) => LagState::Known {
                records: distance(committed, self.last_stable),
            },
        }
    }

    /// Offsets that an open transaction holds back from `read_committed` readers. That is no lag of the group.
    #[must_use]
    pub fn held_back(&self) -> u64 {
        u64::try_from(self.high_watermark.saturating_sub(self.last_stable)).unwrap_or(0)
    }
}

/// What a window of readings says of a group in a partition. The first that fits, in this order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum LagVerdict {
    /// Too few readings, or the last one could not be made.
    Unknown,
    /// Records went before the group had read them.
    DataLost {
        /// How many offsets.
        records: u64,
    },
    /// Retention will take what the group has not read.
    AtRisk {
        /// In that many seconds, at the pace of the window.
        seconds: u64,
    },
    /// The committed offset went back.
    Rewound {
        /// From here.
        from: i64,
        /// To here.
        to: i64,
    },
    /// Nothing was committed for the whole window, there is something to read, and the group has no members.
    Stopped,
    /// Nothing was committed for the whole window, there is something to read, and there are members.
    Stalled,
    /// It commits, and falls behind all the same.
    Slowing {
        /// Records that the lag grows by, each second.
        per_s: f64,
    },
    /// It was behind and comes nearer.
    CatchingUp {
        /// Seconds until it is there, at the pace of the window.
        eta_s: u64,
    },
    /// It keeps up.
    Ok,
}

impl LagVerdict {
    /// The name in reports and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::DataLost { .. } => "data-lost",
            Self::AtRisk { .. } => "at-risk",
            Self::Rewound { .. } => "rewound",
            Self::Stopped => "stopped",
            Self::Stalled => "stalled",
            Self::Slowing { .. } => "slowing",
            Self::CatchingUp { .. } => "catching-up",
            Self::Ok => "ok",
        }
    }
}

/// A verdict and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LagJudgement {
    /// What it is.
    #[serde(flatten)]
    pub verdict: LagVerdict,
    /// Why, in a sentence.
    pub evidence: String,
}

/// Version of the serialised [`LagSurvey`]; raised when a field changes its meaning or goes away.
pub const LAG_SCHEMA_VERSION: u32 = 1;

/// All groups that were asked about, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LagSurvey {
    /// [`LAG_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// When it began, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// How long it took, in nanoseconds.
    pub took_ns: u64,
    /// Requests that it took, of all kinds.
    pub requests: u64,
    /// Groups, by name.
    pub groups: Vec<LagGroup>,
}

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LagGroup {
    /// Its name.
    pub name: String,
    /// `Stable`, `Empty`, … as its coordinator calls it.
    pub state: String,
    /// Its members; none if the coordinator does not say so to a classic question, as for groups of KIP-848.
    pub members: Option<u32>,
    /// Partitions that it committed in, by topic and number.
    pub partitions: Vec<LagPartition>,
}

/// A group in a partition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LagPartition {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// What was read.
    pub sample: LagSample,
    /// What that says.
    pub state: LagState,
    /// What the readings so far say together; none after a single one.
    pub judgement: Option<LagJudgement>,
}
