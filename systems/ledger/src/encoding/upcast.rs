//! Versions of a shape, and the way from one to the next.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Longest record that is read, in bytes: all names and numbers of an event fit into a fraction of it.
pub const MAX_RECORD_BYTES: usize = 16 << 10;

/// Lifts a record from its version to the next one, or says why it can't.
pub type Upcaster = fn(&mut Map<String, Value>) -> Result<(), String>;

/// The steps between versions; the first lifts version 1 to version 2. None yet: version 1 is the current one.
pub const UPCASTERS: &[Upcaster] = &[];

/// A record that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum EncodingError {
    /// Longer than [`MAX_RECORD_BYTES`].
    #[error("a record of {bytes} bytes: at most {MAX_RECORD_BYTES} are read")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// Not JSON, or without a version.
    #[error("no JSON object with a version `v`")]
    NoVersion(#[source] serde_json::Error),
    /// A version that this program does not know.
    #[error("version {found} of its shape, and this program knows 1 to {known}: update the program")]
    UnknownVersion {
        /// What it says.
        found: u32,
        /// The highest known.
        known: u32,
    },
    /// A step between versions failed.
    #[error("can't be lifted from version {from}: {why}")]
    Upcast {
        /// The version that it had.
        from: u32,
        /// What the step says.
        why: String,
    },
    /// Its version is known and its shape is another.
    #[error("not of the shape of version {version}")]
    Shape {
        /// The version that it has, or that it was lifted to.
        version: u32,
        /// What is missing.
        #[source]
        source: serde_json::Error,
    },
    /// It could not be written.
    #[error("can't be written as JSON")]
    Write(#[source] serde_json::Error),
}

/// Reads every version up to the current one, and writes the current one.
#[derive(Debug, Clone, Copy)]
pub struct Codec {
    upcasters: &'static [Upcaster],
}

#[derive(serde::Deserialize)]
struct Head {
    v: u32,
}

#[derive(Serialize)]
struct Whole<'a, T> {
    v: u32,
    #[serde(flatten)]
    body: &'a T,
}

impl Default for Codec {
    fn default() -> Self {
        Self::with(UPCASTERS)
    }
}

impl Codec {
    /// With these steps; the current version is one more than there are.
    pub const fn with(upcasters: &'static [Upcaster]) -> Self {
        Self { upcasters }
    }

    /// The version that is written.
    pub fn current(&self) -> u32 {
        u32::try_from(self.upcasters.len()).unwrap_or(u32::MAX - 1) + 1
    }

    /// A record of the current version.
    ///
    /// # Errors
    /// [`EncodingError::Write`], which no event or leg leads to.
    pub fn write<T: Serialize>(&self, body: &T) -> Result<Vec<u8>, EncodingError> {
        serde_json::to_vec(&Whole {
            v: self.current(),
            body,
        })
        .map_err(EncodingError::Write)
    }

    /// What a record says, lifted to the current version.
    ///
    /// # Errors
    /// [`EncodingError`], each naming what is wrong with the record.
    pub fn read<T: DeserializeOwned>(&self, record: &[u8]) -> Result<T, EncodingError> {
        if record.len() > MAX_RECORD_BYTES {
            return Err(EncodingError::TooLong { bytes: record.len() });
        }
        let head: Head = serde_json::from_slice(record).map_err(EncodingError::NoVersion)?;
        let version = self.current();
        if head.v == version {
            return serde_json::from_slice(record).map_err(|source| EncodingError::Shape { version, source });
        }
        if head.v == 0 || head.v > version {
            return Err(EncodingError::UnknownVersion {
                found: head.v,
                known: version,
            });
        }
        let mut lifted: Map<String, Value> =
            serde_json::from_slice(record).map_err(EncodingError::NoVersion)?;
        for from in head.v..version {
            let step = self.upcasters[from as usize - 1];
            step(&mut lifted).map_err(|why| EncodingError::Upcast { from, why })?;
        }
        serde_json::from_value(Value::Object(lifted))
            .map_err(|source| EncodingError::Shape { version, source })
    }
}
