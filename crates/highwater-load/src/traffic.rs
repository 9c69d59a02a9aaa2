//! How many bytes a producer was given and how many it sent, as its client says once a second.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Debug, Default)]
pub(crate) struct TrafficCounters {
    record_bytes: AtomicU64,
    sent_bytes: AtomicU64,
}

impl TrafficCounters {
    pub(crate) fn set(&self, record_bytes: u64, sent_bytes: u64) {
        self.record_bytes.store(record_bytes, Relaxed);
        self.sent_bytes.store(sent_bytes, Relaxed);
    }

    pub(crate) fn read(&self) -> Traffic {
        Traffic {
            record_bytes: self.record_bytes.load(Relaxed),
            sent_bytes: self.sent_bytes.load(Relaxed),
        }
    }
}

/// Bytes of a load so far, at most a second old.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Keys and values of the records sent, before compression.
    pub record_bytes: u64,
    /// Bytes sent to brokers: compressed batches, their headers, repetitions, other requests.
    pub sent_bytes: u64,
}

impl Traffic {
    /// Bytes of records per byte sent; none before anything was sent. Without compression just below 1.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        (self.sent_bytes > 0 && self.record_bytes > 0)
            .then(|| self.record_bytes as f64 / self.sent_bytes as f64)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            record_bytes: self.record_bytes + other.record_bytes,
            sent_bytes: self.sent_bytes + other.sent_bytes,
        }
    }
}
