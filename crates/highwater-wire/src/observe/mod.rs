//! What requests and answers say, in the words of a history.
//!
//! ```text
//! frame ─▶ RequestHeader, body ─▶ request ─▶ RequestFacts ┐
//!          answer with its header ───────────▶ response ──┴▶ ResponseFacts
//!                    records ─▶ batches ─▶ record (hashes of keys and values)
//! ```
//!
//! One file per family of APIs. Versions that the codec has are decoded by it, through
//! [`crate::bounded`]; versions that it lacks are read here field by field, as far as the facts need them.
//!
//! Invariant: any bytes give facts or an error, never a panic, with memory of at most a constant factor of
//! the bytes that came, or of [`crate::records::MAX_RECORDS_BYTES`] where records are compressed. Checksums
//! are not compared: that is the broker's part. Nothing here keeps state, nothing is altered.

mod batches;
mod client;
mod client_protocol;
mod commit;
mod consumer_group;
mod coordinator;
mod dispatch;
mod fetch;
mod fields;
mod list_offsets;
mod membership;
mod offset_fetch;
mod produce;
mod record;
mod sasl;
mod share;
#[cfg(test)]
mod tests;
mod topic;
mod transaction;

pub use client::client_software;
pub use dispatch::{needed, request, response};
pub use produce::acks;
pub use sasl::{principal, sasl_mechanism};
pub use topic::{TopicNames, topic_names};

/// How deep a look into record batches goes.
#[derive(Debug, Clone, Copy)]
pub enum Depth<'a> {
    /// The headers of batches; nothing is decompressed, no records.
    Batches,
    /// The records too: offset deltas, hashes, and the record headers named here.
    Records {
        /// Keys of the record headers to keep.
        headers: &'a [String],
    },
}
