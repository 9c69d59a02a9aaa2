//! Why a broker does not start or stops.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::bugs::journal::JournalError;
use crate::log::LogError;

/// An error that keeps a broker from starting, or ends it.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The address cannot be listened on.
    #[error("listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A file or directory of the data directory cannot be used.
    #[error("{action} {}", path.display())]
    DataDir {
        /// What was tried: "create", "read", "write".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the data directory.
    #[error(
        "data directory {} is in use by another broker; stop it or choose another directory",
        path.display()
    )]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// The data directory was written by a newer program.
    #[error(
        "{} has format {found}, this program knows up to {known}; use a newer program or another directory",
        path.display()
    )]
    Format {
        /// The file that says so.
        path: PathBuf,
        /// The format found.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// A small file of the data directory does not read back.
    #[error("{} is damaged ({reason}); restore it from a copy or choose another directory", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A log cannot be opened.
    #[error("open a partition's log")]
    Log(#[from] LogError),
    /// The journal of a bug switch cannot be read or written.
    #[error("journal of the bug switches")]
    Journal(#[from] JournalError),
    /// The set of settings makes no sense.
    #[error("{setting} is {value}, {expected}")]
    Config {
        /// The field of [`crate::BrokerConfig`].
        setting: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
}
