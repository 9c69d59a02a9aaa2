//! A first look at the cluster: is it Kafka, and which brokers does it name?

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use highwater_model::history::NodeAddress;
use highwater_wire::addresses::Endpoint;
use highwater_wire::{Connection, WireError};
use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest};

use crate::error::{ProxyError, chain};
use crate::proxy::resolve;

const PATIENCE: Duration = Duration::from_secs(10);
/// Old enough for every broker of today, new enough to have no topics in the answer.
const METADATA_VERSION: i16 = 4;

/// The brokers that the first reachable address names.
pub(crate) fn endpoints(addresses: &[NodeAddress]) -> Result<Vec<Endpoint>, ProxyError> {
    let mut last = None;
    for address in addresses {
        match ask(address) {
            Ok(endpoints) => return Ok(endpoints),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| ProxyError::Unreachable {
        address: String::new(),
        source: std::io::Error::other("no address was given"),
    }))
}

fn ask(address: &NodeAddress) -> Result<Vec<Endpoint>, ProxyError> {
    let unreachable = |source| ProxyError::Unreachable {
        address: address.to_string(),
        source,
    };
    let sockets = resolve(address).map_err(unreachable)?;
    let mut last = std::io::Error::other("the name has no address");
    for socket in sockets {
        match TcpStream::connect_timeout(&socket, PATIENCE) {
            Err(error) => last = error,
            Ok(_) => return speak(address, socket),
        }
    }
    Err(unreachable(last))
}

fn speak(address: &NodeAddress, socket: std::net::SocketAddr) -> Result<Vec<Endpoint>, ProxyError> {
    let not_kafka = |error: &WireError| ProxyError::NotKafka {
        address: address.to_string(),
        answered: first_words(socket).unwrap_or_else(|| chain(error)),
    };
    let mut connection = Connection::open(socket, PATIENCE).map_err(|error| not_kafka(&error))?;
    connection
        .call(&ApiVersionsRequest::default(), 0)
        .map_err(|error| not_kafka(&error))?;
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

/// What a server that is not Kafka says, to name it.
fn first_words(socket: std::net::SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&socket, PATIENCE).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    // As a Kafka request this is an impossible length, as HTTP it is a question.
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).ok()?;
    match answer.get(..read)? {
        [] => None,
        [0x15 | 0x16, 0x03, ..] => Some("it speaks TLS".to_owned()),
        said => {
            let text = String::from_utf8_lossy(said);
            let line = text.lines().next().unwrap_or_default();
            Some(format!("it said \"{}\"", line.escape_debug()))
        }
    }
}
