//! The two documents of a validated cluster, as a team files them: `performance-baseline.md` and
//! `delivery-guarantees.md`.
//!
//! ```text
//! report ─▶ groups (repetitions of one scenario) ─▶ figures (median, least–most) ─▶ environment · configuration ·
//!                                                   results · resources · recommendations · how to repeat it
//! ```
//! Invariant: every figure is one of the report, or the median or extremes of such; what was not measured is a dash,
//! and what was not judged is named. The first line says if it is a quick form.

mod document;
mod figures;
mod group;
mod results;
mod surroundings;
mod table;

pub use document::Document;
pub(crate) use figures::{figures, measurement};
pub(crate) use group::groups;
pub(crate) use results::spread;

use highwater_model::Report;

/// The document as Markdown.
#[must_use]
pub fn document(document: Document, report: &Report) -> String {
    let groups = groups(report);
    let mut lines = Vec::new();
    surroundings::head(&mut lines, document, report, &groups);
    surroundings::environment(&mut lines, report, &groups);
    surroundings::configuration(&mut lines, &groups);
    results::results(&mut lines, document, &groups, report.quick);
    results::resources(&mut lines, &groups);
    surroundings::recommendations(&mut lines, report);
    surroundings::again(&mut lines, report);
    let mut text = lines.join("\n");
    text.push('\n');
    text
}
