use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use highwater_model::history::RequestFacts;
use highwater_wire::{WireError, addresses, answer};

use super::{Answer, Entry, Fault, OnAnswer, OnRequest, Point, error_code};
use crate::api_set::ApiSet;
use crate::rule::scope::Seen;

/// JoinGroup, Heartbeat, LeaveGroup, SyncGroup, OffsetCommit, OffsetFetch, InitProducerId, AddPartitionsToTxn,
/// AddOffsetsToTxn, EndTxn, TxnOffsetCommit, ConsumerGroupHeartbeat: what only a coordinator answers.
const COORDINATED: ApiSet = ApiSet::of(&[8, 9, 11, 12, 13, 14, 22, 24, 25, 26, 28, 68]);

const METADATA: i16 = 3;
const FIND_COORDINATOR: i16 = 10;

/// Coordinators that can be moved in a run; more are left where they are.
const MOST_MOVED: usize = 10_000;

pub(super) const ENTRY: Entry = Entry {
    name: "move-coordinator",
    summary: "tells a client NOT_COORDINATOR, and when it asks who is, names a stand-in for the node, or again the node",
    known: "the request at which it fired was not applied; a stand-in leads to the real coordinator",
    point: Point::Frame,
    takes: &[],
    example: r#"[[rules]]
fault = "move-coordinator"
api = "TxnOffsetCommit"
group = "orders"
nth = 2
"#,
    apis: COORDINATED,
    build: |parameters| {
        Ok(Box::new(MoveCoordinator {
            error: error_code(parameters, Some("NOT_COORDINATOR"))?,
            moved: Mutex::default(),
        }))
    },
};

/// A node that Metadata does not list is one that some clients never talk to, and a connection to one listed
/// node can't lead to another: so every node has a stand-in, listed beside it, and coordinators move between the two.
struct MoveCoordinator {
    error: i16,
    /// By kind and key, what was ever moved.
    moved: Mutex<HashMap<(i8, String), Moved>>,
}

struct Moved {
    /// At the stand-in.
    away: bool,
    /// Somebody was told where: what is refused next is another move.
    told: bool,
}

impl Fault for MoveCoordinator {
    fn on_request(&self, request: &Seen<'_>) -> OnRequest {
        let Some(key) = coordinated_by(request.facts) else {
            return OnRequest::Forward;
        };
        let mut all = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST_MOVED || all.contains_key(&key) {
            let moved = all.entry(key).or_insert(Moved {
                away: false,
                told: true,
            });
            moved.away ^= std::mem::take(&mut moved.told);
        }
        OnRequest::Reject(self.error)
    }

    fn on_answer(&self, answer: &Answer<'_>) -> Result<OnAnswer, WireError> {
        let (version, frame) = (answer.api_version, answer.frame.clone());
        let told = match answer.request {
            RequestFacts::FindCoordinator { key_type, keys } => {
                let mut all = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
                answer::with_coordinators(version, frame, &mut |key, real| {
                    // Old versions answer the one key that was asked for, and do not name it.
                    let key = if key.is_empty() { keys.first()? } else { key };
                    let moved = all.get_mut(&(*key_type, key.to_owned()))?;
                    moved.told = true;
                    if moved.away {
                        answer.nodes.stand_in(real)
                    } else {
                        None
                    }
                })?
            }
            _ if answer.api_key == METADATA => {
                let listed = addresses::endpoints(METADATA, version, frame.clone())?;
                let more: Vec<_> = listed
                    .iter()
                    .filter_map(|node| answer.nodes.stand_in(node))
                    .collect();
                answer::with_brokers(version, frame, &more)?
            }
            _ => return Ok(OnAnswer::Deliver),
        };
        Ok(if told == *answer.frame {
            OnAnswer::Deliver
        } else {
            OnAnswer::Replace(told)
        })
    }

    fn wants_answers(&self) -> bool {
        true
    }

    fn follows(&self, request: &Seen<'_>, _: bool) -> bool {
        match request.facts {
            RequestFacts::FindCoordinator { key_type, keys } => {
                let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
                keys.iter()
                    .any(|key| moved.contains_key(&(*key_type, key.clone())))
            }
            // From the first answer on: a cluster does not grow because a coordinator moves.
            _ => request.api_key == METADATA,
        }
    }

    fn followed(&self) -> ApiSet {
        ApiSet::of(&[METADATA, FIND_COORDINATOR])
    }
}

/// Which coordinator a request is for: kind and key as in FindCoordinator.
fn coordinated_by(facts: &RequestFacts) -> Option<(i8, String)> {
    let group = |id: &String| Some((0, id.clone()));
    let transaction = |id: &String| Some((1, id.clone()));
    match facts {
        RequestFacts::JoinGroup { group: of, .. }
        | RequestFacts::SyncGroup { group: of, .. }
        | RequestFacts::Heartbeat(of)
        | RequestFacts::ConsumerGroupHeartbeat { group: of, .. } => group(&of.group_id),
        RequestFacts::LeaveGroup { group_id, .. } => group(group_id),
        RequestFacts::OffsetCommit(commit) => group(&commit.group.group_id),
        RequestFacts::OffsetFetch { groups, .. } => groups.first().and_then(group),
        RequestFacts::InitProducerId(init) => init.transactional_id.as_ref().and_then(transaction),
        RequestFacts::AddPartitionsToTxn(add) => {
            let (first, _) = add.transactions.first()?;
            transaction(&first.transactional_id)
        }
        RequestFacts::AddOffsetsToTxn { transaction: of, .. } => transaction(&of.transactional_id),
        RequestFacts::EndTxn(end) => transaction(&end.transaction.transactional_id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use highwater_wire::api;

    use super::*;

    #[test]
    fn every_coordinated_api_has_a_name() {
        let named = api::names()
            .filter_map(api::by_name)
            .filter(|key| COORDINATED.contains(*key))
            .count();
        assert_eq!(named, 12);
    }
}
