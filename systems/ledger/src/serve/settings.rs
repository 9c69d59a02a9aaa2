//! What an instance is started with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of one instance.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The cluster: `host:port`, or several with commas.
    pub bootstrap: String,
    /// What topics, the group and transactional ids are named after.
    pub name: String,
    /// Partitions of the topics of events and legs, if they have to be made.
    pub partitions: i32,
    /// Replicas of topics that have to be made.
    pub replicas: i32,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How other instances' clients reach this one. Default: `http://` and the address.
    pub url: Option<String>,
    /// Where projections are kept; each instance has its own.
    pub directory: PathBuf,
    /// How long a window waits for more requests, from its first on.
    pub linger: Duration,
    /// Settings of librdkafka on top, for TLS and logins.
    pub kafka: Vec<(String, String)>,
}
