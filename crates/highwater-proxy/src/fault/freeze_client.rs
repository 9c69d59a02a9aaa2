use super::{Entry, Fault, OnLink, Point};
use crate::api_set::ApiSet;
use crate::rule::spec::Direction;

pub(super) const ENTRY: Entry = Entry {
    name: "freeze-client",
    summary: "cuts one client off on all its connections, as a long garbage collection or a suspended machine does",
    known: "what it sent meanwhile arrives afterwards: it may by then be a zombie",
    point: Point::Network,
    takes: &["lasting"],
    example: r#"[[rules]]
fault = "freeze-client"
client_id = "orders-1"
after = { api = "Produce", topic = "orders", nth = 100 }
times = 1
lasting = "15s"
"#,
    apis: ApiSet::ALL,
    build: |_| Ok(Box::new(FreezeClient)),
};

struct FreezeClient;

impl Fault for FreezeClient {
    fn on_link(&self) -> Option<OnLink> {
        Some(OnLink::BlackHole {
            direction: Direction::Both,
        })
    }

    fn of_whole_client(&self) -> bool {
        true
    }
}
