//! Events and legs as JSON, with the version of their shape.
//!
//! `{"v":1,"account":"alice","sequence":0,"at_ms":1700000000000,"balance":500,"fact":{"type":"deposited",…}}`
//!
//! A shape that has to change gets the next version, and a step that lifts the one before ([`Upcaster`]): old records
//! stay as they are, and are lifted when they are read.
//!
//! Invariant: what was ever written can be read by every later version; what a later version wrote is refused by name.
//! Not here: schemas for others. Readers of the events topic read JSON.

mod upcast;

pub use upcast::{Codec, EncodingError, MAX_RECORD_BYTES, UPCASTERS, Upcaster};

#[cfg(test)]
mod tests;
