//! TLS with clients: the proxy is the server.

use std::io;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, Error, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::brokers::provider;
use super::error::TlsError;
use super::{ClientTls, authority, pem};

/// Type of a TLS record that carries a handshake.
const HANDSHAKE: u8 = 0x16;

/// Takes connections of clients.
pub(crate) struct Clients {
    acceptor: TlsAcceptor,
}

/// How a client begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hello {
    /// With a handshake.
    Tls,
    /// With something else.
    Other,
    /// Not at all.
    Nothing,
}

impl Clients {
    pub(super) fn new(tls: &ClientTls, host: &str) -> Result<Option<Self>, TlsError> {
        match tls {
            ClientTls::Off => Ok(None),
            ClientTls::Made { authority: path } => {
                let made = authority::make(host)?;
                authority::publish(&made.authority_pem, path)?;
                let config = config(made.chain, made.key).map_err(TlsError::Setup)?;
                Ok(Some(Self::with(config)))
            }
            ClientTls::Given(certificate) => {
                let (chain, key) = pem::pair(certificate)?;
                let config = config(chain, key).map_err(|source| TlsError::Certificate {
                    path: certificate.chain.clone(),
                    source,
                })?;
                Ok(Some(Self::with(config)))
            }
        }
    }

    fn with(config: ServerConfig) -> Self {
        Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }

    /// Shakes hands.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }
}

fn config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<ServerConfig, Error> {
    ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
}

/// Looks at the first byte of a client without taking it.
pub(crate) async fn hello(stream: &TcpStream) -> Hello {
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(1) if first == [HANDSHAKE] => Hello::Tls,
        Ok(1) => Hello::Other,
        _ => Hello::Nothing,
    }
}

/// What a client has against the proxy's certificate, if that is why it refused. Which alert it sends differs between
/// libraries: OpenSSL tells an unknown authority, Java an unknown certificate for that and for another name.
pub(crate) fn distrust(error: &io::Error) -> Option<&'static str> {
    let Error::AlertReceived(alert) = error.get_ref()?.downcast_ref::<Error>()? else {
        return None;
    };
    match alert {
        AlertDescription::UnknownCA => {
            Some("it does not trust the authority of the proxy's certificate; give it the file of --tls-ca")
        }
        AlertDescription::CertificateUnknown | AlertDescription::BadCertificate => Some(
            "it refuses the proxy's certificate; give it the file of --tls-ca, and connect to the advertised host",
        ),
        _ => None,
    }
}
