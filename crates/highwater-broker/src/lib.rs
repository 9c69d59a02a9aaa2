//! The dev broker: Kafka's semantics in one process, for laptops, CI and proofs.
//!
//! It exists so that a first run and every test need nothing installed, and so that each check can be
//! shown to find a known defect ([`Bug`]). It speaks Kafka's protocol and nothing else; what it does
//! not implement it does not advertise.
//!
//! ```text
//! socket ─▶ connection ─▶ api::* ─┬▶ topics ─▶ partition ─▶ log (segment files)
//!        one request at a time    │              ├ producers (sequences, open transactions)
//!                                 │              └ waiters (long polls)
//!                                 ├▶ transaction::coordinator ─▶ transaction::state (pure) + file
//!                                 ├▶ group::coordinator ─▶ group::state (pure) + offsets (file)
//!                                 └▶ leadership, epochs (which node leads what)
//! ```
//!
//! Invariant: a record is acknowledged only after write(2) has taken it (unless a bug switch says
//! otherwise), so the death of the process loses nothing that was acknowledged; with
//! [`BrokerConfig::fsync`] it is on the disk, too.
//!
//! What is absent on purpose: replication, authentication, quotas, share groups, and the consumer
//! protocol of KIP-848.

mod api;
mod broker;
mod broker_settings;
mod bug;
mod bugs;
mod cleaner;
mod cluster;
mod config;
mod connection;
mod coordination;
mod data_dir;
mod epochs;
mod error;
mod group;
mod intake;
mod leadership;
mod line_file;
mod lock;
mod log;
mod memory;
mod partition;
mod producer_ids;
mod producers;
mod topic_config;
mod topics;
mod transaction;
mod waiters;

pub use broker::Broker;
pub use bug::{Bug, UnknownBug};
pub use bugs::journal::{JOURNAL_FILE, JournalEntry, JournalError, JournalEvent, read_journal};
pub use config::{BrokerConfig, TransactionVersion};
pub use error::BrokerError;
pub use log::LogError;
