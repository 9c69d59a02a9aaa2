use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use highwater_wire::{WireError, answer};

use super::{Answer, Entry, Fault, OnAnswer, Point};
use crate::api_set::ApiSet;

/// Different Metadata requests whose answers are kept; a client asks for a handful of sets of topics.
const MOST_KEPT: usize = 1_000;

pub(super) const ENTRY: Entry = Entry {
    name: "stale-metadata",
    summary: "answers Metadata requests with the first answer seen since the rule could fire",
    known: "clients go on using leaders and partitions as they were",
    point: Point::Frame,
    takes: &[],
    example: r#"[[rules]]
fault = "stale-metadata"
client_id = "orders-*"
from = "10s"
until = "25s"
"#,
    apis: ApiSet::of(&[3]),
    build: |_| {
        Ok(Box::new(StaleMetadata {
            kept: Mutex::default(),
        }))
    },
};

struct StaleMetadata {
    /// By version and body of the request: the first answer.
    kept: Mutex<HashMap<(i16, Bytes), Bytes>>,
}

impl Fault for StaleMetadata {
    fn on_answer(&self, answer: &Answer<'_>) -> Result<OnAnswer, WireError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let question = (answer.api_version, answer.request.clone());
        if let Some(first) = kept.get(&question) {
            return Ok(OnAnswer::Replace(answer::with_correlation_id(
                first,
                answer.correlation_id,
            )));
        }
        if kept.len() < MOST_KEPT {
            kept.insert(question, answer.frame.clone());
        }
        Ok(OnAnswer::Deliver)
    }

    fn wants_answers(&self) -> bool {
        true
    }
}
