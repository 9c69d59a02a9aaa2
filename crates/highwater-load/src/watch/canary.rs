//! A small question to one broker, due once a second.
//!
//! Invariant: what is due is never moved by an answer that is late. After a silence of ten seconds the ten questions that
//! became due meanwhile are asked at once, and each is timed from when it was due.

use std::sync::Arc;
use std::time::Duration;

use highwater_model::CanarySample;
use highwater_wire::Connection;
use kafka_protocol::messages::ApiVersionsRequest;

use super::{EVERY_NS, Shared};
use crate::access::{Door, Line, Patience, Place};

/// For an answer longer than the pauses of the built-in scenarios, so that what they did is seen in full.
const LIMIT: Patience = Patience {
    connect: Duration::from_secs(2),
    answer: Duration::from_secs(30),
};
/// Every broker answers this version.
const VERSION: i16 = 0;
/// Questions to one broker that are kept: more than a day of them.
const MOST: usize = 100_000;

pub(super) struct Canary {
    shared: Arc<Shared>,
    node: i32,
    door: Door,
    place: Place,
    connection: Option<Connection<Line>>,
    asked: usize,
}

impl Canary {
    pub(super) fn new(shared: Arc<Shared>, node: i32, door: Door, place: Place) -> Self {
        Self {
            shared,
            node,
            door,
            place,
            connection: None,
            asked: 0,
        }
    }

    pub(super) fn start(self) -> std::io::Result<()> {
        std::thread::Builder::new()
            .name(format!("canary-{}", self.node))
            .spawn(move || self.run())
            .map(drop)
    }

    fn run(mut self) {
        // The first answer of a connection is not timed: making one takes a multiple of a question.
        self.connect();
        let mut due = self.shared.clock.now_ns();
        while !self.shared.is_over() && self.asked < MOST {
            self.shared.seen().waiting.insert(self.node, due);
            let answered = self.ask();
            let now = self.shared.clock.now_ns();
            {
                let mut seen = self.shared.seen();
                if seen.waiting.remove(&self.node).is_some() {
                    seen.canaries.push(CanarySample {
                        at_ns: due,
                        node: self.node,
                        answered_ns: answered.then(|| now.saturating_sub(due)),
                    });
                }
                seen.count_cpu();
            }
            self.asked += 1;
            due += EVERY_NS;
            if !answered {
                // Nobody is there: what became due while that was found out is unanswered as well.
                self.give_up_until(now, &mut due);
            }
            self.shared.sleep_until(due);
        }
    }

    fn give_up_until(&self, now: u64, due: &mut u64) {
        let mut seen = self.shared.seen();
        while *due <= now {
            seen.canaries.push(CanarySample {
                at_ns: *due,
                node: self.node,
                answered_ns: None,
            });
            *due += EVERY_NS;
        }
    }

    fn connect(&mut self) {
        self.connection = self.door.open(&self.place, LIMIT).ok();
    }

    /// Whether an answer came; over a new connection if the old one is broken.
    fn ask(&mut self) -> bool {
        let request = ApiVersionsRequest::default();
        if self.connection.is_none() {
            self.connect();
        }
        let Some(connection) = &mut self.connection else {
            return false;
        };
        let answered = connection.call(&request, VERSION).is_ok();
        if !answered {
            self.connection = None;
        }
        answered
    }
}
