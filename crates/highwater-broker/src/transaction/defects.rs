//! Where the bug switches reach into the coordinator; without one nothing happens here.

use std::sync::Arc;

use kafka_protocol::error::ResponseError;

use super::coordinator::Identity;
use super::file::States;
use super::state::{Phase, Place, Transaction};
use crate::bug::Bug;
use crate::bugs::end_another::EndAnother;
use crate::bugs::journal::JournalError;
use crate::bugs::marker_in_one::MarkerInOne;
use crate::bugs::{self, Switches};

#[derive(Debug)]
pub(super) struct Defects {
    end_another: Option<EndAnother>,
    marker_in_one: Option<MarkerInOne>,
}

impl Defects {
    pub(super) fn new(switches: &Switches) -> Self {
        let journal_of = |bug| switches.journal_of(bug).map(Arc::clone);
        Self {
            end_another: journal_of(Bug::EndTransactionOfAnother).map(EndAnother::new),
            marker_in_one: journal_of(Bug::MarkerInOnePartitionOnly).map(MarkerInOne::new),
        }
    }

    /// Another open transaction that is to be ended in place of this one.
    pub(super) fn wrong_end(
        &mut self,
        states: &States,
        id: &str,
        producer: Identity,
    ) -> Result<Option<Arc<str>>, ResponseError> {
        let Some(bug) = &mut self.end_another else {
            return Ok(None);
        };
        let is_open = |state: &Transaction| state.phase == Phase::Ongoing;
        let own = states.get(id).is_some_and(|state| {
            is_open(state)
                && (state.producer_id, state.producer_epoch) == (producer.producer_id, producer.epoch)
        });
        let other = states
            .iter()
            .find(|(other, state)| &***other != id && is_open(state));
        let Some((other, state)) = other.filter(|_| own) else {
            return Ok(None);
        };
        if !bug.chooses() {
            return Ok(None);
        }
        for place in &state.partitions {
            let told = bug.tell(&named(place), (state.producer_id, state.producer_epoch));
            told.map_err(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "journal");
                ResponseError::CoordinatorNotAvailable
            })?;
        }
        Ok(Some(Arc::clone(other)))
    }

    /// In how many of its partitions a transaction is to be ended.
    pub(super) fn marked(&mut self, state: &Transaction) -> Result<usize, JournalError> {
        let all = state.partitions.len();
        let Some(bug) = &mut self.marker_in_one else {
            return Ok(all);
        };
        if !bug.chooses(all) {
            return Ok(all);
        }
        for place in state.partitions.iter().skip(1) {
            bug.tell(&named(place), (state.producer_id, state.producer_epoch))?;
        }
        Ok(1)
    }
}

fn named(place: &Place) -> bugs::Place {
    bugs::Place {
        topic: Arc::clone(&place.topic),
        partition: place.partition,
    }
}
