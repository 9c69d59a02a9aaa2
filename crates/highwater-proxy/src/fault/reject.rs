use super::{Entry, Fault, OnRequest, Point, error_code};
use crate::api_set::ApiSet;
use crate::rule::scope::Seen;

pub(super) const ENTRY: Entry = Entry {
    name: "reject",
    summary: "answers a request with an error and does not forward it",
    known: "certainly not applied",
    point: Point::Frame,
    takes: &["error"],
    example: r#"[[rules]]
fault = "reject"
api = "Produce"
topic = "orders"
error = "NOT_ENOUGH_REPLICAS"
nth = 3
"#,
    apis: ApiSet::ALL,
    build: |parameters| {
        Ok(Box::new(Reject {
            error: error_code(parameters, None)?,
        }))
    },
};

struct Reject {
    error: i16,
}

impl Fault for Reject {
    fn on_request(&self, _request: &Seen<'_>) -> OnRequest {
        OnRequest::Reject(self.error)
    }
}
