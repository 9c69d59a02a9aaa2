//! What `highwater hazards` found out: plain data with a stable serialised form.
//!
//! Invariant: an arm says what was seen, not what was expected; [`HazardOutcome`] is the comparison of both.

use serde::{Deserialize, Serialize};

use crate::history::HistoryEvent;

/// Version of the JSON of a [`HazardReport`].
pub const HAZARDS_SCHEMA_VERSION: u32 = 1;

/// Hazards that were reproduced, or were to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HazardReport {
    /// [`HAZARDS_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of Highwater.
    pub highwater_version: String,
    /// What it ran against, for people.
    pub target: String,
    /// Seed of the fault proxies, hexadecimal.
    pub seed: String,
    /// Whether the faults were left out on purpose.
    pub disarmed: bool,
    /// In the order in which they ran.
    pub lessons: Vec<HazardLesson>,
    /// From the start of the target to its end.
    pub took_ns: u64,
}

/// One hazard: what it is, and what was seen of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HazardLesson {
    /// Stable name, as it is typed.
    pub name: String,
    /// Heading.
    pub title: String,
    /// What goes wrong, and when.
    pub risk: String,
    /// The setting or habit that mends it.
    pub mend: String,
    /// Where it is described: numbers of KIPs and Kafka's issues.
    pub sources: Vec<String>,
    /// What came of it.
    pub outcome: HazardOutcome,
    /// With the setting that is open to the hazard.
    pub open: Option<HazardArm>,
    /// With the setting that mends it: everything else is the same.
    pub control: Option<HazardArm>,
    /// Both arms together.
    pub took_ns: u64,
}

/// What came of a hazard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum HazardOutcome {
    /// The harm was seen, and not with the control.
    Reproduced,
    /// The harm was not seen.
    NotReproduced,
    /// The harm was seen with the control as well, or the control did not do its work.
    ControlFailed,
    /// It can't be done with this target.
    NotOnThisTarget {
        /// Why, and where it can be done.
        why: String,
    },
    /// Something else went wrong on the way.
    Failed {
        /// What.
        why: String,
    },
}

/// One arm of a hazard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HazardArm {
    /// The setting in which the arms differ.
    pub with: String,
    /// What was done and seen, in its order.
    pub notes: Vec<HazardNote>,
    /// What was counted.
    pub counts: Vec<HazardCount>,
    /// The records that it is about, as they were read back.
    pub records: Vec<HazardRecord>,
    /// What the read-back says.
    pub found: HazardFound,
    /// The same as a sentence.
    pub because: String,
    /// What passed on the wire, if a proxy stood there.
    pub wire: Vec<HistoryEvent>,
}

/// What the read-back of an arm says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HazardFound {
    /// The harm is there.
    Harm,
    /// Everything is as it should be.
    Whole,
    /// Neither: something is missing that should be there.
    Neither,
}

/// A line of what was done, or seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HazardNote {
    /// By the clients, or to them.
    Did(String),
    /// In an answer, or in the log.
    Saw(String),
}

/// Something that was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HazardCount {
    /// What.
    pub what: String,
    /// How many.
    pub count: u64,
}

/// A record of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HazardRecord {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset; none if it is not in the log.
    pub offset: Option<i64>,
    /// Its value.
    pub value: String,
    /// What is to be said of it.
    pub remark: String,
}
