//! One partition, whole: its offset engines, lanes, retries and parked keys behind one loop.
//!
//! ```text
//!  source topic ─▶ deliver ───────▶ engine ─▶ lanes ─┐             ┌─▶ Run: the handler and its effect
//!                                                    ├─▶ take ─▶ Work ─▶ Park: write a retry record
//!  retry topic ──▶ deliver_parked ─▶ engine ─▶ lot ──┘      ▲      └─▶ DeadLetter: write a dead letter
//!                                                           └──── finish(work, done │ failed)
//! ```
//!
//! The caller does what a work's task says and brings the work back. Writing a retry record or a dead letter is work
//! like running the handler: it may fail, it is repeated, and its lane waits for it.
//!
//! Invariant: a record is complete when its effect, its retry record or its dead letter was acknowledged, and not
//! before; of one key one record is out at a time.
//! Not here: which thread runs a work, and how anything is written.

mod core;
mod work;

pub use self::core::{Commit, Partition};
pub use work::{Config, Finished, Outcome, Record, Task, Work};
