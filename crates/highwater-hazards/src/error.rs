//! Why a hazard could not be tried. That it was tried and did not appear is no error.

use std::time::Duration;

use highwater_proxy::ProxyError;
use highwater_target::TargetError;
use highwater_wire::{WireError, api};
use rdkafka::error::KafkaError;

/// What kept a hazard from being tried.
#[derive(Debug, thiserror::Error)]
pub enum HazardError {
    /// It was asked to end.
    #[error("interrupted")]
    Interrupted,
    /// No answer, or none that can be understood.
    #[error("{what}: no answer")]
    Wire {
        /// Which request.
        what: &'static str,
        /// Why.
        source: WireError,
    },
    /// An answer without what was asked for.
    #[error("{what}: the answer is empty")]
    Empty {
        /// Which request.
        what: &'static str,
    },
    /// An error in an answer where the lesson needs none.
    #[error("{what}: the broker answers {error}")]
    Refused {
        /// Which request.
        what: &'static str,
        /// Kafka's name of the error.
        error: String,
    },
    /// A client library could not do what the lesson needs.
    #[error("{what}: {source}")]
    Client {
        /// What it was to do.
        what: &'static str,
        /// Why.
        source: KafkaError,
    },
    /// Something that was waited for did not come.
    #[error("{what}: not within {limit:?}")]
    Late {
        /// What.
        what: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The target.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The fault proxy.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The machine.
    #[error("can't {action}")]
    Io {
        /// What was to be done.
        action: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

/// Kafka's name of an error code.
pub(crate) fn named(code: i16) -> String {
    api::error_name(code).map_or_else(|| format!("error {code}"), str::to_owned)
}

/// An error code of an answer as an error.
pub(crate) fn refused(what: &'static str, code: i16) -> Result<(), HazardError> {
    match code {
        0 => Ok(()),
        code => Err(HazardError::Refused {
            what,
            error: named(code),
        }),
    }
}

/// For errors of librdkafka.
pub(crate) fn client(what: &'static str) -> impl FnOnce(KafkaError) -> HazardError {
    move |source| HazardError::Client { what, source }
}
