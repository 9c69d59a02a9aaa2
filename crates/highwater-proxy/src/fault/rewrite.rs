use highwater_wire::{WireError, answer};

use super::{Answer, Entry, Fault, OnAnswer, Point, error_code};
use crate::api_set::ApiSet;
use crate::rule::spec::RuleError;

pub(super) const ENTRY: Entry = Entry {
    name: "rewrite",
    summary: "forwards a request and alters its answer: an error in place of success, or other offsets",
    known: "applied if the broker said so, and the client is told otherwise",
    point: Point::Frame,
    takes: &["error", "offset_delta"],
    example: r#"[[rules]]
fault = "rewrite"
api = "Produce"
topic = "orders"
partition = 1
error = "REQUEST_TIMED_OUT"
probability = 0.05
"#,
    apis: ApiSet::ALL,
    build: |parameters| match (&parameters.error, parameters.offset_delta) {
        (Some(_), None) => Ok(Box::new(Rewrite::Error(error_code(parameters, None)?))),
        (None, Some(delta)) if delta != 0 => Ok(Box::new(Rewrite::Offsets(delta))),
        _ => Err(RuleError::new(
            "error",
            "`rewrite` needs either `error` or an `offset_delta` other than 0",
            "e.g. error = \"REQUEST_TIMED_OUT\", or offset_delta = -1",
        )),
    },
};

enum Rewrite {
    Error(i16),
    Offsets(i64),
}

impl Fault for Rewrite {
    fn on_answer(&self, answer: &Answer<'_>) -> Result<OnAnswer, WireError> {
        let of = |topic: &str, partition: i32| answer.matcher.covers(topic, partition);
        let (key, version, frame) = (answer.api_key, answer.api_version, answer.frame.clone());
        let altered = match self {
            Self::Error(code) => answer::with_error(key, version, frame, *code, &of)?,
            Self::Offsets(delta) => answer::with_offset_delta(key, version, frame, *delta, &of)?,
        };
        Ok(OnAnswer::Replace(altered))
    }

    fn wants_answers(&self) -> bool {
        true
    }
}
