//! What is asked of a running PostgreSQL: is it there, does it decode, which slots hold back how much.
//!
//! Invariant: every question has a limit, and only what the names of the run say is dropped.

use std::fmt;
use std::net::SocketAddrV4;
use std::sync::mpsc;
use std::time::Duration;

use postgres::{Client, NoTls};

use super::Postgres;
use crate::cdc::{CdcError, CdcNames};

/// Its superuser and the only user there is.
pub(super) const USER: &str = "highwater";
/// Of the database that clients use; every cluster has it.
const DATABASE: &str = "postgres";
/// On loopback a connection takes milliseconds; a halted server takes it and says nothing.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// No statement of this crate takes longer than milliseconds.
const STATEMENT_LIMIT: Duration = Duration::from_secs(20);
/// A slot is released when its reader's connection is closed; the reader is asked to by then.
const RELEASE_LIMIT: Duration = Duration::from_secs(10);

/// How to get in.
#[derive(Clone)]
pub(super) struct Access {
    address: SocketAddrV4,
    password: String,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A replication slot as PostgreSQL tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotState {
    /// Whether somebody reads from it now.
    pub active: bool,
    /// WAL kept on the disk for it, in bytes, from its restart position to the end.
    pub kept_bytes: u64,
    /// How far its reader is behind the end of the WAL, in bytes, by what the reader confirmed; none before that.
    pub lag_bytes: Option<u64>,
    /// Where its reader has confirmed to be, as PostgreSQL writes it: `0/1A2B3C4`.
    pub confirmed_lsn: Option<String>,
}

impl Access {
    pub(super) fn new(address: SocketAddrV4, password: String) -> Self {
        Self { address, password }
    }

    pub(super) fn at(self, address: SocketAddrV4) -> Self {
        Self { address, ..self }
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    fn config(&self, statement_limit: Option<Duration>) -> postgres::Config {
        let mut config = postgres::Config::new();
        config
            .host(&self.address.ip().to_string())
            .port(self.address.port())
            .user(USER)
            .password(&self.password)
            .dbname(DATABASE)
            .connect_timeout(CONNECT_LIMIT)
            .tcp_user_timeout(STATEMENT_LIMIT)
            .application_name("highwater");
        if let Some(limit) = statement_limit {
            config.options(&format!("-c statement_timeout={}", limit.as_millis()));
        }
        config
    }

    /// Whether it answers a query; if not, why.
    pub(super) fn answers(&self) -> Result<(), String> {
        let mut client = self
            .config(Some(STATEMENT_LIMIT))
            .connect(NoTls)
            .map_err(|error| told(&error))?;
        client
            .simple_query("SELECT 1")
            .map_err(|error| told(&error))
            .map(drop)
    }

    /// The limit holds also for a server that takes the connection and then says nothing.
    fn client(&self, statement_limit: Option<Duration>) -> Result<Client, CdcError> {
        let config = self.config(statement_limit);
        let (found, answer) = mpsc::sync_channel(1);
        let connecting = std::thread::Builder::new()
            .name("database".to_owned())
            .spawn(move || {
                // Nobody listens any more if it was given up.
                let _ = found.send(config.connect(NoTls));
            });
        let silent = || CdcError::DatabaseSilent {
            address: self.address.to_string(),
            limit: CONNECT_LIMIT,
        };
        connecting.map_err(|_| silent())?;
        let client = answer.recv_timeout(CONNECT_LIMIT).map_err(|_| silent())?;
        client.map_err(self.failed("be connected to"))
    }

    fn failed(&self, action: &str) -> impl FnOnce(postgres::Error) -> CdcError + use<> {
        let (address, action) = (self.address.to_string(), action.to_owned());
        move |source| CdcError::Database {
            address,
            action,
            source: Box::new(source),
        }
    }
}

/// An error of the client with its causes, in one line.
fn told(error: &postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl Postgres {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        self.access.address
    }

    /// A connection string with the password: `postgresql://highwater:…@127.0.0.1:PORT/postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        let Access { address, password } = &self.access;
        format!("postgresql://{USER}:{password}@{address}/{DATABASE}")
    }

    /// The user that connects, a superuser.
    #[must_use]
    pub fn user(&self) -> &'static str {
        USER
    }

