use highwater_wire::WireError;

use super::{Answer, Entry, Fault, OnAnswer, Point};
use crate::api_set::ApiSet;
use crate::rule::spec::Then;

pub(super) const ENTRY: Entry = Entry {
    name: "drop-ack",
    summary: "forwards a request and throws its answer away; the connection closes, or stays silent",
    known: "applied if the broker said so, and the client does not know",
    point: Point::Frame,
    takes: &["then"],
    example: r#"[[rules]]
fault = "drop-ack"
api = "EndTxn"
transactional_id = "payments-*"
nth = 1
# "close" (default): as when the connection breaks; "silence": until the client's own timeout
then = "close"
"#,
    apis: ApiSet::ALL,
    build: |parameters| {
        Ok(Box::new(DropAck {
            then: parameters.then.unwrap_or_default(),
        }))
    },
};

struct DropAck {
    then: Then,
}

impl Fault for DropAck {
    fn on_answer(&self, _answer: &Answer<'_>) -> Result<OnAnswer, WireError> {
        Ok(OnAnswer::Discard(self.then))
    }

    fn wants_answers(&self) -> bool {
        true
    }
}
