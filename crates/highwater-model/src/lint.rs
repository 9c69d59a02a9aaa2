//! What the linter says: plain data with a stable serialised form.

use serde::{Deserialize, Serialize};

use crate::history::ExchangeId;

/// Version of the JSON of a [`LintReport`].
pub const LINT_SCHEMA_VERSION: u32 = 1;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LintLevel {
    /// Worth knowing; right for some applications.
    Note,
    /// A guarantee that most applications want is missing.
    Warning,
    /// Acknowledged or committed work can be lost, repeated or reordered as things stand.
    Error,
}

impl LintLevel {
    /// Every level, mildest first.
    pub const ALL: [Self; 3] = [Self::Note, Self::Warning, Self::Error];

    /// The name as it is typed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A guarantee that a finding takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LintGuarantee {
    /// Every record is processed, and every acknowledged record stays.
    AtLeastOnce,
    /// Nothing is processed twice or half.
    ExactlyOnce,
    /// Records of one partition or key stay in order.
    Order,
}

/// Something that the settings in use allow and that should not happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LintFinding {
    /// Stable name, e.g. `acks-leader`.
    pub name: String,
    /// How bad it is.
    pub level: LintLevel,
    /// Heading.
    pub title: String,
    /// What was seen first, exactly: request, partition, offset, client.
    pub seen: String,
    /// When that was, since the history began.
    pub at_ns: u64,
    /// The exchange that shows it.
    pub exchange: Option<ExchangeId>,
    /// How often it was seen, the first included.
    pub times: u64,
    /// Client ids for which it was seen, sorted; at most 20.
    pub clients: Vec<String>,
    /// What can go wrong.
    pub risk: String,
    /// The setting that mends it, in the words of the client library in use.
    pub setting: String,
    /// The guarantees that are not given with it.
    pub breaks: Vec<LintGuarantee>,
}

/// A client library that was seen, with the clients that use it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LintClient {
    /// The library, e.g. `librdkafka`; none if neither the software name nor the client id tells.
    pub library: Option<String>,
    /// Name that the client gives (KIP-511).
    pub software_name: Option<String>,
    /// Version that the client gives.
    pub software_version: Option<String>,
    /// Client ids, sorted; at most 20.
    pub client_ids: Vec<String>,
    /// Connections.
    pub connections: u64,
}

/// All that the linter has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LintReport {
    /// [`LINT_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What speaks against a guarantee, worst first.
    pub findings: Vec<LintFinding>,
    /// What was seen to be right, e.g. `acks=all`.
    pub good: Vec<String>,
    /// What was not exercised, so that nothing can be said about it.
    pub not_seen: Vec<String>,
    /// Who was watched.
    pub clients: Vec<LintClient>,
    /// From the first event to the last.
    pub watched_ns: u64,
    /// Requests that were looked at.
    pub requests: u64,
    /// At most this is guaranteed, as a sentence.
    pub guarantee: String,
    /// What makes this less than complete: bypasses, frames that could not be read, limits that were reached.
    pub caveats: Vec<String>,
}

impl LintReport {
    /// Whether there is a finding at this level or above.
    #[must_use]
    pub fn has_at_least(&self, level: LintLevel) -> bool {
        self.findings.iter().any(|finding| finding.level >= level)
    }
}

/// What the linter can find, for a list of all findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LintKind {
    /// Stable name.
    pub name: &'static str,
    /// How bad it is.
    pub level: LintLevel,
    /// Heading.
    pub title: &'static str,
    /// What on the wire shows it.
    pub evidence: &'static str,
    /// What can go wrong.
    pub risk: &'static str,
    /// The setting that mends it, in Kafka's own terms.
    pub setting: &'static str,
}
