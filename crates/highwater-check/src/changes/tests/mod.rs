//! The checker against stories whose truth is known: clean ones, and clean ones with one thing made wrong.

mod clean;
mod envelopes;
mod fields;
mod planted;
mod snapshots;
mod story;
