use super::{Entry, Fault, OnLink, Point, needed};
use crate::api_set::ApiSet;

pub(super) const ENTRY: Entry = Entry {
    name: "slow-close",
    summary: "when one side closes a connection, tells the other side only after `delay`",
    known: "nothing is lost",
    point: Point::Network,
    takes: &["delay", "lasting"],
    example: r#"[[rules]]
fault = "slow-close"
delay = "5s"
"#,
    apis: ApiSet::ALL,
    build: |parameters| {
        Ok(Box::new(SlowClose(OnLink::SlowClose {
            delay: needed(parameters.delay, "delay", "5s")?,
        })))
    },
};

struct SlowClose(OnLink);

impl Fault for SlowClose {
    fn on_link(&self) -> Option<OnLink> {
        Some(self.0)
    }
}
