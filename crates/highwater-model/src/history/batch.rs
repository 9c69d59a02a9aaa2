use serde::{Deserialize, Serialize};

/// Hash of a key or a value: XXH3 with 64 bits and seed 0 over its bytes, written as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub u64);

impl std::fmt::Display for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for ContentHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16)
            .map(Self)
            .map_err(|_| serde::de::Error::custom("a hash is 16 hexadecimal digits"))
    }
}

/// A record batch, as sent or as read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchFacts {
    /// First offset; in a Produce request what the client wrote there, usually 0.
    pub base_offset: i64,
    /// Offset of the last record minus the first.
    pub last_offset_delta: i32,
    /// Leader epoch when it was appended; -1 in a Produce request.
    pub leader_epoch: i32,
    /// Producer id; -1 without idempotence.
    pub producer_id: i64,
    /// Producer epoch; -1 without idempotence.
    pub producer_epoch: i16,
    /// Sequence of the first record; -1 without idempotence.
    pub base_sequence: i32,
    /// Part of a transaction.
    pub transactional: bool,
    /// The marker, if this is a control batch.
    pub marker: Option<MarkerFact>,
    /// Codec.
    pub codec: CodecName,
    /// Largest timestamp, milliseconds since 1970.
    pub max_timestamp_ms: i64,
    /// Size on the wire.
    pub bytes: u32,
    /// The records; empty for control batches.
    pub records: Vec<RecordFacts>,
}

/// The end of a transaction in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkerFact {
    /// The transaction was committed.
    Commit,
    /// The transaction was aborted.
    Abort,
    /// A control record of another kind.
    Other,
}

/// Codec of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodecName {
    /// Not compressed.
    None,
    /// gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
    /// A number that nobody knows.
    Unknown,
}

/// A record: hashes, never the payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordFacts {
    /// Offset minus the base offset of its batch.
    pub offset_delta: i32,
    /// Hash of the key; none for a record without one.
    pub key: Option<ContentHash>,
    /// Hash of the value; none for a tombstone.
    pub value: Option<ContentHash>,
    /// Size of the value.
    pub value_bytes: u32,
    /// The headers that were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderFact>,
}

/// A header that was asked to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderFact {
    /// Its key.
    pub key: String,
    /// Its value as text; bytes that are no UTF-8 are replaced; cut at 64 bytes.
    pub value: Option<String>,
}
