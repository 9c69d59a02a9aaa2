//! The verdict on a history that is there.
//!
//! What is asked is whether this history keeps the contract, not what would have happened under another fault: no fault
//! has to have fired, and the answer says how many did. HOLDS needs that
//!
//! - something was sent, and something was read or read back;
//! - every record whose send certainly happened was seen: by a reader, or by a read-back to the end of its partition.
//!   Jepsen's histories end with polls that read everything, so that they can hold without a read-back;
//! - no partition was read back while a transaction was open;
//! - the history is whole.
//!
//! Invariant: one forbidden anomaly is VIOLATED, whatever else is missing; what is missing is named.

use highwater_measure::quantity::count;
use highwater_model::Verdict;

use super::{Coverage, Summary};
use crate::{Anomaly, Contract, Judgement};

/// Judges a history. `missing` says what the reader of the history found missing, each in a sentence.
#[must_use]
pub fn judge(contract: Contract, summary: &Summary, coverage: &Coverage, missing: &[String]) -> Judgement {
    let broken: Vec<String> = summary
        .anomalies()
        .filter(|(anomaly, ..)| anomaly.violates(contract))
        .map(|(anomaly, times, _)| Anomaly::headline(anomaly, times))
        .collect();
    let (verdict, reasons) = if broken.is_empty() {
        let missing = [conditions(coverage), missing.to_vec()].concat();
        match missing.is_empty() {
            true => (Verdict::Holds, vec![seen(coverage)]),
            false => (Verdict::Inconclusive, missing),
        }
    } else {
        (Verdict::Violated, broken)
    };
    Judgement { verdict, reasons }
}

/// What is missing for HOLDS.
fn conditions(coverage: &Coverage) -> Vec<String> {
    let mut missing = Vec::new();
    if coverage.sent == 0 && coverage.read == 0 {
        missing.push("nothing was sent or read".to_owned());
    } else if coverage.sent == 0 {
        missing.push("nothing was sent: what should be there is not known".to_owned());
    } else if coverage.acknowledged == 0 {
        missing.push("no send is known to have happened".to_owned());
    } else if coverage.read == 0 && coverage.read_back == 0 {
        missing.push("nothing was read or read back".to_owned());
    } else if coverage.unseen > 0 {
        missing.push(format!(
            "{} of {} acknowledged records {} never read, and nothing was read back: lost or not, nobody can say",
            count(coverage.unseen),
            count(coverage.acknowledged),
            if coverage.unseen == 1 { "was" } else { "were" },
        ));
    }
    if coverage.open > 0 {
        missing.push(format!(
            "read back while transactions were open in {} of {} partitions",
            count(coverage.open),
            count(coverage.partitions)
        ));
    }
    missing
}

fn seen(coverage: &Coverage) -> String {
    let how = if coverage.read_back == coverage.partitions {
        "read back"
    } else {
        "read"
    };
    format!(
        "every acknowledged record ({}) was {how}, and nothing that the contract forbids was seen",
        count(coverage.acknowledged)
    )
}
