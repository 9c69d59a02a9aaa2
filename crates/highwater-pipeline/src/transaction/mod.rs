//! Exactly-once windows: what to do next with a transactional producer, and after each of its errors.
//!
//! ```text
//!           begin      count or time, or close()                        ok
//!  idle ───────▶ open ───────▶ flush ───────▶ send offsets ───────▶ commit ───────▶ idle
//!                 │              │                 │                  │ unknown
//!                 └──────────────┴─ abortable ─────┴──▶ abort         ▼
//!                                                        └──▶ rewind ◀── rebuild ◀── fatal
//! ```
//!
//! Effects are produced only while a window is open, each together with the completion of its record. The offsets are
//! taken when they are sent, so that a window commits exactly the records whose effects are in it; handlers run on
//! while it closes, and their results wait for the next window.
//!
//! Source: KIP-98, KIP-447. One producer per process; the group's generation fences members that were left behind.
//!
//! Invariant: after a commit whose outcome is unknown the producer is rebuilt, which decides the transaction, before
//! committed offsets are read; it is never aborted.
//! Not here: the producer.

mod window;

pub use window::{Action, Failure, StopReason, Window, WindowLimits};
