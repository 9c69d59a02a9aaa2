//! A member of a consumer group as a process of its own, and what it leaves behind.
//!
//! ```text
//! poll ─▶ process: one line in its file ─▶ commit, now and then        SIGKILL: the file stays as far as it was written
//! ```
//! Invariant: a record counts as processed when its line is in the file, and a commit is made only after that; with
//! [`CommitWhen::BeforeProcessing`], which is wrong on purpose, the other way round. It judges nothing.

mod line;
mod run;
mod tail;

pub use line::{Line, LineError, What};
pub use run::{CommitWhen, MemberOptions, monotonic_ns, run_member};
pub use tail::Tail;
