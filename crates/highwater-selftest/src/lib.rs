//! Proof of the checkers, without a broker: clean histories in which nothing may be found, and histories with one
//! defect in them, of which exactly that one must be found.
//!
//! ```text
//!  seed ─▶ clean history ─┬──────────▶ checkers ─▶ no alarm
//!                         ├─ control ─▶ checkers ─▶ still none
//!                         └─ defect ──▶ checkers ─▶ exactly this name, exactly these records
//! ```
//!
//! Invariant: the same seed gives the same histories, defects and answers. Nothing here knows how a checker works.
//!
//! It has no clock, no randomness of its own, and starts nothing.

mod actor;
mod clean;
mod control;
mod matrix;
mod oracle;
mod pipeline;
mod plant;
mod selftest;
mod world;

pub use clean::{CONTRACTS, Clean, clean_history};
pub use control::Control;
pub use matrix::{Cell, Judge, Matrix, MatrixRow, Miss, all_checkers, kill_matrix};
pub use oracle::{OracleRow, ask_oracle};
pub use pipeline::{
    Fed, PIPELINE_CONTRACTS, PipelineDefect, PipelineJudge, PipelineMiss, PipelineRow, Put, Run, check_run,
    clean_run, pipeline_clean, pipeline_defects, pipeline_matrix,
};
pub use plant::{Context, Defect, Equivalent, Expected, Named, Planted, Where, defects, equivalents};
pub use selftest::{CleanRow, ControlRow, EquivalentRow, Extent, Selftest, selftest};
