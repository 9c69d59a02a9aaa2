//! A client of raw frames, with and without TLS.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use highwater_wire::{BatchBuilder, Connection, Stream, WireError};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{MetadataRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Encrypted = StreamOwned<ClientConnection, TcpStream>;

fn topic() -> TopicName {
    TopicName(StrBytes::from_static_str("orders"))
}

fn tcp(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(crate) fn plain(address: SocketAddr) -> Connection {
    Connection::over(tcp(address), address)
}

/// Shakes hands with a server that should have a certificate of this authority for this name.
pub(crate) fn encrypted(
    address: SocketAddr,
    authority: &Path,
    host: &str,
) -> io::Result<Connection<Encrypted>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = tcp(address);
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(Connection::over(StreamOwned::new(connection, stream), address))
}

/// Where the leader of the topic is said to be.
pub(crate) fn leader<S: Stream>(connection: &mut Connection<S>) -> SocketAddr {
    let wanted = MetadataRequestTopic::default().with_name(Some(topic()));
    let request = MetadataRequest::default().with_topics(Some(vec![wanted]));
    let answer = connection.call(&request, 9).unwrap();
    let broker = answer.brokers.first().unwrap();
    format!("{}:{}", broker.host, broker.port).parse().unwrap()
}

/// Error and base offset, or none if the connection broke.
pub(crate) fn send<S: Stream>(connection: &mut Connection<S>, value: &[u8]) -> Option<(i16, i64)> {
    try_send(connection, value).ok()
}

pub(crate) fn try_send<S: Stream>(
    connection: &mut Connection<S>,
    value: &[u8],
) -> Result<(i16, i64), WireError> {
    let batch = BatchBuilder::new().record(Some(b"key"), Some(value)).build();
    let partition = PartitionProduceData::default()
        .with_index(0)
        .with_records(Some(batch));
    let data = TopicProduceData::default()
        .with_name(topic())
        .with_partition_data(vec![partition]);
    let request = ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(5_000)
        .with_topic_data(vec![data]);
    let answer = connection.call(&request, 9)?;
    let partition = &answer.responses[0].partition_responses[0];
    Ok((partition.error_code, partition.base_offset))
}
