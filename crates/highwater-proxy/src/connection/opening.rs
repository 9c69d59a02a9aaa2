//! From an accepted socket to two ends: the broker's side is opened, and TLS agreed upon where it ends here.
//!
//! Faults begin after this: a handshake is not disturbed.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use highwater_model::history::{NodeAddress, Side};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Ending;
use super::stream::End;
use crate::error::chain;
use crate::shared::Shared;
use crate::tls::{Hello, distrust, hello, words};

/// How long a broker may take to accept a connection, and either side to agree on TLS; as long as clients wait by
/// default.
const OPENING_LIMIT: Duration = Duration::from_secs(10);

impl Shared {
    /// How a client begins; none if it is not looked at.
    pub(crate) async fn hello(&self, client: &TcpStream) -> Option<Hello> {
        self.tls.clients.as_ref()?;
        let said = tokio::select! {
            said = timeout(OPENING_LIMIT, hello(client)) => said,
            () = self.stopping.cancelled() => return Some(Hello::Nothing),
        };
        Some(said.unwrap_or(Hello::Nothing))
    }

    /// Both ends.
    pub(crate) async fn open_ends(
        &self,
        client: TcpStream,
        hello: Option<Hello>,
        upstream: &[NodeAddress],
    ) -> Result<(End, End), Ending> {
        let opening = async {
            let client = self.client_end(client, hello).await?;
            let broker = self.broker_end(upstream).await?;
            Ok((client, broker))
        };
        tokio::select! {
            ends = opening => ends,
            () = self.stopping.cancelled() => Err(Ending::new(Side::Proxy, "the proxy stopped")),
        }
    }

    async fn client_end(&self, client: TcpStream, hello: Option<Hello>) -> Result<End, Ending> {
        let clients = match (&self.tls.clients, hello) {
            (None, _) => return End::plain(client).map_err(|error| Ending::of(Side::Client, &error)),
            (Some(_), Some(Hello::Nothing)) => return Err(Ending::new(Side::Client, "said nothing")),
            (Some(_), Some(Hello::Other)) => {
                let reason = "the client speaks plaintext, and this listener wants TLS (security.protocol)";
                self.warn_once(reason);
                return Err(Ending::new(Side::Proxy, reason));
            }
            (Some(clients), _) => clients,
        };
        let failed = |reason: String| {
            let reason = format!("no TLS with the client: {reason}");
            self.warn_once(&reason);
            Ending::new(Side::Client, reason)
        };
        match timeout(OPENING_LIMIT, clients.accept(client)).await {
            Ok(Ok(stream)) => End::tls(stream.into()).map_err(|error| Ending::of(Side::Client, &error)),
            Ok(Err(error)) => Err(failed(
                distrust(&error).map_or_else(|| refused(&error), str::to_owned),
            )),
            Err(_) => Err(failed("the handshake took too long".to_owned())),
        }
    }

    async fn broker_end(&self, upstream: &[NodeAddress]) -> Result<End, Ending> {
        let failed = |error: io::Error| {
            let reason = format!("no connection to the broker: {}", refused(&error));
            Ending::new(Side::Broker, reason)
        };
        let (stream, host) = connect(upstream).await.map_err(failed)?;
        let Some(brokers) = &self.tls.brokers else {
            return End::plain(stream).map_err(failed);
        };
        match timeout(OPENING_LIMIT, brokers.connect(host, stream)).await {
            Ok(Ok(stream)) => End::tls(stream.into()).map_err(failed),
            Ok(Err(error)) => {
                let ending = failed(error);
                self.warn_once(&ending.reason);
                Err(ending)
            }
            Err(_) => Err(failed(io::ErrorKind::TimedOut.into())),
        }
    }

    /// Clients try again and again; the history has each attempt, the log the first.
    fn warn_once(&self, reason: &str) {
        if !self.tls.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!("{reason}; further ones are in the history");
        }
    }
}

/// Why a handshake or a connection failed.
fn refused(error: &io::Error) -> String {
    match words(error) {
        Some((reason, "")) => reason,
        Some((reason, help)) => format!("{reason}; {help}"),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "it hung up during the handshake".to_owned(),
        None => chain(error),
    }
}

/// Connects to the first of the addresses that answers; gives its host as well.
async fn connect(upstream: &[NodeAddress]) -> io::Result<(TcpStream, &str)> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in upstream {
        let connecting = TcpStream::connect((address.host.as_str(), address.port));
        match timeout(OPENING_LIMIT, connecting).await {
            Ok(Ok(stream)) => return Ok((stream, &address.host)),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}
