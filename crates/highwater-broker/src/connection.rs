//! One connection: read a request, serve it, write the answer, in this order, one at a time.
//!
//! Invariant: answers leave in the order in which their requests came, because there is only ever one
//! request being served; what a client pipelines waits in the socket's buffers, as with Kafka.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use highwater_wire::WireError;
use highwater_wire::frame::{self, LENGTH_BYTES, RequestHeader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::api::{self, Call, Refusal, Reply};
use crate::cluster::{Cluster, Node};

/// Room for small requests; larger ones grow the buffer as their bytes arrive.
const INITIAL_BUFFER: usize = 16 << 10;

/// A buffer above this is given back when the connection falls silent.
const KEPT_BUFFER: usize = 64 << 10;

/// Room made at a time for a frame that is still arriving, so that a length alone reserves little.
const GROWTH: usize = 1 << 20;

/// Silence after which a large buffer is given back.
const SILENCE: Duration = Duration::from_secs(1);

/// Why a connection ended before the client closed it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("socket")]
    Io(#[from] io::Error),
    #[error("request")]
    Wire(#[from] WireError),
    #[error("request of api {api_key} version {api_version} by {client_id:?}: {source}")]
    Refused {
        api_key: i16,
        api_version: i16,
        client_id: String,
        source: Refusal,
    },
}

/// Serves a client until it or the broker stops.
pub(crate) async fn serve(
    mut stream: TcpStream,
    cluster: &Cluster,
    node: Node,
    stopping: watch::Receiver<bool>,
) -> Result<(), ConnectionError> {
    stream.set_nodelay(true)?;
    let reached_by = stream.local_addr()?.ip();
    let peer = stream.peer_addr()?.ip();
    let mut buffer = BytesMut::with_capacity(INITIAL_BUFFER);
    let mut stopped = stopping.clone();
    loop {
        let frame = tokio::select! {
            frame = read_frame(&mut stream, &mut buffer) => frame?,
            _ = stopped.wait_for(|stop| *stop) => return Ok(()),
        };
        let Some(frame) = frame else {
            return Ok(());
        };
        match serve_frame(frame, cluster, node, reached_by, peer, &stopping).await? {
            Reply::Frame(answer) => stream.write_all(&answer).await?,
            Reply::None => {}
        }
    }
}

pub(crate) async fn serve_frame(
    mut frame: Bytes,
    cluster: &Cluster,
    node: Node,
    reached_by: IpAddr,
    peer: IpAddr,
    stopping: &watch::Receiver<bool>,
) -> Result<Reply, ConnectionError> {
    let header = RequestHeader::decode(&mut frame)?;
    let call = Call {
        cluster,
        node,
        reached_by,
        peer,
        stopping: stopping.clone(),
        version: header.api_version,
        correlation_id: header.correlation_id,
        client_id: header.client_id.as_deref().unwrap_or_default(),
    };
    api::answer(&call, header.api(), frame)
        .await
        .map_err(|source| ConnectionError::Refused {
            api_key: header.api_key,
            api_version: header.api_version,
            client_id: call.client_id.to_owned(),
            source,
        })
}

/// Reads one frame's content; `None` when the client has closed between frames.
async fn read_frame(stream: &mut TcpStream, buffer: &mut BytesMut) -> Result<Option<Bytes>, ConnectionError> {
    // The length and the API number, which decides how long the frame may be.
    const FRONT: usize = LENGTH_BYTES + 2;
    if buffer.is_empty() && buffer.capacity() > KEPT_BUFFER {
        let first = tokio::time::timeout(SILENCE, stream.readable()).await;
        if first.is_err() {
            *buffer = BytesMut::with_capacity(INITIAL_BUFFER);
        }
    }
    while buffer.len() < FRONT {
        buffer.reserve(INITIAL_BUFFER);
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() {
                Ok(None)
            } else {
                Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
            };
        }
    }
    let api_key = i16::from_be_bytes([buffer[LENGTH_BYTES], buffer[LENGTH_BYTES + 1]]);
    let length = frame::frame_length(buffer, frame::request_limit(api_key))?.unwrap_or(0);
    let whole = LENGTH_BYTES + length;
    while buffer.len() < whole {
        buffer.reserve((whole - buffer.len()).min(GROWTH.max(buffer.len())));
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
    let mut frame = buffer.split_to(whole).freeze();
    Ok(Some(frame.split_off(LENGTH_BYTES)))
}
