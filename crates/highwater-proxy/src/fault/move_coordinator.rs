use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use highwater_model::history::RequestFacts;
use highwater_wire::{WireError, addresses, answer};

use super::{Answer, Entry, Fault, OnAnswer, OnRequest, Point, error_code};
use crate::api_set::ApiSet;
use crate::rule::scope::Seen;

/// JoinGroup, Heartbeat, LeaveGroup, SyncGroup, OffsetCommit, OffsetFetch, InitProducerId, AddPartitionsToTxn,
/// AddOffsetsToTxn, EndTxn, TxnOffsetCommit, ConsumerGroupHeartbeat: what only a coordinator answers.
const COORDINATED: ApiSet = ApiSet::of(&[8, 9, 11, 12, 13, 14, 22, 24, 25, 26, 28, 68]);

const FIND_COORDINATOR: i16 = 10;

/// Coordinators that can be moved in a run; more are left where they are.
const MOST_MOVED: usize = 10_000;

pub(super) const ENTRY: Entry = Entry {
    name: "move-coordinator",
    summary: "tells a client NOT_COORDINATOR, and when it asks who is, names another node",
    known: "the request at which it fired was not applied; the new address leads to the real coordinator",
    point: Point::Frame,
    takes: &["to_node"],
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
            to_node: parameters.to_node,
            moved: Mutex::default(),
        }))
    },
};

struct MoveCoordinator {
    error: i16,
    to_node: Option<i32>,
    /// Kind and key of what was moved.
    moved: Mutex<HashSet<(i8, String)>>,
}

impl Fault for MoveCoordinator {
    fn on_request(&self, request: &Seen<'_>) -> OnRequest {
        if request.api_key == FIND_COORDINATOR {
            return OnRequest::Forward;
        }
        let Some(key) = coordinated_by(request.facts) else {
            return OnRequest::Forward;
        };
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        if moved.len() < MOST_MOVED {
            moved.insert(key);
        }
        OnRequest::Reject(self.error)
    }

    fn on_answer(&self, answer: &Answer<'_>) -> Result<OnAnswer, WireError> {
        if answer.api_key != FIND_COORDINATOR {
            return Ok(OnAnswer::Deliver);
        }
        let (version, frame) = (answer.api_version, answer.frame.clone());
        let found = addresses::endpoints(answer.api_key, version, frame.clone())?;
        let Some(real) = found.into_iter().find(|endpoint| endpoint.node >= 0) else {
            return Ok(OnAnswer::Deliver);
        };
        let Some((node, host, port)) = answer.nodes.alias(&real.host, real.port, self.to_node) else {
            return Ok(OnAnswer::Deliver);
        };
        let to = addresses::Endpoint { node, host, port };
        Ok(OnAnswer::Replace(answer::with_coordinator(version, frame, &to)?))
    }

    fn wants_answers(&self) -> bool {
        true
    }

    fn follows(&self, request: &Seen<'_>) -> bool {
        let RequestFacts::FindCoordinator { key_type, keys } = request.facts else {
            return false;
        };
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().any(|key| moved.contains(&(*key_type, key.clone())))
    }

    fn followed(&self) -> ApiSet {
        ApiSet::of(&[FIND_COORDINATOR])
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
