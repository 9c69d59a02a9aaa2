//! How a cluster that wants TLS, or to know who is there, is reached: a file of Java's client properties.
//!
//! ```text
//! client.properties ─▶ properties ─▶ translation ─▶ Access ─▶ admit(servers) ─┬─▶ every client of the library
//!                                                                             └─▶ Door: connections of our own
//! ```
//! Invariant: a value of the file is shown nowhere: not in an error, not in `Debug`, not in what a run writes.
//!
//! What a cluster asks for is a fact about its address, so it is noted once for the address ([`Access::admit`]), and
//! whoever makes a client for that address gets it. Clients of a proxy in front of it get what [`admit_behind`] notes for
//! the proxy's address: the login, and no TLS, which the proxy speaks. What speaks the protocol by itself (the watch of the
//! brokers, the reader of raw logs) goes through `Door`, which is as strict.

mod dial;
mod error;
mod jaas;
mod java;
mod keys;
mod login;
mod properties;
mod secret;
mod translation;
mod upstream;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub(crate) use dial::{Door, Line, Patience, Place};
pub use error::AccessError;
pub use java::connect_properties;
pub use secret::Secret;
pub use upstream::{Upstream, admit_behind, upstream};

/// A file with a chain of certificates and a key in it is some kilobytes long.
const MOST_BYTES: u64 = 1 << 20;

/// What a cluster wants of its clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    file: PathBuf,
    settings: BTreeMap<&'static str, Secret>,
    left_out: Vec<String>,
    /// Java's names of what says how a cluster is reached; with the value if it is the path of a file.
    java: BTreeMap<String, Option<String>>,
}

static ADMITTED: Mutex<BTreeMap<String, Access>> = Mutex::new(BTreeMap::new());

impl Access {
    /// Reads a file as Kafka's own tools take it with `--command-config`.
    ///
    /// # Errors
    /// [`AccessError`]: with the line, and never with a value.
    pub fn read(path: &Path) -> Result<Self, AccessError> {
        let failed = |source| AccessError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let mut text = String::new();
        let read = file
            .take(MOST_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
        if read as u64 > MOST_BYTES {
            return Err(AccessError::TooLong {
                path: path.to_owned(),
                limit: MOST_BYTES,
            });
        }
        let translated = properties::parse(&text)
            .and_then(translation::translate)
            .map_err(|wrong| wrong.of(path.to_owned()))?;
        Ok(Self {
            file: path.to_owned(),
            settings: translated.settings,
            left_out: translated.left_out,
            java: translated.java,
        })
    }

    /// Whether the files that it names can be read; the client library does not say which one can't.
    ///
    /// # Errors
    /// [`AccessError::Whole`] with the first that can't.
    pub fn check_files(&self) -> Result<(), AccessError> {
        for name in [
            "ssl.ca.location",
            "ssl.certificate.location",
            "ssl.keystore.location",
        ] {
            if let Some(path) = self.settings.get(name).map(Secret::reveal)
                && let Err(error) = File::open(path)
            {
                return Err(AccessError::Whole {
                    path: self.file.clone(),
                    reason: format!("it names {path}, which can't be read: {error}"),
                });
            }
        }
        Ok(())
    }

    /// Settings of the file that have no say here, by name: they are about what a client does, and not about how a
    /// cluster is reached.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Without TLS, for clients of a proxy that speaks it with the brokers.
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        let protocol = self.settings.get("security.protocol").map(Secret::reveal);
        let plain = match protocol {
            Some("sasl_ssl" | "sasl_plaintext") => "sasl_plaintext",
            _ => "plaintext",
        };
        self.settings.retain(|name, _| !name.starts_with("ssl."));
        self.settings
            .insert("security.protocol", Secret::new(plain.to_owned()));
        self
    }

    /// From now on every client of exactly these servers is set up so.
    pub fn admit(self, servers: &str) {
        let mut admitted = ADMITTED.lock().unwrap_or_else(PoisonError::into_inner);
        admitted.insert(servers.to_owned(), self);
    }

    /// Settings of the client library, by name.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, value.reveal()))
    }
}

/// The file that says how these servers are reached, if one does: other processes of the run are given its name, and
/// never what stands in it.
#[must_use]
pub fn file_of(servers: &str) -> Option<PathBuf> {
    admitted(servers).map(|access| access.file)
}

/// What was noted for these servers.
pub(crate) fn admitted(servers: &str) -> Option<Access> {
    let admitted = ADMITTED.lock().unwrap_or_else(PoisonError::into_inner);
    admitted.get(servers).cloned()
}
