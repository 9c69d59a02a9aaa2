use super::{Entry, Fault, OnLink, Point};
use crate::api_set::ApiSet;
use crate::rule::spec::Direction;

pub(super) const ENTRY: Entry = Entry {
    name: "reset",
    summary: "ends connections with a TCP reset instead of a close",
    known: "what the broker had not answered is unknown",
    point: Point::Network,
    takes: &["direction"],
    example: r#"[[rules]]
fault = "reset"
client_id = "orders-*"
from = "10s"
"#,
    apis: ApiSet::ALL,
    build: |parameters| {
        Ok(Box::new(Reset(OnLink::Reset {
            direction: parameters.direction.unwrap_or(Direction::Both),
        })))
    },
};

struct Reset(OnLink);

impl Fault for Reset {
    fn on_link(&self) -> Option<OnLink> {
        Some(self.0)
    }
}
