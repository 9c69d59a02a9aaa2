//! Repeats: whether a connector that goes back may, and whether it then repeats everything from there on.
//!
//! ```text
//! 1 2 3 4 5 | 3 4 5 6      allowed after a restart, if 3 was sent after the last flush
//! 1 2 3 4 5 | 3 6          not a way back: something sent 3 again by itself
//! ```

use highwater_model::RecordId;

use super::account::First;
use super::describe;
use super::window::Refused;
use super::{At, ChangeAccount, ChangeEvent};
use crate::Anomaly;

/// The distinct records of a partition, and the repeat that is under way.
#[derive(Debug)]
pub(super) struct Sequence {
    pub(super) last_offset: i64,
    /// Distinct records so far.
    pub(super) distinct: u32,
    pub(super) replay: Option<Replay>,
    /// A streamed change stood in it: the snapshot is over.
    pub(super) streaming: bool,
}

impl Default for Sequence {
    fn default() -> Self {
        Self {
            last_offset: -1,
            distinct: 0,
            replay: None,
            streaming: false,
        }
    }
}

/// A repeat that is under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Replay {
    start: u32,
    next: u32,
    first_offset: i64,
    allowed: bool,
}

impl ChangeAccount<'_> {
    /// A record that did not stand in the partition before; gives its place among the distinct ones.
    pub(super) fn fresh(&mut self, at: At<'_>, partition: u32) -> u32 {
        self.broken_off(at, partition);
        let sequence = &mut self.sequences[partition as usize];
        let position = sequence.distinct;
        sequence.distinct += 1;
        position
    }

    /// A record that stood somewhere before.
    pub(super) fn repeated(
        &mut self,
        at: At<'_>,
        partition: u32,
        first: First,
        event: &ChangeEvent,
        record: RecordId,
    ) {
        self.summary.repeated += 1;
        let sequence = &mut self.sequences[partition as usize];
        let goes_on = sequence
            .replay
            .filter(|replay| first.partition == partition && replay.next == first.position);
        let verdict = match goes_on {
            Some(replay) if replay.allowed => Ok(()),
            Some(_) => Err(None),
            None if first.partition != partition => Err(None),
            None => self.window.allows(at.at_ms, event.position).map_err(Some),
        };
        let replay = match goes_on {
            Some(replay) => Replay {
                next: replay.next + 1,
                ..replay
            },
            None => {
                self.summary.rewinds += 1;
                Replay {
                    start: first.position,
                    next: first.position + 1,
                    first_offset: at.offset,
                    allowed: verdict.is_ok(),
                }
            }
        };
        let repeated = u64::from(replay.next - replay.start);
        self.summary.longest_repeat = self.summary.longest_repeat.max(repeated);
        let sequence = &mut self.sequences[partition as usize];
        sequence.replay = (replay.next < sequence.distinct).then_some(replay);
        let anomaly = match verdict {
            Ok(()) => Anomaly::PipelineDuplicate,
            Err(_) => Anomaly::RedeliveryOutsideWindow,
        };
        self.add(anomaly, at, record, || {
            let why = match verdict {
                Ok(()) | Err(None) => String::new(),
                Err(Some(Refused::NoRestart)) => ", and nothing was restarted then".to_owned(),
                Err(Some(Refused::Flushed(flushed))) => format!(
                    ", though the position {} behind it was flushed before",
                    describe::wal(flushed.position.change)
                ),
            };
            format!(
                "{}, first at offset {}{why}",
                describe::event(event),
                first.offset
            )
        });
    }

    /// A new record ends a repeat that has not caught up: then it was no way back, but a record by itself.
    fn broken_off(&mut self, at: At<'_>, partition: u32) {
        let sequence = &mut self.sequences[partition as usize];
        let Some(replay) = sequence.replay.take().filter(|replay| replay.allowed) else {
            return;
        };
        let (repeated, left) = (replay.next - replay.start, sequence.distinct - replay.next);
        let at = At {
            offset: replay.first_offset,
            ..at
        };
        self.add(Anomaly::RedeliveryOutsideWindow, at, RecordId::UNSTAMPED, || {
            format!("{repeated} repeated from here on, and {left} behind them were not")
        });
    }
}