    /// The password of that user.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.access.password
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &'static str {
        DATABASE
    }

    /// A new connection; its statements end after `statement_limit`, if one is given.
    ///
    /// # Errors
    /// [`CdcError::Database`], [`CdcError::DatabaseSilent`] after ten seconds.
    pub fn client(&self, statement_limit: Option<Duration>) -> Result<Client, CdcError> {
        self.access.client(statement_limit)
    }

    /// Finds out whether a connector with these names can begin: logical decoding, and no slot and no publication of
    /// that name. What is there is named and left alone.
    ///
    /// # Errors
    /// [`CdcError::NoLogicalDecoding`], [`CdcError::SlotLeftOver`], [`CdcError::PublicationLeftOver`].
    pub fn check(&self, names: &CdcNames) -> Result<(), CdcError> {
        let mut client = self.client(Some(STATEMENT_LIMIT))?;
        let failed = |action| self.access.failed(action);
        let row = client
            .query_one("SHOW wal_level", &[])
            .map_err(failed("say its wal_level"))?;
        let found: String = row.get(0);
        if found != "logical" {
            let address = self.address().to_string();
            return Err(CdcError::NoLogicalDecoding { address, found });
        }
        if let Some(SlotState {
            active, kept_bytes, ..
        }) = self.slot_by(&mut client, &names.slot)?
        {
            let slot = names.slot.clone();
            return Err(CdcError::SlotLeftOver {
                slot,
                active,
                kept_bytes,
            });
        }
        let publications = client
            .query(
                "SELECT 1 FROM pg_publication WHERE pubname = $1",
                &[&names.publication],
            )
            .map_err(failed("list its publications"))?;
        if !publications.is_empty() {
            let publication = names.publication.clone();
            return Err(CdcError::PublicationLeftOver { publication });
        }
        Ok(())
    }

    /// The replication slot of this name, if there is one.
    ///
    /// # Errors
    /// [`CdcError::Database`], [`CdcError::DatabaseSilent`].
    pub fn slot(&self, name: &str) -> Result<Option<SlotState>, CdcError> {
        let mut client = self.client(Some(STATEMENT_LIMIT))?;
        self.slot_by(&mut client, name)
    }

    fn slot_by(&self, client: &mut Client, name: &str) -> Result<Option<SlotState>, CdcError> {
        let question = "SELECT active, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint, \
             pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint, confirmed_flush_lsn::text \
             FROM pg_replication_slots WHERE slot_name = $1";
        let row = client
            .query_opt(question, &[&name])
            .map_err(self.access.failed("say how its replication slots are"))?;
        let bytes = |bytes: i64| u64::try_from(bytes).unwrap_or(0);
        Ok(row.map(|row| SlotState {
            active: row.get(0),
            kept_bytes: row.get::<_, Option<i64>>(1).map_or(0, bytes),
            lag_bytes: row.get::<_, Option<i64>>(2).map(bytes),
            confirmed_lsn: row.get(3),
        }))
    }

    /// Drops the slot and the publication of a run, if they are there; a reader of the slot is ended first. Only for
    /// names that this run has made.
    ///
    /// # Errors
    /// [`CdcError::Database`], [`CdcError::DatabaseSilent`].
    pub fn remove(&self, names: &CdcNames) -> Result<(), CdcError> {
        let mut client = self.client(Some(STATEMENT_LIMIT))?;
        let end_reader = "SELECT pg_terminate_backend(active_pid, $2) FROM pg_replication_slots \
             WHERE slot_name = $1 AND active_pid IS NOT NULL";
        let limit_ms = i64::try_from(RELEASE_LIMIT.as_millis()).unwrap_or(i64::MAX);
        client
            .query(end_reader, &[&names.slot, &limit_ms])
            .map_err(self.access.failed("end the reader of the replication slot"))?;
        let drop_slot =
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1";
        client
            .query(drop_slot, &[&names.slot])
            .map_err(self.access.failed("drop the replication slot"))?;
        // The name has nothing in it but letters, digits and underscores.
        client
            .batch_execute(&format!("DROP PUBLICATION IF EXISTS {}", names.publication))
            .map_err(self.access.failed("drop the publication"))
    }
}
