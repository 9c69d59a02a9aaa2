//! The table of topic settings: Kafka's names, defaults and ranges.
//!
//! Invariant: a setting that is not [`Values::Fixed`] has an effect here.

/// The type of a setting, in the protocol's numbers (KIP-569).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean = 1,
    String = 2,
    Int = 3,
    Long = 5,
    Double = 6,
    List = 7,
}

/// What a setting may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Values {
    /// A whole number from the first to the second.
    Number(i64, i64),
    /// A number from 0 to 1.
    Ratio,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// One or more of these, with commas between.
    ManyOf(&'static [&'static str]),
    /// Only its default, for the reason given: another value would have no effect here.
    Fixed(&'static str),
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// `segment.bytes` and `max.message.bytes` have the broker's value instead.
    pub(crate) default: &'static str,
    pub(crate) values: Values,
    /// One line.
    pub(crate) documentation: &'static str,
}

const INT_MAX: i64 = i32::MAX as i64;

/// Largest batch that is taken anywhere, see [`highwater_wire::batch::MAX_BATCH_BYTES`].
const MAX_BATCH: i64 = highwater_wire::batch::MAX_BATCH_BYTES as i64;

const FOREVER: &str = "9223372036854775807";

const fn long(name: &'static str, default: &'static str, min: i64, documentation: &'static str) -> Setting {
    Setting {
        name,
        kind: Kind::Long,
        default,
        values: Values::Number(min, i64::MAX),
        documentation,
    }
}

const fn fixed(name: &'static str, kind: Kind, default: &'static str, reason: &'static str) -> Setting {
    Setting {
        name,
        kind,
        default,
        values: Values::Fixed(reason),
        documentation: reason,
    }
}

/// Every setting, in order of name.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        name: "cleanup.policy",
        kind: Kind::List,
        default: "delete",
        values: Values::ManyOf(&["compact", "delete"]),
        documentation: "What becomes of old data: delete it, compact it to the last value of each key, or both",
    },
    Setting {
        name: "compression.type",
        kind: Kind::String,
        default: "producer",
        values: Values::OneOf(&["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"]),
        documentation: "The codec that batches are stored in: that of their producer, or one for all",
    },
    long(
        "delete.retention.ms",
        "86400000",
        0,
        "How long compaction keeps a tombstone after it has cleaned the keys before it",
    ),
    fixed(
        "file.delete.delay.ms",
        Kind::Long,
        "60000",
        "Files are removed at once; readers that have them open go on",
    ),
    long(
        "flush.messages",
        FOREVER,
        1,
        "Force the log to the disk after so many records",
    ),
    fixed(
        "flush.ms",
        Kind::Long,
        FOREVER,
        "Logs are forced to the disk by number of records, or by every batch (`--fsync`)",
    ),
    long(
        "max.compaction.lag.ms",
        FOREVER,
        1,
        "A closed segment older than this is compacted whatever the dirty ratio",
    ),
    Setting {
        name: "max.message.bytes",
        kind: Kind::Int,
        default: "1048588",
        values: Values::Number(0, MAX_BATCH),
        documentation: "Largest record batch taken",
    },
    long(
        "message.timestamp.after.max.ms",
        "3600000",
        0,
        "How far ahead of the broker's clock a timestamp may be",
    ),
    long(
        "message.timestamp.before.max.ms",
        FOREVER,
        0,
        "How far behind the broker's clock a timestamp may be",
    ),
    Setting {
        name: "message.timestamp.type",
        kind: Kind::String,
        default: "CreateTime",
        values: Values::OneOf(&["CreateTime", "LogAppendTime"]),
        documentation: "Whether records keep their producer's timestamp or get the broker's",
    },
    Setting {
        name: "min.cleanable.dirty.ratio",
        kind: Kind::Double,
        default: "0.5",
        values: Values::Ratio,
        documentation: "Compact a log when this part of it has not been compacted",
    },
    long(
        "min.compaction.lag.ms",
        "0",
        0,
        "How long a record stays out of reach of compaction",
    ),
    fixed(
        "min.insync.replicas",
        Kind::Int,
        "1",
        "Every partition has one replica",
    ),
    fixed(
        "preallocate",
        Kind::Boolean,
        "false",
        "Segment files grow as they are written",
    ),
    fixed(
        "remote.storage.enable",
        Kind::Boolean,
        "false",
        "There is no tiered storage",
    ),
    long(
        "retention.bytes",
        "-1",
        -1,
        "Delete the oldest segments of a partition that is larger than this; -1 for never",
    ),
    long(
        "retention.ms",
        "604800000",
        -1,
        "Delete segments whose newest record is older than this; -1 for never",
    ),
    Setting {
        name: "segment.bytes",
        kind: Kind::Int,
        default: "134217728",
        values: Values::Number(1 << 20, INT_MAX),
        documentation: "Begin a new segment when the next batch would make this one larger",
    },
    fixed(
        "segment.jitter.ms",
        Kind::Long,
        "0",
        "Segments are closed exactly when they are due",
    ),
    long(
        "segment.ms",
        "604800000",
        1,
        "Begin a new segment when the first record of this one is older than the next by more than this",
    ),
    fixed(
        "unclean.leader.election.enable",
        Kind::Boolean,
        "false",
        "Every partition has one replica",
    ),
];

/// The setting with this name.
pub(crate) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}
