//! What can go wrong with change data capture, and what a person can do about it.

use std::path::PathBuf;
use std::time::Duration;

use highwater_model::ExitCode;

use super::INSTALL_POSTGRES;

/// An error of PostgreSQL, Kafka Connect or a connector. [`CdcError::remedy`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CdcError {
    /// The programs of PostgreSQL are not there.
    #[error("no PostgreSQL server found: no folder with `postgres` and `initdb` among {looked}")]
    PostgresMissing {
        /// Where it was looked for.
        looked: String,
    },
    /// Too old for what is asked of it.
    #[error("{path} is PostgreSQL {found}; {needed} or newer is needed")]
    PostgresTooOld {
        /// The program.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The oldest that will do.
        needed: u32,
    },
    /// PostgreSQL refuses to run as root, and there is nobody else.
    #[error("PostgreSQL does not run as root, and this machine has no user `postgres`")]
    NoPostgresUser,
    /// The server does not write what logical decoding needs.
    #[error(
        "PostgreSQL at {address} runs with wal_level={found}: without `logical` no change can be captured"
    )]
    NoLogicalDecoding {
        /// Where.
        address: String,
        /// The level it has.
        found: String,
    },
    /// A replication slot that this run did not make.
    #[error("replication slot `{slot}` is there already{}: it holds back {kept_bytes} bytes of WAL", if *active { ", and in use" } else { "" })]
    SlotLeftOver {
        /// Its name.
        slot: String,
        /// Whether somebody reads from it.
        active: bool,
        /// WAL that is kept on the disk for it, in bytes.
        kept_bytes: u64,
    },
    /// A publication that this run did not make.
    #[error("publication `{publication}` is there already")]
    PublicationLeftOver {
        /// Its name.
        publication: String,
    },
    /// PostgreSQL can't be asked.
    #[error("PostgreSQL at {address} can't {action}")]
    Database {
        /// Where.
        address: String,
        /// What was to be done: `drop the replication slot`.
        action: String,
        /// What it said.
        source: Box<postgres::Error>,
    },
    /// PostgreSQL takes a connection and says nothing.
    #[error("PostgreSQL at {address} does not answer within {} s", limit.as_secs())]
    DatabaseSilent {
        /// Where.
        address: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The REST interface can't be reached, or not within its time.
    #[error("Kafka Connect at {address} can't be asked to {action}: {cause}")]
    ConnectUnreachable {
        /// Where.
        address: String,
        /// What was to be done: `register connector x`.
        action: String,
        /// What was met.
        cause: String,
    },
    /// The REST interface answered with an error.
    #[error("Kafka Connect at {address} refuses to {action}: {message} (HTTP {status})")]
    ConnectRefused {
        /// Where.
        address: String,
        /// What was to be done.
        action: String,
        /// The status code.
        status: u16,
        /// What it said.
        message: String,
    },
    /// A connector of this name is there.
    #[error("Kafka Connect at {address} has a connector `{connector}` already")]
    ConnectorExists {
        /// Where.
        address: String,
        /// Its name.
        connector: String,
    },
    /// There is no connector of this name.
    #[error("Kafka Connect at {address} has no connector `{connector}`")]
    NoSuchConnector {
        /// Where.
        address: String,
        /// As written.
        connector: String,
    },
    /// A name that can't stand in an address.
    #[error("`{given}` is no name of a connector: letters, digits, `.`, `_` and `-` can stand in one")]
    BadConnectorName {
        /// As written.
        given: String,
    },
    /// A connector, or a task of it, has failed.
    #[error("connector `{connector}` has failed{}", trace.iter().fold(String::new(), |all, line| all + "\n    " + line))]
    ConnectorFailed {
        /// Its name.
        connector: String,
        /// The first lines of its stack trace, with the causes.
        trace: Vec<String>,
    },
    /// A connector does not get to work.
    #[error("connector `{connector}` does not run after {} s: {last}", limit.as_secs())]
    ConnectorNotRunning {
        /// Its name.
        connector: String,
        /// How long it was waited for.
        limit: Duration,
        /// Its last state.
        last: String,
    },
}

impl CdcError {
    /// The exit code that this error means.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::BadConnectorName { .. } => ExitCode::Usage,
            _ => ExitCode::Infrastructure,
        }
    }

    /// What a person can do about it; none where the message says all there is to say.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::PostgresMissing { .. } | Self::PostgresTooOld { .. } => {
                format!("install it: `{INSTALL_POSTGRES}`; a server that it starts by itself is not touched")
            }
            Self::NoPostgresUser => format!("run it as a user that is not root, or install the package, which makes the user: `{INSTALL_POSTGRES}`"),
            Self::NoLogicalDecoding { .. } => {
                "`ALTER SYSTEM SET wal_level = logical` as its superuser, then restart PostgreSQL".to_owned()
            }
            Self::SlotLeftOver { slot, active: true, .. } => format!(
                "end whoever reads from it (`SELECT active_pid FROM pg_replication_slots WHERE slot_name = '{slot}'`), or use another name"
            ),
            Self::SlotLeftOver { slot, .. } => {
                format!("if nobody needs it any more: `SELECT pg_drop_replication_slot('{slot}')`; or use another name")
            }
            Self::PublicationLeftOver { publication } => {
                format!("if nobody needs it any more: `DROP PUBLICATION \"{publication}\"`; or use another name")
            }
            Self::ConnectorExists { connector, .. } => {
                format!("use another name than `{connector}`, or delete it first")
            }
            Self::DatabaseSilent { .. } => "see whether it is halted, or the machine too busy: `highwater doctor`".to_owned(),
            Self::ConnectorNotRunning { .. } | Self::ConnectUnreachable { .. } => {
                "the log of Kafka Connect says why; the machine may be too busy: `highwater doctor` shows memory and load".to_owned()
            }
            Self::Database { .. }
            | Self::ConnectRefused { .. }
            | Self::NoSuchConnector { .. }
            | Self::BadConnectorName { .. }
            | Self::ConnectorFailed { .. } => return None,
        })
    }
}
