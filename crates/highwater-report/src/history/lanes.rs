//! Who stands where in a sequence diagram: clients on the left, brokers on the right, the proxy between them.

use std::collections::BTreeSet;

use super::{Place, Row, Shape, Step};

/// Clients or brokers beyond the room share the last lane.
const OTHERS: &str = "others";

/// The lanes of a diagram, left to right, and its steps in order.
#[derive(Debug)]
pub(super) struct Lanes {
    clients: Vec<String>,
    brokers: Vec<Option<i32>>,
    most_clients: usize,
    most_brokers: usize,
}

impl Lanes {
    /// Lanes for what is drawn, in the order in which clients appear; at most so many of each side.
    pub(super) fn new(steps: &[Step], most: usize) -> Self {
        let mut clients = Vec::new();
        let mut brokers = BTreeSet::new();
        for place in steps.iter().flat_map(|step| places(&step.shape)) {
            match place {
                Place::Client(name) if !clients.contains(name) => clients.push(name.clone()),
                Place::Broker(node) => {
                    brokers.insert(*node);
                }
                Place::Client(_) | Place::Proxy => {}
            }
        }
        if brokers.is_empty() {
            brokers.insert(None);
        }
        if clients.is_empty() {
            clients.push("clients".into());
        }
        let most_brokers = brokers.len().min((most / 2).max(1));
        let most_clients = clients.len().min(most.saturating_sub(most_brokers).max(1));
        Self {
            clients,
            brokers: brokers.into_iter().collect(),
            most_clients,
            most_brokers,
        }
    }

    pub(super) fn clients(&self) -> usize {
        self.most_clients
    }

    pub(super) fn brokers(&self) -> usize {
        self.most_brokers
    }

    /// Number of a place: clients from 0, then the proxy, then the brokers.
    pub(super) fn lane(&self, place: &Place) -> usize {
        match place {
            Place::Client(name) => {
                let at = self.clients.iter().position(|known| known == name).unwrap_or(0);
                at.min(self.most_clients - 1)
            }
            Place::Proxy => self.most_clients,
            Place::Broker(node) => {
                let at = self.brokers.iter().position(|known| known == node).unwrap_or(0);
                self.most_clients + 1 + at.min(self.most_brokers - 1)
            }
        }
    }

    /// Headings, by number of the lane.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.clients.iter().take(self.most_clients).cloned().collect();
        if self.clients.len() > self.most_clients {
            *names.last_mut().unwrap_or(&mut String::new()) = OTHERS.into();
        }
        names.push("proxy".into());
        for node in self.brokers.iter().take(self.most_brokers) {
            names.push(node.map_or_else(|| "bootstrap".to_owned(), |node| format!("node {node}")));
        }
        if self.brokers.len() > self.most_brokers {
            *names.last_mut().unwrap_or(&mut String::new()) = OTHERS.into();
        }
        names
    }
}

fn places(shape: &Shape) -> Vec<&Place> {
    match shape {
        Shape::Arrow { from, to, .. } => vec![from, to],
        Shape::Note { at, .. } => vec![at],
        Shape::Bar { .. } => Vec::new(),
    }
}

/// All steps of the rows in the order of the history, each with whether its row is the one that was asked for.
pub(super) fn steps(rows: &[Row]) -> Vec<Step> {
    let mut steps: Vec<Step> = rows.iter().flat_map(|row| row.steps.iter().cloned()).collect();
    steps.sort_by_key(|step| step.sequence);
    steps
}
