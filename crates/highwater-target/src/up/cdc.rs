//! Kafka, PostgreSQL and Kafka Connect with a connector that works, to look at and to try out.
//!
//! Invariant: it begins anew each time; nothing of it is left when it has ended.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use highwater_model::ProcessState;

use super::down::remove_folders;
use super::record::{Stage, alive, known, write_down};
use super::{CDC, UpInfo, UpOptions, UpPart, lock, raise};
use crate::cdc::{
    CdcError, CdcNames, Connect, ConnectOptions, ConnectRest, ConnectorPlan, Postgres, PostgresOptions,
    TABLES,
};
use crate::error::TargetError;
use crate::observer::tell;
use crate::patience::{GLANCE, wait_until};
use crate::places::Places;
use crate::port;

/// Where people look for Kafka Connect first.
const CONNECT_PORT: u16 = 8083;
/// Beside the usual port of PostgreSQL, which is often taken, now or later.
const POSTGRES_PORT: u16 = 5433;
/// A second for the connector, a few more for its first look at the tables.
const CONNECTOR_LIMIT: Duration = Duration::from_secs(120);
/// Stands in the names of topics, slot and connector.
const SAMPLE_RUN: &str = "sample";
/// Whole rows in events of updates and deletes (REPLICA IDENTITY FULL).
const SAMPLE: &str = include_str!("sample.sql");

/// Starts Apache Kafka, PostgreSQL with sample tables and Kafka Connect with a connector on them, so that they stay;
/// if they run already, says so.
///
/// # Errors
/// [`TargetError`]; then nothing is left running.
pub fn up_cdc(options: &UpOptions) -> Result<UpInfo, TargetError> {
    let places = Places::from_environment();
    let dir = places.state.join(CDC);
    fs::create_dir_all(&places.state).map_err(TargetError::file("create", &places.state))?;
    let _lock = lock(&places.state)?;
    if let Some(record) = alive(&places.state, CDC) {
        return Ok(UpInfo {
            already_running: true,
            ..record.info
        });
    }
    if let Some(record) = known(&places.state, CDC) {
        remove_folders(&places.state, &record)?;
    }
    remove_dir(&dir)?;
    let made = start(options, &places, &dir);
    if made.is_err() {
        // What was started has ended; the error says what there was to read.
        let _ = remove_dir(&dir);
    }
    made
}

fn start(options: &UpOptions, places: &Places, dir: &Path) -> Result<UpInfo, TargetError> {
    let kafka_dir = dir.join("kafka");
    fs::create_dir_all(&kafka_dir).map_err(TargetError::file("create", &kafka_dir))?;
    let database = Postgres::start_to_stay(&PostgresOptions {
        dir: dir.join("postgres"),
        highwater: options.highwater.clone(),
        binaries: None,
        port: usual(POSTGRES_PORT),
        settings: Vec::new(),
        observer: options.observer.clone(),
        interrupted: options.interrupted.clone(),
    })?;
    let kafka = raise(options, places, &kafka_dir, 1)?;
    let mut info = kafka.info(&kafka_dir);
    let names = CdcNames::of_run(SAMPLE_RUN);
    let connect = Connect::start_to_stay(&ConnectOptions {
        dir: dir.join("connect"),
        highwater: options.highwater.clone(),
        kafka_home: options.kafka_home.clone(),
        bootstrap: info.bootstrap.clone(),
        replicas: 1,
        names: names.clone(),
        port: usual(CONNECT_PORT),
        properties: Vec::new(),
        observer: options.observer.clone(),
        interrupted: options.interrupted.clone(),
    })?;
    let mut client = database.client(None)?;
    client
        .batch_execute(SAMPLE)
        .map_err(|source| CdcError::Database {
            address: database.address().to_string(),
            action: "make the sample tables".to_owned(),
            source: Box::new(source),
        })?;
    let plan = ConnectorPlan {
        names: names.clone(),
        tables: TABLES.map(str::to_owned).to_vec(),
        partitions: 1,
        replicas: 1,
        settings: Vec::new(),
    };
    let rest = connect.rest();
    rest.register(&names.connector, &plan.config(&database))?;
    rest.await_running(&names.connector, CONNECTOR_LIMIT, &options.interrupted)?;
    await_sample(&rest, &names, options)?;

    let description = |description: String, pid: Option<u32>, url: String| UpPart {
        description,
        url,
        pid: pid.unwrap_or(0),
    };
    let pid = |part: &crate::Part| part.processes().first().map(|process| process.pid);
    info.parts = vec![
        description(
            database.as_part().description(),
            pid(database.as_part()),
            database.url(),
        ),
        description(
            connect.as_part().description(),
            pid(connect.as_part()),
            format!("{}/connectors/{}", rest.url(), names.connector),
        ),
    ];
    let parts: Vec<u32> = info.parts.iter().map(|part| part.pid).collect();
    info.pids.extend(&parts);
    info.dir = dir.to_owned();
    let others = format!(" with Kafka Connect and {}", database.as_part().description());
    info.description += &others;
    info.logs.push(dir.join("postgres/postgres.log"));
    info.logs.push(dir.join("connect/connect.log"));
    // The reader before what it reads from, and before what it writes to.
    let stage = |at: usize, interrupt| Stage {
        pids: parts.get(at).copied().into_iter().collect(),
        interrupt,
    };
    let stages = vec![stage(1, false), stage(0, true)];
    let folders: Vec<PathBuf> = vec![database.folder().to_owned(), dir.to_owned()];
    write_down(&places.state, CDC, &info, stages, folders)?;
    kafka.leave(&options.observer);
    for part in &info.parts {
        let (name, state) = (&part.description, ProcessState::Ready);
        tell(&options.observer, name, Some(part.pid), state, "stays");
    }
    connect.leave();
    database.leave();
    Ok(info)
}

/// Waits until the rows that were there are in their topics: then the connector has flushed where it is.
fn await_sample(rest: &ConnectRest, names: &CdcNames, options: &UpOptions) -> Result<(), TargetError> {
    let waiting_for = "the sample rows in their topics";
    let flushed = wait_until(waiting_for, GLANCE, CONNECTOR_LIMIT, &options.interrupted, || {
        let offsets = rest.offsets(&names.connector)?;
        Ok((!offsets.is_empty()).then_some(()))
    })?;
    let late = || CdcError::ConnectorNotRunning {
        connector: names.connector.clone(),
        limit: CONNECTOR_LIMIT,
        last: "it has flushed no offset".to_owned(),
    };
    Ok(flushed.ok_or_else(late)?)
}

/// The usual port if it is free; otherwise any.
fn usual(port: u16) -> Option<u16> {
    (!port::is_taken(port)).then_some(port)
}

fn remove_dir(dir: &Path) -> Result<(), TargetError> {
    match fs::remove_dir_all(dir) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(TargetError::file("remove", dir)(source))
        }
        _ => Ok(()),
    }
}
