use std::collections::BTreeMap;

use highwater_model::history::{ConnectionId, RequestFacts};
use highwater_model::{LintGuarantee, LintLevel};

use super::place::{length, moment};
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::{Library, Remedy};
use crate::lint::outcome::Outcome;
use crate::lint::tally::Tally;
use crate::lint::wire::{Answered, Asked, Pending, Wire};

static KIND: Kind = Kind {
    name: "poll-interval-near",
    level: LintLevel::Warning,
    title: "processing takes nearly as long as it may",
    evidence: "no Fetch of a Java consumer, and none waiting, for more than half of the rebalance timeout that its \
               JoinGroup names, which is max.poll.interval.ms",
    risk: "a batch a little slower and the member leaves its group: a rebalance, and records that are read again",
    remedy: Remedy::PollInterval,
    breaks: &[LintGuarantee::ExactlyOnce],
};

type Client = (String, Library, String);

#[derive(Debug, Default)]
struct Reader {
    poll_interval_ns: Option<u64>,
    waiting: BTreeMap<ConnectionId, u32>,
    idle_since_ns: Option<u64>,
}

/// Pauses between fetches against `max.poll.interval.ms`. Only the Java client fetches when it is polled.
#[derive(Debug, Default)]
pub(super) struct PollGap {
    readers: BTreeMap<Client, Reader>,
    owners: BTreeMap<ConnectionId, Client>,
    tally: Tally,
}

impl PollGap {
    fn ended(&mut self, connection: ConnectionId, at_ns: u64) {
        let Some(reader) = self
            .owners
            .get(&connection)
            .and_then(|owner| self.readers.get_mut(owner))
        else {
            return;
        };
        if let Some(count) = reader.waiting.get_mut(&connection) {
            *count -= 1;
            if *count == 0 {
                reader.waiting.remove(&connection);
            }
        }
        if reader.waiting.is_empty() {
            reader.idle_since_ns = Some(at_ns);
        }
    }
}

impl Check for PollGap {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        let spot = asked.spot;
        if wire.library(spot.connection) != Library::Java {
            return;
        }
        let client = wire.client_key(spot.connection);
        match asked.facts {
            RequestFacts::JoinGroup {
                rebalance_timeout_ms, ..
            } => {
                let reader = self.readers.entry(client).or_default();
                reader.poll_interval_ns = u64::try_from(*rebalance_timeout_ms).ok().map(|ms| ms * 1_000_000);
                // A rebalance interrupts fetching.
                reader.idle_since_ns = None;
            }
            RequestFacts::LeaveGroup { .. } => {
                self.readers.entry(client).or_default().idle_since_ns = None;
            }
            RequestFacts::Fetch(fetch) if fetch.share_group.is_none() => {
                self.owners.insert(spot.connection, client.clone());
                let reader = self.readers.entry(client).or_default();
                let limit = reader.poll_interval_ns.map(|interval| interval / 2);
                let idle_since = reader.idle_since_ns.take();
                *reader.waiting.entry(spot.connection).or_default() += 1;
                let gap = idle_since.map(|since| spot.at_ns.saturating_sub(since));
                if let (Some(limit), Some(gap)) = (limit, gap)
                    && limit > 0
                    && gap > limit
                {
                    self.tally.add(wire, spot, || {
                        format!(
                            "{} between two Fetches of {}, the second at {}, with max.poll.interval.ms {}",
                            length(gap),
                            wire.client(spot.connection),
                            moment(spot.at_ns),
                            limit * 2 / 1_000_000
                        )
                    });
                }
            }
            _ => {}
        }
    }

    fn answered(&mut self, answered: &Answered<'_>, _wire: &Wire) {
        if matches!(answered.asked.facts, RequestFacts::Fetch(_)) {
            self.ended(answered.asked.spot.connection, answered.at_ns);
        }
    }

    fn lost(&mut self, pending: &Pending) {
        if matches!(pending.facts, RequestFacts::Fetch(_)) {
            self.ended(pending.spot.connection, pending.spot.at_ns);
        }
    }

    fn closed(&mut self, connection: ConnectionId, at_ns: u64) {
        // A reader whose connections end starts anew.
        let _ = at_ns;
        if let Some(owner) = self.owners.remove(&connection)
            && let Some(reader) = self.readers.get_mut(&owner)
        {
            reader.waiting.remove(&connection);
            reader.idle_since_ns = None;
        }
    }

    fn finish(self: Box<Self>, _wire: &Wire, outcome: &mut Outcome) {
        self.tally.report(&KIND, None, outcome);
    }
}
