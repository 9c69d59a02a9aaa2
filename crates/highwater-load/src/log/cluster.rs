use std::collections::BTreeMap;
use std::fmt;
use std::net::ToSocketAddrs;
use std::time::Duration;

use highwater_wire::{Connection, WireError};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{FindCoordinatorRequest, MetadataRequest, TopicName};
use kafka_protocol::protocol::{Request, StrBytes};

use super::LogError;
use crate::access::{Door, Line, Patience, Place};

/// For a connection and every answer.
const LIMIT: Patience = Patience {
    connect: Duration::from_secs(30),
    answer: Duration::from_secs(30),
};
/// Client id of all requests, so that a history tells them from those of an application.
const CLIENT_ID: &str = "highwater-log";
/// Spoken by Kafka 2.4 to 4.x.
const METADATA_VERSION: i16 = 9;
/// The last with one key for each request.
const COORDINATOR_VERSION: i16 = 3;
const GROUP: i8 = 0;

/// The brokers of a cluster, and a connection to each that was needed.
pub(crate) struct Cluster {
    bootstrap: String,
    door: Door,
    nodes: BTreeMap<i32, Place>,
    connections: BTreeMap<i32, Connection<Line>>,
    leaders: BTreeMap<(String, i32), i32>,
}

pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

impl fmt::Debug for Cluster {
    /// Where it leads and no more: what opens it is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("bootstrap", &self.bootstrap)
            .field("nodes", &self.nodes())
            .finish_non_exhaustive()
    }
}

impl Cluster {
    pub(crate) fn open(bootstrap: &str) -> Result<Self, LogError> {
        let door = Door::to(bootstrap, CLIENT_ID).map_err(|source| LogError::Access {
            bootstrap: bootstrap.to_owned(),
            source,
        })?;
        let mut cluster = Self {
            bootstrap: bootstrap.to_owned(),
            door,
            nodes: BTreeMap::new(),
            connections: BTreeMap::new(),
            leaders: BTreeMap::new(),
        };
        cluster.metadata(&[])?;
        Ok(cluster)
    }

    /// Nodes of the cluster.
    pub(crate) fn nodes(&self) -> Vec<i32> {
        self.nodes.keys().copied().collect()
    }

    /// Leaders of the partitions of topics, which must be there; -1 for none.
    pub(crate) fn metadata(&mut self, topics: &[&str]) -> Result<BTreeMap<(String, i32), i32>, LogError> {
        let leaders = self.metadata_of_those_there(topics)?;
        let missing = topics
            .iter()
            .find(|topic| !leaders.keys().any(|(there, _)| there == *topic));
        match missing {
            Some(topic) => Err(LogError::TopicMissing {
                topic: (*topic).to_owned(),
            }),
            None => Ok(leaders),
        }
    }

    /// The same of those topics that are there and may be seen.
    pub(crate) fn metadata_of_those_there(
        &mut self,
        topics: &[&str],
    ) -> Result<BTreeMap<(String, i32), i32>, LogError> {
        let request = MetadataRequest::default()
            .with_topics(Some(
                topics
                    .iter()
                    .map(|name| MetadataRequestTopic::default().with_name(Some(TopicName(text(name)))))
                    .collect(),
            ))
            .with_allow_auto_topic_creation(false);
        let mut last = None;
        let mut places: Vec<Place> = self.bootstrap.split(',').flat_map(Place::given).collect();
        places.extend(self.nodes.values().cloned());
        for place in places {
            let answer = self
                .door
                .open(&place, LIMIT)
                .and_then(|mut connection| connection.call(&request, METADATA_VERSION));
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    last = Some(error);
                    continue;
                }
            };
            for broker in &answer.brokers {
                let place = (broker.host.as_str(), u16::try_from(broker.port).unwrap_or(0));
                let Some(address) = place.to_socket_addrs().ok().and_then(|mut all| all.next()) else {
                    continue;
                };
                let place = Place {
                    host: broker.host.to_string(),
                    address,
                };
                if self.nodes.insert(broker.node_id.0, place.clone()) != Some(place) {
                    self.connections.remove(&broker.node_id.0);
                }
            }
            let mut leaders = BTreeMap::new();
            for topic in answer.topics.into_iter().filter(|topic| topic.error_code == 0) {
                let name = topic.name.map(|name| name.0.to_string()).unwrap_or_default();
                for partition in topic.partitions {
                    leaders.insert((name.clone(), partition.partition_index), partition.leader_id.0);
                }
            }
            return Ok(leaders);
        }
        Err(LogError::Unreachable {
            bootstrap: self.bootstrap.clone(),
            source: last,
        })
    }

    /// The leader of a partition, as far as it is known; -1 for none.
    pub(crate) fn leader(&mut self, topic: &str, partition: i32) -> Result<i32, LogError> {
        let key = (topic.to_owned(), partition);
        if let Some(leader) = self.leaders.get(&key) {
            return Ok(*leader);
        }
        let leaders = self.metadata(&[topic])?;
        self.leaders
            .extend(leaders.into_iter().filter(|(_, leader)| *leader >= 0));
        Ok(self.leaders.get(&key).copied().unwrap_or(-1))
    }

    /// Leaders may have moved.
    pub(crate) fn forget_leaders(&mut self) {
        self.leaders.clear();
    }

    /// The node that coordinates a group.
    pub(crate) fn coordinator(&mut self, group: &str) -> Result<i32, LogError> {
        let request = FindCoordinatorRequest::default()
            .with_key(text(group))
            .with_key_type(GROUP);
        let node = self.nodes().first().copied().unwrap_or(-1);
        let answer = self.call("FindCoordinator", node, &request, COORDINATOR_VERSION)?;
        if answer.error_code != 0 {
            return Err(LogError::Refused {
                api: "FindCoordinator",
                subject: group.to_owned(),
                code: answer.error_code,
            });
        }
        Ok(answer.node_id.0)
    }

    /// Asks a node; over a new connection if the old one is broken.
    pub(crate) fn call<R: Request>(
        &mut self,
        api: &'static str,
        node: i32,
        request: &R,
        version: i16,
    ) -> Result<R::Response, LogError> {
        self.with(api, node, |connection| connection.call(request, version))
    }

    fn with<T>(
        &mut self,
        api: &'static str,
        node: i32,
        ask: impl Fn(&mut Connection<Line>) -> Result<T, WireError>,
    ) -> Result<T, LogError> {
        let Some(place) = self.nodes.get(&node).cloned() else {
            return Err(LogError::Unreachable {
                bootstrap: self.bootstrap.clone(),
                source: None,
            });
        };
        let failed = |source| LogError::Wire {
            api,
            address: place.address.to_string(),
            source,
        };
        if let Some(mut connection) = self.connections.remove(&node)
            && let Ok(answer) = ask(&mut connection)
        {
            self.connections.insert(node, connection);
            return Ok(answer);
        }
        let mut connection = self.door.open(&place, LIMIT).map_err(failed)?;
        let answer = ask(&mut connection).map_err(failed)?;
        self.connections.insert(node, connection);
        Ok(answer)
    }
}
