//! Is a consumer group all right? A verdict over a window of readings of one partition.
//!
//! ```text
//! readings ─▶ window of wall time ─▶ unknown · data-lost · at-risk · rewound · stopped · stalled · slowing ·
//!                                    catching-up · ok: the first that fits, with what it rests on
//! ```
//!
//! No verdict rests on a lag being large: a group with a million records to go that it will have read in a minute is
//! all right, and one with a single record that it never gets past is not. What counts is whether it moves, in which
//! direction, and whether retention is faster.
//!
//! A lag that grows is told from one that swings (groups commit every few seconds, readings come when they come) by
//! the slope of Theil and Sen and the test of Mann and Kendall, as a drift is (see [`crate::trend`]).
//!
//! Invariant: a pure function of the readings. It does not tell a last record that can't be processed from the marker
//! of a transaction, which some clients never commit past: see [`Judging::marker`].

mod judge;
mod slope;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use judge::judge;

/// How readings are judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judging {
    /// Readings older than this, seen from the last one, don't count. Default 10 minutes.
    pub window: Duration,
    /// With fewer readings in the window nothing is said. Default 5.
    pub fewest: usize,
    /// Readings that span less say nothing of standing still, nor of slopes. Default 1 minute.
    pub shortest: Duration,
    /// A record that retention takes sooner than this, at the pace of the window, is at risk. Default 1 hour.
    pub horizon: Duration,
    /// So many offsets may be left while nothing moves. A client that commits the offset after its last record, as
    /// those based on librdkafka do, stands in front of the marker that ended the transaction: one offset that no
    /// record is at. Default 1.
    pub marker: u64,
}

impl Default for Judging {
    fn default() -> Self {
        Self {
            window: Duration::from_mins(10),
            fewest: 5,
            shortest: Duration::from_mins(1),
            horizon: Duration::from_hours(1),
            marker: 1,
        }
    }
}
