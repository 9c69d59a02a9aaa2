//! TLS with brokers: the proxy is the client.

use std::io;
use std::net::TcpStream as BlockingStream;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error,
    RootCertStore, SignatureScheme, StreamOwned,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::TlsError;
use super::{Certificate, Trust, pem};

/// Opens TLS with brokers.
#[derive(Clone)]
pub(crate) struct Brokers {
    config: Arc<ClientConfig>,
}

impl Brokers {
    pub(super) fn new(trust: &Trust, certificate: Option<&Certificate>) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .dangerous()
            .with_custom_certificate_verifier(verifier(trust)?);
        let config = match certificate {
            None => builder.with_no_client_auth(),
            Some(certificate) => {
                let (chain, key) = pem::pair(certificate)?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|source| TlsError::Certificate {
                        path: certificate.chain.clone(),
                        source,
                    })?
            }
        };
        Ok(Self {
            config: Arc::new(config),
        })
    }

    /// Shakes hands with the broker that should be `host`.
    pub(crate) async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let connector = TlsConnector::from(Arc::clone(&self.config));
        connector.connect(server_name(host)?, stream).await
    }

    /// The same for a thread that waits.
    pub(crate) fn open(
        &self,
        host: &str,
        mut stream: BlockingStream,
    ) -> io::Result<StreamOwned<ClientConnection, BlockingStream>> {
        let config = Arc::clone(&self.config);
        let mut connection = ClientConnection::new(config, server_name(host)?).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(StreamOwned::new(connection, stream))
    }
}

/// Whether what listens there answers a handshake in the language of TLS, whatever it thinks of it.
pub(crate) fn is_spoken(host: &str, stream: BlockingStream) -> bool {
    let Ok(anybody) = Brokers::new(&Trust::Insecure, None) else {
        return false;
    };
    match anybody.open(host, stream) {
        Ok(_) => true,
        Err(error) => {
            let said = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
            said.is_some_and(|said| !matches!(said, Error::InvalidMessage(_)))
        }
    }
}

/// Needs nothing but a C compiler to be built.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn server_name(host: &str) -> io::Result<ServerName<'static>> {
    // A name may end with a dot, which no certificate has.
    let host = host.strip_suffix('.').unwrap_or(host);
    ServerName::try_from(host.to_owned()).map_err(io::Error::other)
}

fn verifier(trust: &Trust) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let roots = match trust {
        Trust::Insecure => return Ok(Arc::new(Anybody(provider()))),
        Trust::System => system()?,
        Trust::Authorities(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in pem::certificates(path, "certificate authority")? {
                roots.add(certificate).map_err(|source| TlsError::Authority {
                    path: path.clone(),
                    source,
                })?;
            }
            roots
        }
    };
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| TlsError::Setup(Error::General(error.to_string())))?;
    Ok(verifier)
}

fn system() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable > 0 {
        return Ok(roots);
    }
    let source = found
        .errors
        .into_iter()
        .next()
        .map_or_else(|| io::Error::other("none was found"), io::Error::other);
    Err(TlsError::System { source })
}

/// Takes any certificate; the handshake itself is still verified.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Why the other side and the proxy did not agree: what happened, and what to do, if that is known. None if it was
/// not about TLS.
pub(crate) fn words(error: &io::Error) -> Option<(String, &'static str)> {
    let tls = error.get_ref()?.downcast_ref::<Error>()?;
    let told = match tls {
        Error::InvalidCertificate(reason) => return Some(about_certificate(reason)),
        Error::InvalidMessage(_) => (
            "it does not speak TLS".to_owned(),
            "speak plaintext with it (--upstream-tls off), or name its TLS listener",
        ),
        // Which alert it is differs: Java sends the second.
        Error::AlertReceived(AlertDescription::CertificateRequired | AlertDescription::BadCertificate) => (
            "it wants a certificate of the proxy that it can trust".to_owned(),
            "give the proxy one (--upstream-cert FILE and --upstream-key FILE)",
        ),
        Error::AlertReceived(alert) => (format!("it refused the handshake: {alert:?}"), ""),
        other => (other.to_string(), ""),
    };
    Some(told)
}

fn about_certificate(reason: &CertificateError) -> (String, &'static str) {
    match reason {
        CertificateError::UnknownIssuer => (
            "its certificate comes from an authority that is not trusted".to_owned(),
            "name the authority of the brokers (--upstream-ca FILE)",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "its certificate has expired".to_owned(),
            "renew it; to test all the same, --upstream-tls insecure takes any certificate",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "its certificate is not valid yet".to_owned(),
            "look at the clocks of this machine and of the broker",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "its certificate is for another name".to_owned(),
            "connect to a name that is in it; --upstream-tls insecure takes any certificate",
        ),
        other => (format!("its certificate is refused: {other}"), ""),
    }
}
