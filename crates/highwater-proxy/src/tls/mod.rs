//! TLS at the proxy: it ends here and is opened again towards the brokers, or it passes as bytes.
//!
//! ```text
//! ends:    client ═TLS═ clients.rs │ frames, rules, history │ brokers.rs ═TLS═ broker     each side on its own
//! passes:  client ═══════════════TLS, as bytes: network faults only══════════════ broker
//! ```
//! Invariant: a certificate of a broker is trusted because of what was named for it, or because someone said
//! "insecure" in so many words; never by default. Keys that are made here never reach a disk. The proxy asks clients
//! for no certificate, so a broker that knows its clients by theirs sees the proxy's.

mod authority;
mod brokers;
mod clients;
mod error;
mod pem;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use highwater_model::history::NodeAddress;

pub(crate) use brokers::{Brokers, is_spoken, words};
pub(crate) use clients::{Clients, Hello, distrust, hello};
pub use error::TlsError;

/// What becomes of TLS at the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// It ends here, on either side on its own; by default there is none on both.
    Ends {
        /// What clients have to speak.
        clients: ClientTls,
        /// What is spoken with brokers.
        brokers: BrokerTls,
    },
    /// Bytes pass as they are: no frame is seen, no address rewritten, and only network faults happen. The brokers
    /// have to give away the listeners here as their own addresses (`advertised.listeners`).
    Passes {
        /// A listener for each broker; clients start from the first.
        listeners: Vec<PassListener>,
    },
}

/// A listener whose bytes pass as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassListener {
    /// Where clients connect; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The broker behind it.
    pub upstream: NodeAddress,
    /// Its node id, for the scope of rules; none if not known.
    pub node: Option<i32>,
}

/// What clients have to speak.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ClientTls {
    /// Plaintext.
    #[default]
    Off,
    /// TLS, with a certificate of an authority that is made for this run, for the advertised host, `localhost`,
    /// `127.0.0.1` and `::1`.
    Made {
        /// Where the certificate of the authority is written, in PEM form, for clients to trust. A file that an
        /// earlier run wrote is replaced, any other is left alone.
        authority: PathBuf,
    },
    /// TLS, with this certificate.
    Given(Certificate),
}

/// What is spoken with brokers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BrokerTls {
    /// Plaintext.
    #[default]
    Off,
    /// TLS.
    On {
        /// Whose certificates are trusted.
        trust: Trust,
        /// The proxy's own certificate, where brokers ask for one.
        certificate: Option<Certificate>,
    },
}

/// Which certificates of brokers are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// Those of authorities that this system trusts.
    #[default]
    System,
    /// Those of the authorities in this PEM file, and no others.
    Authorities(PathBuf),
    /// Any: whoever answers is taken for the broker. For clusters of tests.
    Insecure,
}

/// A certificate with its key, both in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate, followed by those between it and the authority, if there are any.
    pub chain: PathBuf,
    /// The private key, not encrypted.
    pub key: PathBuf,
}

impl Default for Tls {
    fn default() -> Self {
        Self::Ends {
            clients: ClientTls::Off,
            brokers: BrokerTls::Off,
        }
    }
}

impl Tls {
    /// Whether TLS passes as bytes.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Passes { .. })
    }

    /// In words, for logs and reports.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Passes { .. } => {
                "TLS passes as bytes: network faults only, no request is seen, clients can be led past the proxy"
            }
            Self::Ends { clients, brokers } => match (clients, brokers) {
                (ClientTls::Off, BrokerTls::Off) => "plaintext",
                (ClientTls::Off, BrokerTls::On { trust, .. }) => match trust {
                    Trust::Insecure => "plaintext with clients, TLS with brokers that nobody vouches for",
                    _ => "plaintext with clients, TLS with brokers",
                },
                (_, BrokerTls::Off) => "TLS with clients ends at the proxy, plaintext with brokers",
                (_, BrokerTls::On { trust, .. }) => match trust {
                    Trust::Insecure => {
                        "TLS with clients ends at the proxy and is opened again to brokers that nobody vouches for"
                    }
                    _ => "TLS with clients ends at the proxy and is opened again to the brokers",
                },
            },
        }
    }
}

/// Both sides, ready for connections.
#[derive(Default)]
pub(crate) struct Sides {
    /// None: plaintext.
    pub(crate) clients: Option<Clients>,
    /// None: plaintext.
    pub(crate) brokers: Option<Brokers>,
    /// Nothing is understood, bytes pass.
    pub(crate) passes: bool,
    /// Whether the log has told of a handshake that failed.
    pub(crate) warned: AtomicBool,
}

impl Sides {
    /// Towards brokers, as needed before anybody listens.
    pub(crate) fn towards_brokers(tls: &Tls) -> Result<Option<Brokers>, TlsError> {
        match tls {
            Tls::Ends {
                brokers: BrokerTls::On { trust, certificate },
                ..
            } => Brokers::new(trust, certificate.as_ref()).map(Some),
            _ => Ok(None),
        }
    }

    /// Towards clients that are told to connect to `host`.
    pub(crate) fn towards_clients(tls: &Tls, host: &str) -> Result<Option<Clients>, TlsError> {
        match tls {
            Tls::Ends { clients, .. } => Clients::new(clients, host),
            Tls::Passes { .. } => Ok(None),
        }
    }
}
