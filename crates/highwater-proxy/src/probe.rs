//! A first look at the cluster: is it Kafka, and which brokers does it name?

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use highwater_model::history::NodeAddress;
use highwater_wire::addresses::Endpoint;
use highwater_wire::{Connection, Stream, WireError};
use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest};

use crate::error::{ProxyError, chain};
use crate::proxy::resolve;
use crate::tls::{Brokers, is_spoken, words};

const PATIENCE: Duration = Duration::from_secs(10);
/// Old enough for every broker of today, new enough to have no topics in the answer.
const METADATA_VERSION: i16 = 4;

/// The brokers that the first reachable address names.
pub(crate) fn endpoints(
    addresses: &[NodeAddress],
    tls: Option<&Brokers>,
) -> Result<Vec<Endpoint>, ProxyError> {
    let mut last = None;
    for address in addresses {
        match ask(address, tls) {
            Ok(endpoints) => return Ok(endpoints),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| ProxyError::Unreachable {
        address: String::new(),
        source: std::io::Error::other("no address was given"),
    }))
}

/// Whether somebody listens at each of the addresses.
pub(crate) fn reach(addresses: &[NodeAddress]) -> Result<(), ProxyError> {
    addresses
        .iter()
        .try_for_each(|address| connect(address).map(drop))
}

fn ask(address: &NodeAddress, tls: Option<&Brokers>) -> Result<Vec<Endpoint>, ProxyError> {
    let (socket, stream) = connect(address)?;
    meet(address, socket, stream, tls)
}

fn connect(address: &NodeAddress) -> Result<(SocketAddr, TcpStream), ProxyError> {
    let unreachable = |source| ProxyError::Unreachable {
        address: address.to_string(),
        source,
    };
    let sockets = resolve(address).map_err(unreachable)?;
    let mut last = std::io::Error::other("the name has no address");
    for socket in sockets {
        match TcpStream::connect_timeout(&socket, PATIENCE) {
            Err(error) => last = error,
            Ok(stream) => return Ok((socket, stream)),
        }
    }
    Err(unreachable(last))
}

/// Somebody is there: agrees on TLS if that is wanted.
fn meet(
    address: &NodeAddress,
    socket: SocketAddr,
    stream: TcpStream,
    tls: Option<&Brokers>,
) -> Result<Vec<Endpoint>, ProxyError> {
    let unreachable = |source| ProxyError::Unreachable {
        address: address.to_string(),
        source,
    };
    stream.set_read_timeout(Some(PATIENCE)).map_err(unreachable)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(unreachable)?;
    match tls {
        None => speak(Connection::over(stream, socket)).map_err(|error| {
            if speaks_tls(address, socket) {
                let address = address.to_string();
                return ProxyError::SpeaksTls { address };
            }
            not_kafka(address, first_words(socket).unwrap_or_else(|| chain(&error)))
        }),
        Some(brokers) => {
            let stream = brokers
                .open(&address.host, stream)
                .map_err(|error| no_tls(address, &error))?;
            speak(Connection::over(stream, socket)).map_err(|error| match &error {
                // A broker that wants a certificate says so after the handshake.
                WireError::Io { source, .. } if words(source).is_some() => no_tls(address, source),
                _ => not_kafka(address, chain(&error)),
            })
        }
    }
}

fn not_kafka(address: &NodeAddress, answered: String) -> ProxyError {
    ProxyError::NotKafka {
        address: address.to_string(),
        answered,
    }
}

fn no_tls(address: &NodeAddress, error: &std::io::Error) -> ProxyError {
    let (reason, help) = words(error).unwrap_or_else(|| {
        let reason = if error.kind() == std::io::ErrorKind::UnexpectedEof {
            "it hung up during the handshake, as a listener without TLS does".to_owned()
        } else {
            chain(error)
        };
        (reason, "if it speaks plaintext: --upstream-tls off")
    });
    ProxyError::UpstreamTls {
        address: address.to_string(),
        reason,
        help,
    }
}

fn speak<S: Stream>(mut connection: Connection<S>) -> Result<Vec<Endpoint>, WireError> {
    connection.call(&ApiVersionsRequest::default(), 0)?;
    let request = MetadataRequest::default().with_topics(Some(Vec::new()));
    // A cluster that wants a login first closes the connection here; its brokers are learnt from the clients.
    let Ok(answer) = connection.call(&request, METADATA_VERSION) else {
        return Ok(Vec::new());
    };
    let broker = |broker: kafka_protocol::messages::metadata_response::MetadataResponseBroker| Endpoint {
        node: broker.node_id.0,
        host: broker.host.to_string(),
        port: broker.port,
    };
    Ok(answer.brokers.into_iter().map(broker).collect())
}

fn speaks_tls(address: &NodeAddress, socket: SocketAddr) -> bool {
    TcpStream::connect_timeout(&socket, PATIENCE).is_ok_and(|stream| {
        let patience = Some(Duration::from_secs(1));
        stream.set_read_timeout(patience).is_ok() && is_spoken(&address.host, stream)
    })
}

/// What a server that is not Kafka says, to name it.
fn first_words(socket: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&socket, PATIENCE).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    // As a Kafka request this is an impossible length, as HTTP it is a question.
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).ok()?;
    match answer.get(..read)? {
        [] => None,
        said => {
            let text = String::from_utf8_lossy(said);
            let line = text.lines().next().unwrap_or_default();
            Some(format!("it said \"{}\"", line.escape_debug()))
        }
    }
}
