//! Consumer groups of processes beside a load: started, killed, halted, stopped and started again on the clock of the
//! run, and judged by what their members left behind.
//!
//! ```text
//! plan ─▶ Groups: members (processes) ── a file each ─▶ Told, on one clock ─▶ facts ─▶ judged: group report, anomalies
//!            └ deeds: kill · stop · halt · whole group stopped          lag at rest ─┘
//! ```
//! Invariant: only what a member wrote into its file counts as received, and a file outlives its writer.

mod check;
mod deeds;
mod judged;
mod members;

pub(crate) use check::check;
pub(crate) use judged::{JudgedGroup, judged, member_faults};
pub(crate) use members::{Groups, id as group_id};

use std::collections::BTreeMap;

use highwater_check::members::Step;
use highwater_load::LagReading;

use crate::config::Group;

/// Something that a member told, or that was done to it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) at_ns: u64,
    /// Name of the member; one that was started again has another.
    pub(crate) member: String,
    pub(crate) step: Step,
}

/// A fault on a member, as it was carried out.
#[derive(Debug, Clone)]
pub(crate) struct MemberFact {
    pub(crate) member: String,
    /// What it had in its hands.
    pub(crate) partitions: Vec<i32>,
    pub(crate) fired_ns: u64,
    /// When it went on, or another was started in its place.
    pub(crate) lifted_ns: Option<u64>,
}

/// The lag of a group while everything rested.
#[derive(Debug, Clone)]
pub(crate) struct RestingLag {
    pub(crate) moment: &'static str,
    pub(crate) readings: Vec<LagReading>,
    /// Distinct records of each partition that it had processed.
    pub(crate) consumed: BTreeMap<i32, u64>,
}

/// What was seen of a group.
#[derive(Debug, Clone)]
pub(crate) struct GroupFacts {
    pub(crate) name: String,
    pub(crate) group: Group,
    pub(crate) told: Vec<Told>,
    pub(crate) faults: Vec<MemberFact>,
    pub(crate) lag: Vec<RestingLag>,
    /// First errors that members told of, for people.
    pub(crate) troubles: Vec<String>,
}
