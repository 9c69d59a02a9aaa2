//! Dead letters: what they are, which of them wait for somebody, and sending them back.
//!
//! ```text
//! dead-letter topic ─▶ Desk: engine of each partition ─▶ waiting letters, in order ─▶ visit: look │ redrive │ discard
//!        group `highwater-dlq`: committed offset, and above it what is done ◀─ commit ◀──────────────┘
//! ```
//!
//! A dead-letter topic is a log, so nothing is taken out of it. Which letters were seen to is kept as the offsets of a
//! consumer group of its own: the committed offset, and what is done above it in the metadata of the commit, as a
//! pipeline keeps it. A redrive that is stopped half way goes on where it was.
//!
//! Invariant: a letter counts as done when what was sent for it is acknowledged, or when somebody discarded it, and not
//! before; a redrive never sends a letter in front of an earlier one of the same key that stays.

mod desk;
mod redrive;
mod select;

pub use desk::{Dead, Desk, GROUP};
pub use redrive::{Done, Fate, Redrive, Redriven, discard, redrive};
pub use select::{Selection, is_dead_letter_topic};
