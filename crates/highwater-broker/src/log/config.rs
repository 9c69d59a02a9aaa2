//! What a log needs to know of its topic's settings.

use highwater_wire::batch::Codec;

/// Settings of one log; the names are Kafka's, see the topic settings for what they mean.
use crate::data_dir::Durability;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LogConfig {
    /// A segment is closed when the next batch would make it larger, in bytes.
    pub(crate) segment_bytes: u64,
    /// A segment is closed when the next batch is so much younger than its first, in milliseconds.
    pub(crate) segment_ms: i64,
    pub(crate) delete: bool,
    pub(crate) compact: bool,
    /// `None` keeps everything.
    pub(crate) retention_ms: Option<u64>,
    /// `None` keeps everything.
    pub(crate) retention_bytes: Option<u64>,
    pub(crate) delete_retention_ms: i64,
    pub(crate) min_cleanable_dirty_ratio: f64,
    pub(crate) min_compaction_lag_ms: i64,
    pub(crate) max_compaction_lag_ms: i64,
    /// The codec that batches are stored in; `None` leaves them as they came.
    pub(crate) codec: Option<Codec>,
    pub(crate) log_append_time: bool,
    pub(crate) timestamp_before_max_ms: i64,
    pub(crate) timestamp_after_max_ms: i64,
    pub(crate) flush_messages: i64,
    /// Force every batch to the disk before it is acknowledged.
    pub(crate) fsync: bool,
}

impl LogConfig {
    /// What small files beside the segments must outlive.
    pub(crate) fn durability(&self) -> Durability {
        if self.fsync {
            Durability::Machine
        } else {
            Durability::Process
        }
    }

    /// Everything kept as it came, in segments of this size.
    #[cfg(test)]
    pub(crate) const fn with_segment_bytes(segment_bytes: u64) -> Self {
        Self {
            segment_bytes,
            segment_ms: i64::MAX,
            delete: true,
            compact: false,
            retention_ms: None,
            retention_bytes: None,
            delete_retention_ms: 0,
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            codec: None,
            log_append_time: false,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: i64::MAX,
            flush_messages: i64::MAX,
            fsync: false,
        }
    }
}
