//! Why a proxy can't start.

use std::io;
use std::path::PathBuf;

use crate::rule::RuleError;
use crate::tls::TlsError;

/// Why a proxy can't start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// A rule can't be used.
    #[error("rule {}", .at + 1)]
    Rule {
        /// Its place, from 0.
        at: usize,
        /// What is wrong.
        #[source]
        source: RuleError,
    },
    /// Nobody listens where the cluster should be.
    #[error("no connection to the cluster at {address}")]
    Unreachable {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody listens, and does not speak Kafka.
    #[error("what listens at {address} is not a Kafka broker: {answered}")]
    NotKafka {
        /// The address.
        address: String,
        /// What was answered, in words.
        answered: String,
    },
    /// The cluster was to be spoken with in plaintext, and speaks TLS.
    #[error("what listens at {address} speaks TLS")]
    SpeaksTls {
        /// The address.
        address: String,
    },
    /// The cluster and the proxy did not agree on TLS.
    #[error("no TLS with what listens at {address}: {reason}")]
    UpstreamTls {
        /// The address.
        address: String,
        /// What happened, in words.
        reason: String,
        /// What to do; empty if that is not known.
        help: &'static str,
    },
    /// TLS can't be had as it was asked for.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address to listen at can't be had.
    #[error("can't listen at {address}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The history can't be written.
    #[error("can't write the history {}", path.display())]
    History {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ProxyError {
    /// What to do about it, if that is known.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Rule { source, .. } => Some(&source.help),
            Self::SpeaksTls { .. } => Some(
                "speak TLS with it (--upstream-tls on, with --upstream-ca FILE if its authority is not known here)",
            ),
            Self::UpstreamTls { help, .. } => Some(*help).filter(|help| !help.is_empty()),
            Self::Tls(error) => error.help(),
            _ => None,
        }
    }
}

/// An error with everything below it, for a history.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        below = cause.source();
    }
    text
}
