use super::{Entry, Fault, OnLink, Point};
use crate::api_set::ApiSet;
use crate::rule::spec::{Direction, RuleError};

pub(super) const ENTRY: Entry = Entry {
    name: "bandwidth",
    summary: "lets no more than `rate` bytes a second through each connection",
    known: "nothing is lost or reordered",
    point: Point::Network,
    takes: &["rate", "direction", "lasting"],
    example: r#"[[rules]]
fault = "bandwidth"
rate = "1MB/s"
direction = "to-broker"
from = "10s"
until = "20s"
"#,
    apis: ApiSet::ALL,
    build: |parameters| {
        let bytes_per_second = parameters
            .bytes_per_second
            .filter(|rate| *rate > 0)
            .ok_or_else(|| {
                RuleError::new(
                    "rate",
                    "the fault needs a `rate` above zero",
                    "e.g. rate = \"1MB/s\"",
                )
            })?;
        Ok(Box::new(Bandwidth(OnLink::Bandwidth {
            bytes_per_second,
            direction: parameters.direction.unwrap_or(Direction::Both),
        })))
    },
};

struct Bandwidth(OnLink);

impl Fault for Bandwidth {
    fn on_link(&self) -> Option<OnLink> {
        Some(self.0)
    }
}
