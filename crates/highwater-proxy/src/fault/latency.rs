use super::{Entry, Fault, OnLink, Point, needed};
use crate::api_set::ApiSet;
use crate::rule::spec::Direction;

pub(super) const ENTRY: Entry = Entry {
    name: "latency",
    summary: "delays every byte by `delay`, and up to `jitter` more, without limiting how many are under way",
    known: "nothing is lost or reordered",
    point: Point::Network,
    takes: &["delay", "jitter", "direction", "lasting"],
    example: r#"[[rules]]
fault = "latency"
delay = "80ms"
jitter = "20ms"
direction = "to-client"
"#,
    apis: ApiSet::ALL,
    build: |parameters| {
        Ok(Box::new(Latency(OnLink::Latency {
            delay: needed(parameters.delay, "delay", "80ms")?,
            jitter: parameters.jitter.unwrap_or_default(),
            direction: parameters.direction.unwrap_or(Direction::Both),
        })))
    },
};

struct Latency(OnLink);

impl Fault for Latency {
    fn on_link(&self) -> Option<OnLink> {
        Some(self.0)
    }
}
