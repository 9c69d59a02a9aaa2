//! The recorder: turns what passed into a history, off the path of the bytes.
//!
//! ```text
//! connections ─▶ queue (bounded by bytes; who finds it full waits, and the wait is written down) ─▶ thread
//!                                                   thread: observe ─▶ HistoryEvent ─▶ file, observer, counters
//! ```
//! Invariant: nothing is left out. What can't be recorded is a [`Trouble`] in the history itself, and time that
//! connections lost by waiting is in its last event.

mod thread;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use bytes::Bytes;
use highwater_model::history::{
    ConnectionId, ExchangeId, HistoryBody, HistoryEvent, RequestFate, ResponseFate, Trouble,
};
use highwater_wire::frame::RequestHeader;
use highwater_wire::observe;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::counters::Counters;

pub(crate) use thread::{Finished, Output, start};

/// Bytes of frames that wait to be recorded. Half a second of 64 MB/s: enough for the pauses of a disk, and
/// small beside the limit of 100 MB for the whole proxy.
const QUEUE_BYTES: usize = 32 << 20;
/// The queue is counted in pieces of this size.
const PIECE: usize = 1 << 10;
/// What an event without a frame counts.
const EVENT_BYTES: usize = 1 << 10;

const PRODUCE: i16 = 0;
const FETCH: i16 = 1;

/// How much is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Errors of answers are counted, nothing else is kept.
    Errors,
    /// Everything that a history has.
    Full,
}

/// Something that passed.
pub(crate) enum Item {
    Event(HistoryBody),
    Request {
        connection: ConnectionId,
        exchange: ExchangeId,
        header: RequestHeader,
        body: Bytes,
        fate: RequestFate,
        rule: Option<u16>,
        /// How many answers will come.
        answers: u8,
    },
    Response {
        exchange: ExchangeId,
        api_key: i16,
        api_version: i16,
        frame: Bytes,
        fate: ResponseFate,
        rule: Option<u16>,
    },
}

struct Timed {
    at_ns: u64,
    permits: u32,
    item: Item,
}

/// The entrance of the recorder.
pub(crate) struct Recorder {
    sender: mpsc::Sender<Timed>,
    room: Arc<Semaphore>,
    clock: Clock,
    level: Level,
    counters: Arc<Counters>,
    waited_ns: Arc<AtomicU64>,
    /// The file can't be written any more; the reason comes with [`Finished`].
    failed: Arc<AtomicBool>,
}

impl Recorder {
    /// Whether requests of this API are kept.
    pub(crate) fn wants_request(&self, api_key: i16) -> bool {
        match self.level {
            Level::Full => true,
            Level::Errors => observe::needed(api_key) && api_key != PRODUCE && api_key != FETCH,
        }
    }

    /// Whether answers of this API are kept.
    pub(crate) fn wants_answer(&self, api_key: i16) -> bool {
        match self.level {
            Level::Full => true,
            Level::Errors => observe::needed(api_key) && api_key != FETCH,
        }
    }

    /// Whether the history could not be written to its end.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Adds an event without a frame.
    pub(crate) fn event(&self, body: HistoryBody) {
        if let HistoryBody::Trouble(trouble) = &body {
            self.counters.trouble(trouble);
        }
        self.push(0, Item::Event(body));
    }

    /// Adds a trouble.
    pub(crate) fn trouble(&self, trouble: Trouble) {
        self.event(HistoryBody::Trouble(trouble));
    }

    /// Adds a request or an answer; waits while the queue is full.
    pub(crate) async fn frame(&self, bytes: usize, item: Item) {
        let pieces = (bytes + EVENT_BYTES).min(QUEUE_BYTES) / PIECE;
        let permits = u32::try_from(pieces).unwrap_or(u32::MAX);
        let permit = match self.room.try_acquire_many(permits) {
            Ok(permit) => Ok(permit),
            Err(_) => {
                let waiting = Instant::now();
                let permit = self.room.acquire_many(permits).await;
                let waited = u64::try_from(waiting.elapsed().as_nanos()).unwrap_or(u64::MAX);
                self.waited_ns.fetch_add(waited, Ordering::Relaxed);
                permit
            }
        };
        // The thread gives the room back when it has dealt with the frame.
        if let Ok(permit) = permit {
            permit.forget();
            self.push(permits, item);
        }
    }

    /// Adds a frame without waiting for room, where nothing can wait any more: at most one for each connection
    /// that ends.
    pub(crate) fn frame_at_last(&self, item: Item) {
        self.push(0, item);
    }

    fn push(&self, permits: u32, item: Item) {
        // An error means that the thread is gone, and its failure is reported at the end.
        let at_ns = self.clock.now_ns();
        let _ = self.sender.send(Timed { at_ns, permits, item });
    }
}

/// Called with every event, on the recorder's thread.
pub type Observer = Box<dyn FnMut(&HistoryEvent) + Send>;
