use std::io;
use std::path::PathBuf;

/// Why TLS can't be had as it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file can't be read.
    #[error("can't read {what} in {}", path.display())]
    Read {
        /// What it should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A PEM file holds something else.
    #[error("{} holds no {what} in PEM form", path.display())]
    Empty {
        /// What it should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// An authority in a file can't be one.
    #[error("{} holds a certificate that can't be trusted", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The certificate of the authority can't be written.
    #[error("can't write the certificate authority {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file for the authority is something else.
    #[error("{} is there already, and no earlier run wrote it", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A certificate and its key don't fit, or can't be used.
    #[error("the certificate {} can't be used", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// No certificate can be made for this host.
    #[error("no certificate can be made for {host}")]
    Make {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system trusts nobody.
    #[error("this system names no certificate authorities that it trusts")]
    System {
        /// Why, as far as it said.
        #[source]
        source: io::Error,
    },
    /// The library refused, whatever was asked.
    #[error("TLS can't be set up")]
    Setup(#[source] rustls::Error),
    /// TLS that passes needs to be told where.
    #[error("TLS that passes as bytes needs a listener for each broker, and none was given")]
    NoListener,
}

impl TlsError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Foreign { .. } => Some("the file is left as it is; name another one"),
            Self::Empty { what, .. } if *what == "private key" => {
                Some("the key is PEM without a password (PKCS#8, PKCS#1 or SEC1)")
            }
            Self::System { .. } => Some("name the authority of the brokers, as a PEM file"),
            _ => None,
        }
    }
}
