use highwater_wire::WireError;

use super::{Answer, Entry, Fault, OnAnswer, OnRequest, Point};
use crate::api_set::ApiSet;
use crate::rule::scope::Seen;
use crate::rule::spec::{Direction, RuleError};

pub(super) const ENTRY: Entry = Entry {
    name: "hold",
    summary: "keeps a request back while later ones pass, then lets it go, even if the client has hung up by then",
    known: "applied late: after `delay`, or after the event of `release_after`",
    point: Point::Frame,
    takes: &["delay", "release_after", "direction"],
    example: r#"[[rules]]
fault = "hold"
api = "EndTxn"
transactional_id = "payments-1"
nth = 1
# the late EndTxn arrives in the middle of the next transaction
release_after = { api = "Produce", transactional_id = "payments-1", nth = 1 }
"#,
    apis: ApiSet::ALL,
    build: |parameters| {
        let held = Hold {
            answers: match parameters.direction {
                None | Some(Direction::ToBroker) => false,
                Some(Direction::ToClient) => true,
                Some(Direction::Both) => {
                    return Err(RuleError::new(
                        "direction",
                        "a frame is held on its way to the broker or to the client, not both",
                        "two rules can hold both",
                    ));
                }
            },
        };
        if parameters.release_after.is_none() && parameters.delay.is_none_or(|delay| delay.is_zero()) {
            return Err(RuleError::new(
                "delay",
                "`hold` needs to know when to let go",
                "give a `delay`, e.g. \"5s\", or `release_after = { api = … }`, or both: whichever comes first",
            ));
        }
        Ok(Box::new(held))
    },
};

struct Hold {
    answers: bool,
}

impl Fault for Hold {
    fn on_request(&self, _request: &Seen<'_>) -> OnRequest {
        if self.answers {
            OnRequest::Forward
        } else {
            OnRequest::Hold
        }
    }

    fn on_answer(&self, _answer: &Answer<'_>) -> Result<OnAnswer, WireError> {
        Ok(if self.answers {
            OnAnswer::Hold
        } else {
            OnAnswer::Deliver
        })
    }

    fn wants_answers(&self) -> bool {
        self.answers
    }
}
