//! What a topic's settings ask of a batch before it is appended: a key in every record of a compacted
//! topic, timestamps near the broker's clock, or the broker's own.
//!
//! Invariant: a topic with default settings costs no look at the records. It holds no clock.

use bytes::Bytes;
use highwater_wire::batch::{BatchError, BatchHeader};
use highwater_wire::records::{Records, RecordsError, with_append_time};

use crate::log::LogConfig;

/// A batch as it is to be appended.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) header: BatchHeader,
    pub(crate) batch: Bytes,
    /// The timestamp that every record was given, milliseconds since 1970.
    pub(crate) append_time_ms: Option<i64>,
}

/// Why a batch is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntakeError {
    #[error("a compacted topic takes no record without a key")]
    NoKey,
    #[error("timestamp {found} is outside of {earliest} to {latest}, which the topic takes now")]
    Timestamp { found: i64, earliest: i64, latest: i64 },
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Looks at a batch as the settings ask for; `now_ms` is the time of day.
pub(crate) fn take(
    config: &LogConfig,
    header: &BatchHeader,
    batch: &Bytes,
    now_ms: i64,
) -> Result<Taken, IntakeError> {
    if config.compact {
        let records = Records::of(batch)?;
        for record in records.iter() {
            if record?.key.is_none() {
                return Err(IntakeError::NoKey);
            }
        }
    }
    if config.log_append_time {
        let stamped = with_append_time(batch, now_ms).ok_or(RecordsError::Batch(BatchError::Incomplete {
            need: header.length(),
            have: batch.len(),
        }))?;
        return Ok(Taken {
            header: BatchHeader::parse(&stamped).map_err(RecordsError::Batch)?,
            batch: stamped,
            append_time_ms: Some(now_ms),
        });
    }
    check_timestamps(config, header, batch, now_ms)?;
    Ok(Taken {
        header: *header,
        batch: batch.clone(),
        append_time_ms: None,
    })
}

fn check_timestamps(
    config: &LogConfig,
    header: &BatchHeader,
    batch: &Bytes,
    now_ms: i64,
) -> Result<(), IntakeError> {
    let earliest = now_ms.saturating_sub(config.timestamp_before_max_ms);
    let latest = now_ms.saturating_add(config.timestamp_after_max_ms);
    let check = |found: i64| {
        if found < 0 || (earliest..=latest).contains(&found) {
            return Ok(());
        }
        Err(IntakeError::Timestamp {
            found,
            earliest,
            latest,
        })
    };
    check(header.max_timestamp())?;
    if earliest > 0 {
        for record in Records::of(batch)?.iter() {
            check(record?.timestamp)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use highwater_wire::BatchBuilder;

    use super::*;

    fn taken(
        change: impl FnOnce(&mut LogConfig),
        timestamp: i64,
        key: Option<&[u8]>,
    ) -> Result<Taken, IntakeError> {
        let mut config = LogConfig::with_segment_bytes(1 << 20);
        change(&mut config);
        let batch = BatchBuilder::new()
            .timestamp(timestamp)
            .record(Some(b"k"), None)
            .record(key, None)
            .build();
        let header = BatchHeader::parse(&batch).expect("a batch");
        take(&config, &header, &batch, 1_000)
    }

    #[test]
    fn settings_are_kept() {
        assert!(taken(|_| {}, i64::MAX, None).is_ok(), "no limits");
        let compacted = taken(|config| config.compact = true, 0, None);
        assert!(matches!(compacted, Err(IntakeError::NoKey)));
        assert!(taken(|config| config.compact = true, 0, Some(b"x")).is_ok());
        let limits = |config: &mut LogConfig| {
            config.timestamp_before_max_ms = 100;
            config.timestamp_after_max_ms = 10;
        };
        for (timestamp, accepted) in [
            (899, false),
            (900, true),
            (1_010, true),
            (1_011, false),
            (-1, true),
        ] {
            assert_eq!(taken(limits, timestamp, None).is_ok(), accepted, "{timestamp}");
        }
    }

    #[test]
    fn the_brokers_clock_makes_a_good_batch() {
        let taken = taken(|config| config.log_append_time = true, i64::MAX, None).expect("taken");
        assert_eq!(taken.append_time_ms, Some(1_000));
        let header = highwater_wire::batch::check(&taken.batch).expect("checksum");
        assert_eq!((header, header.max_timestamp()), (taken.header, 1_000));
    }
}
