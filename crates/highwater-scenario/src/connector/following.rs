//! Change events as they come: which changes have arrived, and when the last one did.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use highwater_check::changes::{ChangeEvent, Field, Observed, Operation, Table, envelope};
use highwater_load::Clock;
use highwater_load::follow::{Followed, Follower};
use highwater_load::rows::{REVISION, Tracker, record_of};
use highwater_model::RecordId;
use highwater_target::CdcNames;

use super::parts::tables;
use crate::session::described;

/// What has come so far.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    /// Changes of the load, first deliveries.
    pub(super) received: AtomicU64,
    /// Events, rows of a snapshot among them.
    pub(super) events: AtomicU64,
    /// When the last of those came.
    pub(super) last_ns: AtomicU64,
}

/// Follows the topics of the tables.
pub(super) struct Following {
    pub(super) arrived: Arc<Arrived>,
    _follower: Follower,
}

impl Following {
    pub(super) fn start(
        bootstrap: &str,
        names: &CdcNames,
        partitions: u32,
        tracker: Tracker,
        clock: Clock,
    ) -> Result<Self, String> {
        let tables: BTreeMap<String, Table> = tables()
            .into_iter()
            .map(|table| (names.topic(&table.name), table))
            .collect();
        let topics: Vec<(String, u32)> = tables.keys().map(|topic| (topic.clone(), partitions)).collect();
        let arrived = Arc::new(Arrived::default());
        let counted = Arc::clone(&arrived);
        let follower = Follower::start(bootstrap, &topics, move |record: Followed<'_>| {
            let Some(table) = tables.get(record.topic) else {
                return;
            };
            let Observed::Change(event) = envelope::parse(table, record.key, record.value) else {
                return;
            };
            let now_ns = clock.now_ns();
            counted.last_ns.store(now_ns, Relaxed);
            counted.events.fetch_add(1, Relaxed);
            if event.operation == Operation::Read {
                return;
            }
            if tracker.received(change_of(&event, &tracker), now_ns) {
                counted.received.fetch_add(1, Relaxed);
            }
        })
        .map_err(|error| described(&error))?;
        Ok(Self {
            arrived,
            _follower: follower,
        })
    }
}

/// Which change of the load an event tells of: an insert and an update left their revision in the row, a delete is
/// known by its key.
fn change_of(event: &ChangeEvent, tracker: &Tracker) -> RecordId {
    let revision = event.after.as_ref().and_then(|row| row.get(REVISION));
    match (revision, &event.key) {
        (Some(Field::Integer(revision)), _) => record_of(*revision),
        (None, Field::Integer(id)) => tracker.delete_of(&event.table, *id),
        _ => RecordId::UNSTAMPED,
    }
}
