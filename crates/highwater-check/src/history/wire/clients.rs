//! Which client a connection belongs to.
//!
//! A client has a connection to each broker, and gets a new one when it lost the old one. Two clients often share a
//! client id (librdkafka calls all of them `rdkafka`), so connections with the same client id, host and broker that
//! are open at the same time are different clients; one that comes after another one was closed goes on as that one.
//! It says nothing about which member of a group a client is.

use std::collections::{BTreeSet, HashMap};

use highwater_model::history::ConnectionId;

use crate::history::{Names, Process};

/// What a connection is used for: a client that reads is never taken for one that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Writer,
    Reader,
}

/// Client id and host, numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ClientKey(u32);

#[derive(Debug, Default)]
struct Open {
    client_id: Option<String>,
    host: String,
    node: Option<i32>,
    writer: Option<(u32, Process)>,
    reader: Option<(u32, Process)>,
}

/// What tells connections of different clients apart: role, client, broker.
type Seat = (Role, ClientKey, Option<i32>);

#[derive(Debug, Default)]
pub(super) struct Clients {
    open: HashMap<ConnectionId, Open>,
    keys: HashMap<(String, String), ClientKey>,
    taken: HashMap<Seat, BTreeSet<u32>>,
}

impl Clients {
    pub(super) fn connected(&mut self, connection: ConnectionId, from: &str, node: Option<i32>) {
        let open = self.open.entry(connection).or_default();
        from.rsplit_once(':')
            .map_or(from, |(host, _)| host)
            .clone_into(&mut open.host);
        open.node = node;
    }

    pub(super) fn identified(&mut self, connection: ConnectionId, client_id: Option<&str>) {
        if let Some(client_id) = client_id {
            self.open.entry(connection).or_default().client_id = Some(client_id.to_owned());
        }
    }

    pub(super) fn disconnected(&mut self, connection: ConnectionId) {
        let key = self.key(connection);
        let Some(open) = self.open.remove(&connection) else {
            return;
        };
        for (role, held) in [(Role::Writer, open.writer), (Role::Reader, open.reader)] {
            let Some((seat, _)) = held else { continue };
            if let Some(taken) = self.taken.get_mut(&(role, key, open.node)) {
                taken.remove(&seat);
                if taken.is_empty() {
                    self.taken.remove(&(role, key, open.node));
                }
            }
        }
    }

    /// The client of a connection, as far as client id and host tell clients apart.
    pub(super) fn key(&mut self, connection: ConnectionId) -> ClientKey {
        let (client_id, host) = self.open.get(&connection).map_or_else(Default::default, |open| {
            (open.client_id.clone().unwrap_or_default(), open.host.clone())
        });
        let next = ClientKey(u32::try_from(self.keys.len()).unwrap_or(u32::MAX));
        *self.keys.entry((client_id, host)).or_insert(next)
    }

    /// The process that a connection belongs to.
    pub(super) fn process(&mut self, names: &mut Names, connection: ConnectionId, role: Role) -> Process {
        let open = self.open.entry(connection).or_default();
        let known = match role {
            Role::Writer => open.writer,
            Role::Reader => open.reader,
        };
        if let Some((_, process)) = known {
            return process;
        }
        let node = open.node;
        let client = match &open.client_id {
            Some(id) if !id.is_empty() => id.clone(),
            _ => format!("connection {}", connection.0),
        };
        let taken = self.key(connection);
        let taken = self.taken.entry((role, taken, node)).or_default();
        let seat = (0..).find(|seat| !taken.contains(seat)).unwrap_or(0);
        taken.insert(seat);
        let role_name = match role {
            Role::Writer => "writer",
            Role::Reader => "reader",
        };
        let process = names.process(&if seat == 0 {
            format!("{client} ({role_name})")
        } else {
            format!("{client} ({role_name} {})", seat + 1)
        });
        let open = self.open.entry(connection).or_default();
        let place = match role {
            Role::Writer => &mut open.writer,
            Role::Reader => &mut open.reader,
        };
        *place = Some((seat, process));
        process
    }
}
