//! `[groups.NAME]`: consumer groups whose members are processes of their own, and what is done to them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::quantity::Span;

/// A consumer group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Group {
    /// Its members, each a process.
    pub members: u32,
    /// When a member commits.
    pub commit: Commit,
    /// Time between two commits of a member.
    pub commit_every: Span,
    /// Time that processing a record takes: what makes a group slow.
    pub work: Span,
    /// After which silence the group takes a member for dead.
    pub session_timeout: Span,
    /// The whole group is stopped for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// What is done to its members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<MemberFault>,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            members: 1,
            commit: Commit::AfterProcessing,
            commit_every: Span(Duration::from_millis(500)),
            work: Span(Duration::ZERO),
            session_timeout: Span(Duration::from_secs(6)),
            stopped: None,
            fault: None,
        }
    }
}

/// When a member commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Commit {
    /// What it has processed.
    AfterProcessing,
    /// What it was given, before it processes that: wrong on purpose.
    BeforeProcessing,
}

/// When a group is stopped, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stopped {
    /// When, since the load began.
    pub after: Span,
    /// How long.
    pub down: Span,
}

/// A fault on members, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberFault {
    /// False disarms it; the verdict can't be HOLDS then.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What is done.
    pub kind: MemberFaultKind,
    /// When, since the load began.
    pub after: Span,
    /// How long the member stays away, or halted.
    pub down: Span,
    /// How many times, each with the next member.
    #[serde(default = "once")]
    pub times: u32,
    /// With `times`: from one fault to the next.
    #[serde(default = "ten_seconds")]
    pub every: Span,
}

fn yes() -> bool {
    true
}

fn once() -> u32 {
    1
}

fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}

/// What is done to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberFaultKind {
    /// SIGKILL, and started again.
    MemberKill,
    /// SIGTERM, waits for the end, and started again.
    MemberStop,
    /// SIGSTOP, and SIGCONT: with `down` beyond the session timeout it loses its partitions and does not know.
    MemberPause,
}

impl MemberFaultKind {
    /// The name as in files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MemberKill => "member-kill",
            Self::MemberStop => "member-stop",
            Self::MemberPause => "member-pause",
        }
    }
}
