//! Pipelines, simulated from end to end: inputs, what came out of them, and what may have been processed twice.
//!
//! ```text
//!  seed ─▶ inputs ─▶ pipeline that keeps its contract ─▶ outputs ─┬──────────▶ check ─▶ no alarm
//!                     (crashes, windows, filters, fan-out)        └─ defect ─▶ check ─▶ exactly these records
//! ```
//!
//! Invariant: what is expected of a defect follows from what was planted; the check is not asked.

mod matrix;
mod plant;
mod run;

pub use matrix::{PipelineJudge, PipelineMiss, PipelineRow, check_run, pipeline_clean, pipeline_matrix};
pub use plant::{PipelineDefect, pipeline_defects};
pub use run::{Fed, PIPELINE_CONTRACTS, Put, Run, clean_run};
