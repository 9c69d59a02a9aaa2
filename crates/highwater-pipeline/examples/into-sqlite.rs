//! Balances per account in SQLite, exactly once: rows and offsets are in one transaction of the database.
//!
//! Reads `orders`: the key is an account, the value an amount in cents as text.

use std::error::Error;
use std::thread;

use clap::Parser;
use highwater_pipeline::pipeline::{Failure, Pipeline, Raw, ToDatabase};
use highwater_pipeline::runtime::{Control, Database, DatabaseError, Place, Step, WriteError};
use rusqlite::{Connection, OptionalExtension as _, params};
use signal_hook::consts::{SIGINT, SIGTERM};

#[derive(Parser)]
struct Arguments {
    /// Brokers to begin with.
    #[arg(long)]
    bootstrap: String,
    /// The database; made if it is not there.
    #[arg(long, default_value = "balances.db")]
    file: String,
}

/// What a record does to an account.
struct Booking {
    account: String,
    cents: i64,
}

struct Balances(Connection);

impl Balances {
    fn open(file: &str) -> rusqlite::Result<Self> {
        let connection = Connection::open(file)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS balances (account TEXT PRIMARY KEY, cents INTEGER NOT NULL) STRICT;
             CREATE TABLE IF NOT EXISTS places (
                 pipeline TEXT, topic TEXT, partition INTEGER, next INTEGER NOT NULL, metadata TEXT NOT NULL,
                 PRIMARY KEY (pipeline, topic, partition)) STRICT;",
        )?;
        Ok(Self(connection))
    }

    fn transact(&mut self, group: &str, bookings: Vec<Booking>, steps: &[Step]) -> Result<(), DatabaseError> {
        let transaction = self.0.transaction()?;
        for Step { before, after } in steps {
            let key = params![group, after.topic, after.partition];
            let there: Option<(i64, String)> = transaction
                .prepare_cached(
                    "SELECT next, metadata FROM places WHERE pipeline = ?1 AND topic = ?2 AND partition = ?3",
                )?
                .query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            if there
                != before
                    .as_ref()
                    .map(|before| (before.offset, before.metadata.clone()))
            {
                return Err("another process has this partition".into());
            }
            transaction
                .prepare_cached("INSERT OR REPLACE INTO places VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    group,
                    after.topic,
                    after.partition,
                    after.offset,
                    after.metadata
                ])?;
        }
        for Booking { account, cents } in bookings {
            transaction
                .prepare_cached(
                    "INSERT INTO balances VALUES (?1, ?2) ON CONFLICT (account) DO UPDATE SET cents = cents + ?2",
                )?
                .execute(params![account, cents])?;
        }
        Ok(transaction.commit()?)
    }
}

impl Database<Booking> for Balances {
    fn places(&mut self, group: &str) -> Result<Vec<Place>, DatabaseError> {
        let mut all = self
            .0
            .prepare_cached("SELECT topic, partition, next, metadata FROM places WHERE pipeline = ?1")?;
        let places = all.query_map([group], |row| {
            Ok(Place {
                topic: row.get(0)?,
                partition: row.get(1)?,
                offset: row.get(2)?,
                metadata: row.get(3)?,
            })
        })?;
        Ok(places.collect::<Result<_, _>>()?)
    }

    fn write(&mut self, group: &str, bookings: Vec<Booking>, steps: &[Step]) -> Result<(), WriteError> {
        self.transact(group, bookings, steps)
            .map_err(WriteError::Database)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let control = Control::new();
    let handle = control.clone();
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            handle.stop();
        }
    });
    let mut balances = Balances::open(&arguments.file)?;
    Pipeline::named("balances")
        .read("orders", Raw)
        .handle(|booking| {
            let account = booking
                .key
                .ok_or_else(|| Failure::poison("a booking without an account"))?;
            let text =
                String::from_utf8(booking.value.clone().unwrap_or_default()).map_err(Failure::poison)?;
            Ok(Booking {
                account: String::from_utf8_lossy(account).into_owned(),
                cents: text.parse().map_err(Failure::poison)?,
            })
        })
        .make(ToDatabase::new())
        .exactly_once("1")
        .brokers(arguments.bootstrap)
        .consumer_setting("session.timeout.ms", "6000")
        .plan()?
        .run_into(&mut balances, &control)?;
    Ok(())
}
