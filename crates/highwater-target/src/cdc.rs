//! Change data capture as it is run in earnest: PostgreSQL, Kafka Connect and Debezium, beside a Kafka of whatever kind.
//!
//! ```text
//! rows ─▶ PostgreSQL ─(logical replication slot)─▶ Debezium in Kafka Connect ─▶ topics
//!             │ kill · stop · pause · start again       │ the same, and REST
//! ```
//! Invariant: everything that is made for a run (slot, publication, connector, topics, folders) carries the id of the
//! run in its name, and only what carries it is ever removed.
//!
//! It changes no PostgreSQL and no Connect that it did not start.

mod connect;
mod connector;
mod error;
mod part;
mod postgres;
mod rest;

pub use self::connect::{Connect, ConnectOptions, DEBEZIUM_VERSION};
pub use self::connector::{CdcNames, ConnectorPlan, TABLES};
pub use self::error::CdcError;
pub use self::part::Part;
pub use self::postgres::{Postgres, PostgresOptions, SlotState};
pub use self::rest::{ConnectRest, ConnectorOffset, ConnectorState, ConnectorStatus, TaskStatus};

pub(crate) use self::connect::DEBEZIUM;
pub(crate) use self::postgres::{Binaries, INSTALL_POSTGRES};
