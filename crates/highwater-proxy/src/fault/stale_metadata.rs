use std::sync::{Mutex, PoisonError};

use highwater_wire::{WireError, answer};

use super::{Answer, Entry, Fault, OnAnswer, Point};
use crate::api_set::ApiSet;
use crate::rule::scope::Seen;

const METADATA: i16 = 3;

/// Produce, Fetch, ShareFetch and ShareAcknowledge: their errors name the new leader (KIP-951), and clients that
/// know it don't ask for Metadata.
const HINTING: ApiSet = ApiSet::of(&[0, 1, 78, 79]);

/// Topics that are kept; more are told as they are.
const MOST_TOPICS: usize = 100_000;

pub(super) const ENTRY: Entry = Entry {
    name: "stale-metadata",
    summary: "answers Metadata requests with brokers, topics and leaders as first seen since the rule could fire",
    known: "clients go on using leaders and partitions as they were",
    point: Point::Frame,
    takes: &[],
    example: r#"[[rules]]
fault = "stale-metadata"
client_id = "orders-*"
from = "10s"
until = "25s"
"#,
    apis: ApiSet::of(&[METADATA]),
    build: |_| {
        Ok(Box::new(StaleMetadata {
            seen: Mutex::default(),
        }))
    },
};

struct StaleMetadata {
    seen: Mutex<answer::SeenMetadata>,
}

impl Fault for StaleMetadata {
    fn on_answer(&self, answer: &Answer<'_>) -> Result<OnAnswer, WireError> {
        let (version, frame) = (answer.api_version, answer.frame.clone());
        let told = if answer.api_key == METADATA {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.older(version, frame, MOST_TOPICS)?
        } else {
            answer::without_leader_hints(answer.api_key, version, frame)?
        };
        Ok(if told == *answer.frame {
            OnAnswer::Deliver
        } else {
            OnAnswer::Replace(told)
        })
    }

    fn wants_answers(&self) -> bool {
        true
    }

    fn follows(&self, request: &Seen<'_>, live: bool) -> bool {
        live && HINTING.contains(request.api_key)
    }

    fn followed(&self) -> ApiSet {
        HINTING
    }
}
