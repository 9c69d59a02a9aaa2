use highwater_wire::WireError;

use super::{Answer, Entry, Fault, OnAnswer, OnRequest, Point};
use crate::api_set::ApiSet;
use crate::rule::scope::Seen;
use crate::rule::spec::{Direction, RuleError};

pub(super) const ENTRY: Entry = Entry {
    name: "dup",
    summary: "forwards a request twice, as a retry does whose first attempt had arrived",
    known: "applied once with idempotence, twice without; the client gets the first answer",
    point: Point::Frame,
    takes: &["direction"],
    example: r#"[[rules]]
fault = "dup"
api = "Produce"
topic = "orders"
every = 10
"#,
    apis: ApiSet::ALL,
    build: |parameters| match parameters.direction {
        None | Some(Direction::ToBroker) => Ok(Box::new(Dup { answers: false })),
        Some(Direction::ToClient) => Ok(Box::new(Dup { answers: true })),
        Some(Direction::Both) => Err(RuleError::new(
            "direction",
            "`dup` repeats the request (\"to-broker\") or the answer (\"to-client\")",
            "two rules can repeat both",
        )),
    },
};

struct Dup {
    answers: bool,
}

impl Fault for Dup {
    fn on_request(&self, _request: &Seen<'_>) -> OnRequest {
        if self.answers {
            OnRequest::Forward
        } else {
            OnRequest::Twice
        }
    }

    fn on_answer(&self, _answer: &Answer<'_>) -> Result<OnAnswer, WireError> {
        Ok(if self.answers {
            OnAnswer::Twice
        } else {
            OnAnswer::Deliver
        })
    }

    fn wants_answers(&self) -> bool {
        self.answers
    }
}
