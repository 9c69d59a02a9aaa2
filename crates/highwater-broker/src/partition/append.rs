//! What becomes of a batch that a producer sent: appended, known already, or refused.

use std::time::Duration;

use bytes::Bytes;
use highwater_wire::batch::BatchHeader;

use super::{AppendError, State};
use crate::producers::{self, Decision};

/// Where a batch is.
pub(super) enum Taken {
    /// It was appended.
    Appended(i64),
    /// It was there before.
    Known(producers::Appended),
}

impl State {
    /// Judges a batch by its producer's sequence and epoch, and appends it if it may.
    pub(super) fn take(
        &mut self,
        header: &BatchHeader,
        batch: &Bytes,
        now: Duration,
    ) -> Result<Taken, AppendError> {
        let end_offset = self.bounds().high_watermark;
        match self.producers.judge(header) {
            Decision::Append => self.append_new(header, batch, now).map(Taken::Appended),
            Decision::Duplicate(_) | Decision::OutOfOrder { .. }
                if self.defects.ignore_sequences.is_some() =>
            {
                if let Some(bug) = &self.defects.ignore_sequences {
                    bug.admit(header, end_offset)?;
                }
                self.append_new(header, batch, now).map(Taken::Appended)
            }
            Decision::Duplicate(first) => {
                let again = match &mut self.defects.retry_twice {
                    Some(bug) => bug.appends_again(header, first, end_offset)?,
                    None => false,
                };
                if !again {
                    return Ok(Taken::Known(first));
                }
                Ok(Taken::Appended(self.put(header, batch, now)?))
            }
            Decision::OutOfOrder { expected } => Err(AppendError::OutOfOrder {
                producer_id: header.producer_id(),
                found: header.base_sequence(),
                expected,
            }),
            Decision::InTransaction => Err(AppendError::InTransaction),
            Decision::FencedEpoch { current } => {
                if let Some(bug) = &self.defects.ignore_epoch {
                    bug.admit(header, end_offset)?;
                    return Ok(Taken::Appended(self.put(header, batch, now)?));
                }
                Err(AppendError::FencedEpoch {
                    producer_id: header.producer_id(),
                    found: header.producer_epoch(),
                    current,
                })
            }
        }
    }
}
