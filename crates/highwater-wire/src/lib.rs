//! Kafka on the wire: frames, bounded decoding, record batches, and a small blocking client.
//!
//! This is the only crate that knows byte layouts. Its invariant: bytes from outside never make it
//! panic, and never make it reserve more memory than a constant factor of the bytes that arrived.
//!
//! ```text
//! socket ─▶ frame (length, bound) ─▶ RequestHeader ─▶ bounded::decode ─▶ kafka-protocol's types
//!                                                                  records: Bytes ─▶ batch
//! ```
//!
//! It does not keep connections alive, and holds no state of a broker or group.

pub mod addresses;
pub mod answer;
pub mod api;
pub mod batch;
pub mod bounded;
pub mod compression;
mod connection;
pub mod control;
pub mod coordinator;
mod cursor;
mod encoder;
mod error;
pub mod frame;
pub mod observe;
pub mod records;
pub mod subscription;

pub use connection::{Connection, Stream};
pub use encoder::BatchBuilder;
pub use error::WireError;
