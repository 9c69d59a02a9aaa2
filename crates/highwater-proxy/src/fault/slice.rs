use super::{Entry, Fault, OnLink, Point};
use crate::api_set::ApiSet;
use crate::rule::spec::{Direction, RuleError};

/// Largest slice: above what one read brings it would cut nothing.
const LARGEST: u64 = 64 << 10;

pub(super) const ENTRY: Entry = Entry {
    name: "slice",
    summary: "sends bytes in pieces of `size`, with `delay` between them, so that frames arrive torn",
    known: "nothing is lost or reordered",
    point: Point::Network,
    takes: &["size", "delay", "direction", "lasting"],
    example: r#"[[rules]]
fault = "slice"
size = "7B"
delay = "1ms"
"#,
    apis: ApiSet::ALL,
    build: |parameters| {
        let size = parameters
            .size
            .filter(|size| (1..=LARGEST).contains(size))
            .ok_or_else(|| {
                RuleError::new(
                    "size",
                    "the fault needs a `size` from 1B to 64KiB",
                    "e.g. size = \"7B\"",
                )
            })?;
        Ok(Box::new(Slice(OnLink::Slice {
            size: size as usize,
            delay: parameters.delay.unwrap_or_default(),
            direction: parameters.direction.unwrap_or(Direction::Both),
        })))
    },
};

struct Slice(OnLink);

impl Fault for Slice {
    fn on_link(&self) -> Option<OnLink> {
        Some(self.0)
    }
}
