//! What is asked of the database beside its rows.

use std::time::Duration;

use postgres::{Client, Config, NoTls};

use super::error::RowError;
use super::schema::{HISTORY, HISTORY_DDL, TABLES};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A database that a load is pointed at.
#[derive(Debug, Clone)]
pub struct Database {
    address: String,
}

impl Database {
    /// The database at an address as libpq understands it: `host=127.0.0.1 port=5432 user=postgres dbname=postgres`.
    #[must_use]
    pub fn at(address: &str) -> Self {
        Self {
            address: address.to_owned(),
        }
    }

    /// A connection, with times in UTC.
    ///
    /// # Errors
    /// [`RowError::Connect`].
    pub(super) fn connect(&self) -> Result<Client, RowError> {
        let failed = |source| RowError::Connect {
            address: self.address.clone(),
            source,
        };
        let mut config: Config = self.address.parse().map_err(failed)?;
        config
            .connect_timeout(CONNECT_TIMEOUT)
            .application_name("highwater")
            .options("-c TimeZone=UTC -c client_min_messages=warning");
        config.connect(NoTls).map_err(failed)
    }

    /// Makes the tables, with their history.
    ///
    /// # Errors
    /// [`RowError::NoLogicalDecoding`], [`RowError::TableExists`]; a refusal by the database.
    pub fn prepare(&self) -> Result<(), RowError> {
        let mut client = self.connect()?;
        let failed = query("making the tables");
        let level: String = client.query_one("SHOW wal_level", &[]).map_err(&failed)?.get(0);
        if level != "logical" {
            return Err(RowError::NoLogicalDecoding { level });
        }
        for table in TABLES.iter().map(|table| table.name).chain([HISTORY]) {
            let there = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]);
            if there.map_err(&failed)?.get::<_, bool>(0) {
                return Err(RowError::TableExists {
                    table: table.to_owned(),
                });
            }
        }
        client.batch_execute(HISTORY_DDL).map_err(&failed)?;
        for table in &TABLES {
            client.batch_execute(&table.ddl()).map_err(&failed)?;
        }
        Ok(())
    }

    /// Where the write-ahead log ends now, in bytes.
    ///
    /// # Errors
    /// No connection; a refusal by the database.
    pub fn wal_position(&self) -> Result<u64, RowError> {
        let row = self
            .connect()?
            .query_one(
                "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint",
                &[],
            )
            .map_err(query("asking for the end of the write-ahead log"))?;
        Ok(unsigned(row.get(0)))
    }

    /// Drops a slot and makes it anew, at the end of the write-ahead log: what stood between is never decoded.
    ///
    /// # Errors
    /// No connection; a slot that is read or not there.
    pub fn renew_slot(&self, name: &str) -> Result<(), RowError> {
        let mut client = self.connect()?;
        let failed = query("making the replication slot anew");
        client
            .execute("SELECT pg_drop_replication_slot($1)", &[&name])
            .map_err(&failed)?;
        client
            .execute(
                "SELECT pg_create_logical_replication_slot($1, 'pgoutput')",
                &[&name],
            )
            .map_err(&failed)?;
        Ok(())
    }
}

pub(super) fn query(action: &'static str) -> impl Fn(postgres::Error) -> RowError {
    move |source| RowError::Query { action, source }
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
