//! What a scenario leaves behind when it has been driven: facts, not yet judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use highwater_check::{Findings, Quiet};
use highwater_load::{ClientEvent, Ledger, Seen};
use highwater_model::{FaultReport, GcPause, NetworkSample, ResourceSample, RuleReport, ThrottleSample};

use crate::fault::FaultFact;
use crate::groups::GroupFacts;
use crate::measured::PhaseSpan;

/// Facts of one scenario. Fields that were not reached stay empty.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) topic: String,
    /// The run made the topic, so that it may delete it.
    pub(crate) topic_made: bool,
    pub(crate) ledgers: Vec<Arc<Ledger>>,
    pub(crate) phases: Vec<PhaseSpan>,
    /// End of the time in which records became due.
    pub(crate) load_end_ns: u64,
    /// When waiting for acknowledgements ended.
    pub(crate) gave_up_ns: u64,
    pub(crate) faults: Vec<FaultFact>,
    /// What was seen of the consumer groups.
    pub(crate) groups: Vec<GroupFacts>,
    /// Names in the cluster of all groups of the run, which are removed at its end.
    pub(crate) group_ids: Vec<String>,
    /// The fault as its own driver tells it; wins over `faults`.
    pub(crate) fault_report: Option<FaultReport>,
    /// What the rules of the fault proxy did.
    pub(crate) rules: Vec<RuleReport>,
    /// What makes the fault proxy's part inconclusive.
    pub(crate) wire: Vec<String>,
    pub(crate) client_events: Vec<ClientEvent>,
    pub(crate) samples: Vec<ResourceSample>,
    /// Bytes received and sent by the host, loopback included.
    pub(crate) network: Option<(u64, u64)>,
    /// The same of the host, each second.
    pub(crate) network_samples: Vec<NetworkSample>,
    /// Pauses of the JVMs' garbage collectors.
    pub(crate) pauses: Vec<GcPause>,
    /// CPU that watching took, in seconds, and how long it was watched.
    pub(crate) watching_seconds: Option<(f64, f64)>,
    /// What the brokers said of themselves.
    pub(crate) seen: Option<Seen>,
    /// What they told the producers about throttling.
    pub(crate) throttles: Vec<ThrottleSample>,
    pub(crate) consumers: u32,
    pub(crate) findings: Option<Findings>,
    pub(crate) quiet: Option<Quiet>,
    pub(crate) measurements: BTreeMap<String, f64>,
    /// Starts measured by `kind = "startup"`.
    pub(crate) starts_ns: Vec<u64>,
    /// What failed on the way, if something did.
    pub(crate) failure: Option<String>,
    /// How it was interrupted, if it was.
    pub(crate) interrupted: Option<String>,
    /// Things to say beside the verdict.
    pub(crate) hints: Vec<String>,
}

/// An error with its sources behind it.
pub(crate) fn described(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
