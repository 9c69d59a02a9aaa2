//! PostgreSQL with logical decoding: on a folder and a port of its own, on loopback, with a password of its own.
//!
//! ```text
//! programs found ─▶ folder (as root: given to `postgres`) ─▶ initdb ─▶ server ─▶ a query is answered
//! ```
//! Invariant: no server, cluster or setting of the machine is touched, and no socket file is made.

mod binaries;
mod home;
mod plan;
mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use highwater_model::ProcessRole;

pub(crate) use self::binaries::{Binaries, INSTALL_POSTGRES};
pub use self::server::SlotState;

use self::home::Home;
use self::plan::PostgresPlan;
use self::server::Access;
use super::part::Part;
use crate::error::TargetError;
use crate::keeper::Keeper;
use crate::node::{Life, Node};
use crate::observer::Observer;

/// What starting PostgreSQL needs to know.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Where its log and, if it can be reached by whom it runs as, its data go; made if missing. As root the data may
    /// have to go to a folder of their own in the temporary directory, which is removed at the end in any case.
    pub dir: PathBuf,
    /// The `highwater` executable, through which it is started so that it ends with this process.
    pub highwater: PathBuf,
    /// The folder with `postgres` and `initdb`; none: the newest of those in the usual places.
    pub binaries: Option<PathBuf>,
    /// The port; none: a free one.
    pub port: Option<u16>,
    /// Settings as in `postgresql.conf`; they go before the usual ones.
    pub settings: Vec<(String, String)>,
    /// Is told of every change of state.
    pub observer: Observer,
    /// Set when the run is to end: every wait ends with [`TargetError::Interrupted`].
    pub interrupted: Arc<AtomicBool>,
}

/// A supervised PostgreSQL. Dropping it ends it and removes its data if they were outside [`PostgresOptions::dir`].
pub struct Postgres {
    // Before its home: fields are dropped in this order, and the server has to be gone first.
    part: Part,
    access: Access,
    home: Home,
}

impl Postgres {
    /// Makes the database and starts the server; returns when it answers a query.
    ///
    /// # Errors
    /// [`TargetError::Cdc`] with what is missing, [`TargetError::PortTaken`], [`TargetError::EndedAtStart`],
    /// [`TargetError::NotReady`]; nothing that was started is left behind.
    pub fn start(options: &PostgresOptions) -> Result<Self, TargetError> {
        Self::start_for(options, Life::OfRun)
    }

    /// The same, so that [`Postgres::leave`] can let it stay.
    pub(crate) fn start_to_stay(options: &PostgresOptions) -> Result<Self, TargetError> {
        Self::start_for(options, Life::ItsOwn)
    }

    fn start_for(options: &PostgresOptions, life: Life) -> Result<Self, TargetError> {
        let binaries = Binaries::find(options.binaries.as_deref())?;
        let keeper = Keeper::start().map_err(|source| TargetError::Process {
            action: "start",
            process: "the keeper thread".to_owned(),
            source,
        })?;
        let home = Home::make(&options.dir, &options.highwater)?;
        let plan = PostgresPlan::prepare(options, binaries, &home, &keeper, life)?;
        let access = plan.access();
        let (observer, interrupted) = (Arc::clone(&options.observer), Arc::clone(&options.interrupted));
        let node = match options.port {
            Some(_) => Node::start_at(Box::new(plan), keeper, observer, interrupted)?,
            None => Node::start(Box::new(plan), keeper, observer, interrupted)?,
        };
        let access = access.at(node.plan().address());
        Ok(Self {
            part: Part::new(node, ProcessRole::Database),
            access,
            home,
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

    /// The folder that holds its data.
    pub(crate) fn folder(&self) -> &Path {
        self.home.dir()
    }

    /// Lets it stay, with its data.
    pub(crate) fn leave(self) {
        self.home.leave();
        self.part.leave();
    }
}
