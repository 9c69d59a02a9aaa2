//! Kafka Connect, one distributed worker, with the connector of Debezium for PostgreSQL.
//!
//! ```text
//! jars of Kafka + plugin (cache, fetched once) ─▶ connect.properties ─▶ worker ─▶ REST answers
//! ```
//! Invariant: its group and its three topics carry the id of the run.

mod plan;

use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use highwater_model::ProcessRole;

use self::plan::ConnectPlan;
use super::connector::CdcNames;
use super::part::Part;
use super::rest::ConnectRest;
use crate::error::TargetError;
use crate::keeper::Keeper;
use crate::maven::Package;
use crate::node::{Life, Node};
use crate::observer::Observer;

/// The version that is fetched.
pub const DEBEZIUM_VERSION: &str = "3.7.0.Final";
/// The connector with what it needs.
pub(crate) const DEBEZIUM: Package = Package {
    name: "Debezium",
    what: "Debezium 3.7.0.Final for PostgreSQL",
    folder: "debezium-postgres-3.7.0.Final",
    pom: include_str!("connect/pom.xml"),
    needed: &[
        "debezium-connector-postgres",
        "debezium-connector-common",
        "postgresql",
    ],
    bytes: 28 << 20,
};

/// What starting Kafka Connect needs to know.
#[derive(Clone)]
pub struct ConnectOptions {
    /// Where its settings and its log go; made if missing.
    pub dir: PathBuf,
    /// The `highwater` executable, through which it is started so that it ends with this process.
    pub highwater: PathBuf,
    /// An installed distribution of Apache Kafka (the directory with `libs/`); none: fetched once.
    pub kafka_home: Option<PathBuf>,
    /// `HOST:PORT` of Kafka, several separated by commas.
    pub bootstrap: String,
    /// Replicas of its own topics.
    pub replicas: u16,
    /// The names of the run.
    pub names: CdcNames,
    /// The port of its REST interface; none: a free one.
    pub port: Option<u16>,
    /// Settings of the worker; they take the place of the usual ones of the same name.
    pub properties: Vec<(String, String)>,
    /// Is told of every change of state.
    pub observer: Observer,
    /// Set when the run is to end: every wait ends with [`TargetError::Interrupted`].
    pub interrupted: Arc<AtomicBool>,
}

/// A supervised worker of Kafka Connect. Dropping it ends it.
pub struct Connect {
    part: Part,
}

impl Connect {
    /// Fetches what is missing and starts the worker; returns when its REST interface serves connectors.
    ///
    /// # Errors
    /// [`TargetError`] with what is missing, [`TargetError::PortTaken`], [`TargetError::EndedAtStart`],
    /// [`TargetError::NotReady`]; nothing that was started is left behind.
    pub fn start(options: &ConnectOptions) -> Result<Self, TargetError> {
        Self::start_for(options, Life::OfRun)
    }

    /// The same, so that [`Connect::leave`] can let it stay.
    pub(crate) fn start_to_stay(options: &ConnectOptions) -> Result<Self, TargetError> {
        Self::start_for(options, Life::ItsOwn)
    }

    fn start_for(options: &ConnectOptions, life: Life) -> Result<Self, TargetError> {
        let keeper = Keeper::start().map_err(|source| TargetError::Process {
            action: "start",
            process: "the keeper thread".to_owned(),
            source,
        })?;
        let plan = ConnectPlan::prepare(options, &keeper, life)?;
        let (observer, interrupted) = (Arc::clone(&options.observer), Arc::clone(&options.interrupted));
        let node = match options.port {
            Some(_) => Node::start_at(Box::new(plan), keeper, observer, interrupted)?,
            None => Node::start(Box::new(plan), keeper, observer, interrupted)?,
        };
        Ok(Self {
            part: Part::new(node, ProcessRole::Connector),
        })
    }

    /// What can be done to it as to any other server: kill, stop, pause, start again.
    pub fn part(&mut self) -> &mut Part {
        &mut self.part
    }

    /// The same to look at.
    #[must_use]
    pub fn as_part(&self) -> &Part {
        &self.part
    }

    /// Where its REST interface listens, the same over all incarnations.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        self.part.address()
    }

    /// Its REST interface.
    #[must_use]
    pub fn rest(&self) -> ConnectRest {
        ConnectRest::at(self.address())
    }

    /// Lets it stay.
    pub(crate) fn leave(self) {
        self.part.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pom_and_the_names_agree_on_the_version() {
        assert!(DEBEZIUM.pom.contains(&format!(
            "<debezium.version>{DEBEZIUM_VERSION}</debezium.version>"
        )));
        assert!(DEBEZIUM.what.contains(DEBEZIUM_VERSION) && DEBEZIUM.folder.ends_with(DEBEZIUM_VERSION));
    }
}
