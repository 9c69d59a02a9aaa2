use super::{Entry, Fault, OnLink, Point};
use crate::api_set::ApiSet;
use crate::rule::spec::{Direction, RuleError};

pub(super) const ENTRY: Entry = Entry {
    name: "half-open",
    summary: "closes a connection towards one side only; the other side still believes in it",
    known: "what the broker had not answered is unknown",
    point: Point::Network,
    takes: &["direction"],
    example: r#"[[rules]]
fault = "half-open"
# the side whose connection is closed: "to-broker" (default), or "to-client"
direction = "to-broker"
api = "Produce"
nth = 5
"#,
    apis: ApiSet::ALL,
    build: |parameters| {
        let direction = parameters.direction.unwrap_or(Direction::ToBroker);
        if direction == Direction::Both {
            return Err(RuleError::new(
                "direction",
                "a connection closed towards both sides is not half open",
                "name one side, or use the fault `reset`",
            ));
        }
        Ok(Box::new(HalfOpen(OnLink::HalfOpen { direction })))
    },
};

struct HalfOpen(OnLink);

impl Fault for HalfOpen {
    fn on_link(&self) -> Option<OnLink> {
        Some(self.0)
    }
}
