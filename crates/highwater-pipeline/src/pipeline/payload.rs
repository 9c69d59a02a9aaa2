//! Bytes to values and back. Avro, Protobuf or anything else is an implementation of these two traits.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Bytes that are no value, or a value that has no bytes.
#[derive(Debug, Error)]
#[error("{what}")]
pub struct PayloadError {
    what: &'static str,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl PayloadError {
    /// Wraps the error of a format; `what` is a fragment such as "value is not a JSON order".
    #[must_use]
    pub fn new(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            what,
            source: source.into(),
        }
    }
}

/// Reads values of records. What cannot be read is poison: it becomes a dead letter with its raw bytes.
pub trait Decode {
    /// What a handler gets.
    type Value;

    /// Reads a value; absent is a tombstone.
    ///
    /// # Errors
    ///
    /// The bytes are not such a value.
    fn decode(&self, bytes: Option<&[u8]>) -> Result<Self::Value, PayloadError>;
}

/// Writes values of records.
pub trait Encode {
    /// What a handler gives.
    type Value;

    /// Writes a value; nothing is a tombstone.
    ///
    /// # Errors
    ///
    /// The value cannot be written.
    fn encode(&self, value: &Self::Value) -> Result<Option<Vec<u8>>, PayloadError>;
}

/// Values as JSON. A tombstone is read as `null`, so that `Option<T>` takes one.
#[derive(Debug)]
pub struct Json<T>(PhantomData<fn() -> T>);

impl<T> Json<T> {
    /// JSON of this type.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Json<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: DeserializeOwned> Decode for Json<T> {
    type Value = T;

    fn decode(&self, bytes: Option<&[u8]>) -> Result<T, PayloadError> {
        serde_json::from_slice(bytes.unwrap_or(b"null"))
            .map_err(|error| PayloadError::new("value is not the expected JSON", error))
    }
}

impl<T: Serialize> Encode for Json<T> {
    type Value = T;

    fn encode(&self, value: &T) -> Result<Option<Vec<u8>>, PayloadError> {
        serde_json::to_vec(value)
            .map(Some)
            .map_err(|error| PayloadError::new("value cannot be written as JSON", error))
    }
}

/// Bytes as they are; absent is a tombstone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Raw;

impl Decode for Raw {
    type Value = Option<Vec<u8>>;

    fn decode(&self, bytes: Option<&[u8]>) -> Result<Self::Value, PayloadError> {
        Ok(bytes.map(<[u8]>::to_vec))
    }
}

impl Encode for Raw {
    type Value = Option<Vec<u8>>;

    fn encode(&self, value: &Self::Value) -> Result<Option<Vec<u8>>, PayloadError> {
        Ok(value.clone())
    }
}
