//! Connections that speak Kafka's protocol by themselves, to a cluster that may want TLS and a login.
//!
//! ```text
//! Door (what was noted for the servers) ─▶ TCP ─▶ TLS, the broker's name looked at ─▶ SASL ─▶ Connection<Line>
//! ```
//! Invariant: it is as strict as the clients of the library are with the same file; whatever can't be done is an error.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use highwater_wire::{Connection, WireError};
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslMethod, SslStream, SslVerifyMode};
use openssl::x509::X509;

use super::{Access, admitted, login};

/// What a connection is made of.
pub(crate) enum Line {
    Plain(TcpStream),
    Tls(Box<SslStream<TcpStream>>),
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// How long is waited for a connection, and for everything after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) connect: Duration,
    pub(crate) answer: Duration,
}

/// A broker: its name, which its certificate has to have, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) address: SocketAddr,
}

impl Place {
    /// Where `HOST:PORT` is, as it was given; nothing if the name is not known.
    pub(crate) fn given(server: &str) -> Vec<Self> {
        let server = server.trim();
        let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found = server.to_socket_addrs().into_iter().flatten();
        found
            .map(|address| Self {
                host: host.to_owned(),
                address,
            })
            .collect()
    }
}

/// Opens connections to the brokers of a cluster.
#[derive(Clone)]
pub(crate) struct Door {
    access: Option<Access>,
    tls: Option<SslConnector>,
    client_id: &'static str,
}

impl Door {
    /// To the cluster behind these servers.
    ///
    /// # Errors
    /// TLS can't be set up as the file says, e.g. because a file that it names can't be read.
    pub(crate) fn to(servers: &str, client_id: &'static str) -> io::Result<Self> {
        let access = admitted(servers);
        let protocol = access
            .as_ref()
            .and_then(|access| value(access, "security.protocol"));
        let tls = match &access {
            Some(access) if matches!(protocol, Some("ssl" | "sasl_ssl")) => Some(connector(access)?),
            _ => None,
        };
        Ok(Self {
            access,
            tls,
            client_id,
        })
    }

    /// A connection that is ready for questions.
    ///
    /// # Errors
    /// [`WireError::Connect`]: nobody there, TLS that fails, a login that is refused; never with a secret.
    pub(crate) fn open(&self, place: &Place, patience: Patience) -> Result<Connection<Line>, WireError> {
        let address = place.address;
        let connect = |source| WireError::Connect { address, source };
        let stream = TcpStream::connect_timeout(&address, patience.connect).map_err(connect)?;
        stream.set_nodelay(true).map_err(connect)?;
        stream.set_read_timeout(Some(patience.answer)).map_err(connect)?;
        stream.set_write_timeout(Some(patience.answer)).map_err(connect)?;
        let line = match &self.tls {
            None => Line::Plain(stream),
            Some(tls) => Line::Tls(Box::new(self.shake(tls, &place.host, stream).map_err(connect)?)),
        };
        let mut connection = Connection::over(line, address).with_client_id(self.client_id);
        if let Some(access) = &self.access
            && let Some(mechanism) = value(access, "sasl.mechanism")
        {
            let user = value(access, "sasl.username").unwrap_or_default();
            let password = value(access, "sasl.password").unwrap_or_default();
            login::log_in(&mut connection, mechanism, user, password).map_err(connect)?;
        }
        Ok(connection)
    }

    fn shake(&self, tls: &SslConnector, host: &str, stream: TcpStream) -> io::Result<SslStream<TcpStream>> {
        let named = self
            .access
            .as_ref()
            .and_then(|access| value(access, "ssl.endpoint.identification.algorithm"))
            != Some("none");
        let session = tls.configure().map_err(io::Error::other)?.verify_hostname(named);
        session
            .connect(host, stream)
            .map_err(|error| io::Error::other(format!("TLS: {error}")))
    }
}

fn value<'a>(access: &'a Access, name: &str) -> Option<&'a str> {
    access.settings.get(name).map(super::Secret::reveal)
}

/// TLS as the file says.
fn connector(access: &Access) -> io::Result<SslConnector> {
    let mut tls = SslConnector::builder(SslMethod::tls_client()).map_err(io::Error::other)?;
    tls.set_verify(SslVerifyMode::PEER);
    if let Some(file) = value(access, "ssl.ca.location") {
        tls.set_ca_file(file).map_err(|error| about(file, &error))?;
    } else if let Some(certificates) = value(access, "ssl.ca.pem") {
        for certificate in X509::stack_from_pem(certificates.as_bytes()).map_err(io::Error::other)? {
            tls.cert_store_mut()
                .add_cert(certificate)
                .map_err(io::Error::other)?;
        }
    }
    own_certificate(&mut tls, access)?;
    Ok(tls.build())
}

fn own_certificate(tls: &mut SslConnectorBuilder, access: &Access) -> io::Result<()> {
    let password = value(access, "ssl.key.password").unwrap_or_default();
    if let Some(file) = value(access, "ssl.certificate.location") {
        tls.set_certificate_chain_file(file)
            .map_err(|error| about(file, &error))?;
        let pem = std::fs::read(file).map_err(|error| about(file, &error))?;
        let key = PKey::private_key_from_pem_passphrase(&pem, password.as_bytes())
            .map_err(|error| about(file, &error))?;
        tls.set_private_key(&key).map_err(|error| about(file, &error))?;
    } else if let (Some(chain), Some(key)) =
        (value(access, "ssl.certificate.pem"), value(access, "ssl.key.pem"))
    {
        let mut chain = X509::stack_from_pem(chain.as_bytes())
            .map_err(io::Error::other)?
            .into_iter();
        if let Some(own) = chain.next() {
            tls.set_certificate(&own).map_err(io::Error::other)?;
        }
        for between in chain {
            tls.add_extra_chain_cert(between).map_err(io::Error::other)?;
        }
        let key = PKey::private_key_from_pem_passphrase(key.as_bytes(), password.as_bytes())
            .map_err(io::Error::other)?;
        tls.set_private_key(&key).map_err(io::Error::other)?;
    } else if let Some(file) = value(access, "ssl.keystore.location") {
        let der = std::fs::read(file).map_err(|error| about(file, &error))?;
        let password = value(access, "ssl.keystore.password").unwrap_or_default();
        let store = Pkcs12::from_der(&der)
            .and_then(|store| store.parse2(password))
            .map_err(|error| about(file, &error))?;
        if let Some(key) = store.pkey {
            tls.set_private_key(&key).map_err(|error| about(file, &error))?;
        }
        if let Some(own) = store.cert {
            tls.set_certificate(&own).map_err(|error| about(file, &error))?;
        }
        for between in store.ca.into_iter().flatten() {
            tls.add_extra_chain_cert(between)
                .map_err(|error| about(file, &error))?;
        }
    }
    Ok(())
}

/// OpenSSL's errors name functions and reasons, and nothing of what is in a file.
fn about(file: &str, error: &dyn std::error::Error) -> io::Error {
    io::Error::other(format!("{file}: {error}"))
}
