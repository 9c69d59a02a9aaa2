use std::collections::BTreeMap;

use highwater_model::history::{ConnectionId, RequestFacts};
use highwater_model::{LintGuarantee, LintLevel};

use super::not_idempotent::is_plain;
use super::place::moment;
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::Tally;
use crate::lint::wire::{Answered, Asked, Pending, Wire};

static KIND: Kind = Kind {
    name: "reorder-in-flight",
    level: LintLevel::Error,
    title: "several requests in flight without idempotence",
    evidence: "a Produce request without producer id to a partition, while one before it on the same connection and \
               to the same partition is unanswered",
    risk: "if the first fails and is retried, its records come after those of the second: order is lost",
    remedy: Remedy::InFlight,
    breaks: &[LintGuarantee::Order, LintGuarantee::ExactlyOnce],
};

/// Produce without a producer id while another to the same partition is unanswered.
#[derive(Debug, Default)]
pub(super) struct ReorderInFlight {
    in_flight: BTreeMap<(ConnectionId, String, i32), u32>,
    most: u32,
    tally: Tally,
}

impl ReorderInFlight {
    fn ended(&mut self, pending: &Pending) {
        let RequestFacts::Produce(produce) = &pending.facts else {
            return;
        };
        if !is_plain(produce) {
            return;
        }
        for partition in &produce.partitions {
            let key = (
                pending.spot.connection,
                partition.topic.clone(),
                partition.partition,
            );
            if let Some(count) = self.in_flight.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    self.in_flight.remove(&key);
                }
            }
        }
    }
}

impl Check for ReorderInFlight {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        let RequestFacts::Produce(produce) = asked.facts else {
            return;
        };
        if !is_plain(produce) {
            return;
        }
        for partition in &produce.partitions {
            let key = (
                asked.spot.connection,
                partition.topic.clone(),
                partition.partition,
            );
            let count = self.in_flight.entry(key).or_default();
            *count += 1;
            if *count < 2 {
                continue;
            }
            self.most = self.most.max(*count);
            self.tally.add(wire, asked.spot, || {
                format!(
                    "Produce to {}-{} without producer id at {}, while the one before it was unanswered, {}",
                    partition.topic,
                    partition.partition,
                    moment(asked.spot.at_ns),
                    wire.client(asked.spot.connection)
                )
            });
        }
    }

    fn answered(&mut self, answered: &Answered<'_>, _wire: &Wire) {
        self.ended(&answered.asked);
    }

    fn lost(&mut self, pending: &Pending) {
        self.ended(pending);
    }

    fn closed(&mut self, connection: ConnectionId, _at_ns: u64) {
        self.in_flight.retain(|(of, _, _), _| *of != connection);
    }

    fn finish(self: Box<Self>, _wire: &Wire, outcome: &mut Outcome) {
        let risk = format!("{}; up to {} requests were in flight", KIND.risk, self.most);
        self.tally.report(&KIND, Some(&risk), outcome);
    }
}
