//! Names of topics by their ids, as Metadata answers tell them (KIP-516).

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use highwater_wire::observe::TopicNames;
use uuid::Uuid;

/// Topics known at most; further ones keep their ids in the history.
const MOST_TOPICS: usize = 1_000_000;

/// The names learnt so far.
#[derive(Debug, Default)]
pub(crate) struct Topics(RwLock<HashMap<Uuid, String>>);

impl Topics {
    pub(crate) fn learn(&self, named: Vec<(Uuid, String)>) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if named.iter().all(|(id, name)| known.get(id) == Some(name)) {
            return;
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (id, name) in named {
            if !id.is_nil() && (known.len() < MOST_TOPICS || known.contains_key(&id)) {
                known.insert(id, name);
            }
        }
    }
}

impl TopicNames for Topics {
    fn name(&self, id: Uuid) -> Option<String> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
    }
}
