use super::{Entry, Fault, OnLink, Point};
use crate::api_set::ApiSet;
use crate::rule::spec::Direction;

pub(super) const ENTRY: Entry = Entry {
    name: "black-hole",
    summary: "lets nothing through, in one direction or both, while both ends stay connected",
    known: "what was sent meanwhile arrives when the fault is lifted, as after a network partition",
    point: Point::Network,
    takes: &["direction", "lasting"],
    example: r#"[[rules]]
fault = "black-hole"
# answers don't come back, requests arrive
direction = "to-client"
from = "10s"
until = "22s"
"#,
    apis: ApiSet::ALL,
    build: |parameters| {
        Ok(Box::new(BlackHole(OnLink::BlackHole {
            direction: parameters.direction.unwrap_or(Direction::Both),
        })))
    },
};

struct BlackHole(OnLink);

impl Fault for BlackHole {
    fn on_link(&self) -> Option<OnLink> {
        Some(self.0)
    }
}
