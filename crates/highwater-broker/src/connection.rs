//! One connection: read a request, serve it, write the answer, in this order, one at a time.
//!
//! Invariant: answers leave in the order in which their requests came, because there is only ever one
//! request being served; what a client pipelines waits in the socket's buffers, as with Kafka.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use highwater_wire::WireError;
use highwater_wire::frame::{self, LENGTH_BYTES, RequestHeader};
use rustix::net::sockopt::set_socket_keepalive;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::api::{self, Call, Refusal, Reply};
use crate::cluster::{Cluster, Node};

/// Room for small requests; larger ones grow the buffer as their bytes arrive.
const INITIAL_BUFFER: usize = 16 << 10;

/// Room made at a time for a frame that is still arriving, so that a length alone reserves little.
const GROWTH: usize = 1 << 20;

/// Silence after which the buffer is given back: a connection that is idle holds no memory for requests.
const SILENCE: Duration = Duration::from_secs(1);

/// How long an answer may wait for a client that takes nothing of it, before it is given up.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);

/// Why a connection ended before the client closed it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("nothing came for {} s", .0.as_secs())]
    Idle(Duration),
    #[error("the client took nothing of its answer for {} s", WRITE_PATIENCE.as_secs())]
    Stuck,
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
    // A peer whose machine has gone says nothing: the system finds out.
    set_socket_keepalive(&stream, true).map_err(io::Error::from)?;
    let reached_by = stream.local_addr()?.ip();
    let peer = stream.peer_addr()?.ip();
    let max_idle = cluster.config.connections_max_idle;
    let mut buffer = BytesMut::new();
    let mut stopped = stopping.clone();
    loop {
        let frame = tokio::select! {
            frame = read_frame(&mut stream, &mut buffer, max_idle) => frame?,
            _ = stopped.wait_for(|stop| *stop) => return Ok(()),
        };
        let Some(frame) = frame else {
            return Ok(());
        };
        match serve_frame(frame, cluster, node, reached_by, peer, &stopping).await? {
            Reply::Frame(answer) => write(&mut stream, answer).await?,
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

/// Writes an answer; the runtime lets others have their turn in between.
async fn write(stream: &mut TcpStream, mut answer: BytesMut) -> Result<(), ConnectionError> {
    while answer.has_remaining() {
        timeout(WRITE_PATIENCE, stream.write_buf(&mut answer))
            .await
            .map_err(|_| ConnectionError::Stuck)??;
    }
    Ok(())
}

/// Reads one frame's content; `None` when the client has closed between frames.
async fn read_frame(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    max_idle: Duration,
) -> Result<Option<Bytes>, ConnectionError> {
    // The length and the API number, which decides how long the frame may be.
    const FRONT: usize = LENGTH_BYTES + 2;
    if buffer.is_empty() && buffer.capacity() > 0 {
        let silence = SILENCE.min(max_idle);
        if timeout(silence, stream.readable()).await.is_err() {
            *buffer = BytesMut::new();
        }
    }
    while buffer.len() < FRONT {
        if read_some(stream, buffer, INITIAL_BUFFER, max_idle).await? == 0 {
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
        let room = (whole - buffer.len()).min(GROWTH.max(buffer.len()));
        if read_some(stream, buffer, room, max_idle).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
    let mut frame = buffer.split_to(whole).freeze();
    Ok(Some(frame.split_off(LENGTH_BYTES)))
}

/// Reads what is there into at least `room` bytes, which are reserved when something has come.
async fn read_some(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    room: usize,
    max_idle: Duration,
) -> Result<usize, ConnectionError> {
    loop {
        timeout(max_idle, stream.readable())
            .await
            .map_err(|_| ConnectionError::Idle(max_idle))??;
        buffer.reserve(room);
        match stream.try_read_buf(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return Ok(read?),
        }
    }
}
