//! Who has which partition: a compacted topic, one record for each partition, written by the partition's transactional
//! writer when it has taken over.
//!
//! Invariant: the last record of a partition is by whoever fenced it last, since nobody else can write.
//! Not here: whether that instance still lives. A client that is sent to a dead one asks another, and is sent on when
//! the group has given the partition away.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bank::Bank;
use crate::kafka::{Record, Tail, Tailed};

const GLANCE: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
struct Owner {
    partition: i32,
    url: String,
}

/// What says that this instance has the partition.
pub(super) fn record(bank: &Bank, partition: i32) -> Record {
    let owner = Owner {
        partition,
        url: bank.url.clone(),
    };
    let value = serde_json::to_vec(&owner).unwrap_or_default();
    Record {
        topic: bank.cluster.owners(),
        partition: 0,
        key: partition.to_string(),
        value,
    }
}

/// Keeps the table, until the instance stops.
pub(super) fn follow(bank: &Arc<Bank>) {
    while !bank.stopping() {
        match Tail::open(&bank.cluster, bank.cluster.owners(), 1, |_| None) {
            Ok(tail) => {
                while !bank.stopping() {
                    let read = tail.next(GLANCE, |_, offset, value| {
                        (offset, serde_json::from_slice::<Owner>(value))
                    });
                    match read {
                        Tailed::Record((_, Ok(Owner { partition, url }))) => bank.owned(partition, url),
                        Tailed::Record((offset, Err(error))) => {
                            tracing::warn!(%error, offset, "a record of the topic of owners can't be read");
                        }
                        // Compaction took what was superseded meanwhile: from the start again.
                        Tailed::Gone(_) => break,
                        Tailed::End(_) | Tailed::Nothing => {}
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "can't read the topic of owners");
                std::thread::sleep(PAUSE);
            }
        }
    }
}
