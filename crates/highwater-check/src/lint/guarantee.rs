//! What is left as a guarantee, as a sentence.

use highwater_model::{LintFinding, LintGuarantee};

use super::summary::Summary;

/// Nothing is promised by it: the settings allow at most this.
pub(super) fn sentence(findings: &[LintFinding], summary: &Summary) -> String {
    let against = |guarantee| {
        findings
            .iter()
            .filter(|finding| finding.breaks.contains(&guarantee))
            .count()
    };
    let (least, once, order) = (
        against(LintGuarantee::AtLeastOnce),
        against(LintGuarantee::ExactlyOnce),
        against(LintGuarantee::Order),
    );
    let mut text = if summary.produced == 0 && summary.fetched_batches == 0 {
        "nothing can be said: no records were written or read".to_owned()
    } else if least > 0 {
        format!(
            "guarantees at most: at-least-once is NOT given ({})",
            counted(least)
        )
    } else if once == 0 && is_exactly_once(summary) {
        "guarantees at most: exactly-once; nothing was seen that speaks against it".to_owned()
    } else if summary.transactional_batches > 0 && once > 0 {
        format!(
            "guarantees at most: at-least-once; exactly-once is NOT given ({})",
            counted(once)
        )
    } else {
        "guarantees at most: at-least-once".to_owned()
    };
    if order > 0 {
        text.push_str(&format!("; order is NOT given ({})", counted(order)));
    }
    text
}

/// Output in transactions, and offsets in the same ones if anything was read.
fn is_exactly_once(summary: &Summary) -> bool {
    summary.transactional_batches > 0
        && summary.ends > 0
        && (summary.fetched_batches == 0 || (summary.transactional_commits > 0 && summary.commits == 0))
}

fn counted(findings: usize) -> String {
    match findings {
        1 => "1 finding".to_owned(),
        more => format!("{more} findings"),
    }
}
