//! Reports for people and machines: functions of the event stream and of the result of a run.
//!
//! ```text
//! events ─▶ Replay ─▶ Live          what a person sees while the run goes on
//!   │          └────▶ read_run ──┐  a stored run, also one that never came to its end
//!   └─ run-finished ─▶ Report ◀──┘
//!                        ├─▶ terminal · html · md · json · junit · csv
//!                        └─▶ validation: performance-baseline.md, delivery-guarantees.md
//! ```
//!
//! Invariant: nothing here measures or judges. Every figure shown is a field of an event or of the report,
//! or a sum or difference of such; a missing value is shown as missing and never as zero. Text that came from
//! outside (names, messages of a broker) is made harmless for the format it is written into.
//!
//! Does not: open sockets, start processes, read flags or the environment, ask the terminal for its size.

mod calibration;
mod comparison;
mod contracts;
mod csv;
mod dead_letters;
mod error;
mod files;
mod format;
mod hazards;
pub mod history;
mod html;
mod json;
mod junit;
mod knee;
mod lag;
mod lag_metrics;
mod lint;
mod live;
mod markdown;
mod number;
mod outcomes;
mod paint;
pub mod passing;
mod prove;
mod replay;
mod selftest;
mod stored;
mod terminal;
mod text;
mod timeline;
mod validation;
mod watched;
mod wording;

pub use calibration::{calibration_json, calibration_text};
pub use comparison::{comparison_json, comparison_markdown, comparison_text, headline, span, verdict_line};
pub use contracts::{contract_text, contracts_json, contracts_markdown, contracts_text};
pub use dead_letters::{dead_letter_json, dead_letter_text, dead_letters_json, dead_letters_text};
pub use error::ReportError;
pub use files::write_all;
pub use format::{Format, Style, UnknownFormat, render};
pub use hazards::{
    ListedHazard, hazards_head, hazards_json, hazards_list, hazards_list_json, hazards_markdown,
    hazards_summary, lesson as hazard_lesson,
};
pub use html::{Diagram, html_with, knee_html};
pub use knee::{knee_json, knee_markdown, knee_step, knee_text};
pub use lag::{lag_json, lag_text};
pub use lag_metrics::{Compat, SurveyCounts, lag_dashboard, lag_exposition, lag_metrics_markdown, lag_rules};
pub use lint::{lint, lint_json, lint_kinds};
pub use live::{Live, LiveMode, Panel, live_lines};
pub use outcomes::{outcomes_json, outcomes_markdown, outcomes_text};
pub use prove::{WirePictures, prove, prove_html, prove_json};
pub use replay::{FaultView, ProcessView, Replay, RunView, ScenarioView};
pub use selftest::{selftest_json, selftest_text};
pub use stored::{EVENTS_FILE, read_run};
pub use terminal::terminal;
pub use validation::{Document, document};

/// JSON schema (draft 2020-12) of `report.json`.
pub const SCHEMA: &str = include_str!("../schema/report.schema.json");
