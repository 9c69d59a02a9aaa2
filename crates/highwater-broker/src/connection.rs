//! One connection: read a request, serve it, write the answer, in this order, one at a time.
//!
//! Invariant: answers leave in the order in which their requests came, because there is only ever one
//! request being served; what a client pipelines waits in the socket's buffers, as with Kafka.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use highwater_wire::WireError;
use highwater_wire::frame::{self, LENGTH_BYTES, RequestHeader};
use rustix::net::sockopt::set_socket_keepalive;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use crate::api::{self, Call, Refusal, Reply};
use crate::cluster::{Cluster, Node};
use crate::memory::Room;

/// Room for small requests, several at a time.
const INITIAL_BUFFER: usize = 16 << 10;

/// Frames up to this length are read without asking the budget of all connections, so that those who
/// send small requests never wait for those who send large ones.
const SMALL_FRAME: usize = 64 << 10;

/// Silence after which the buffer is given back: a connection that is idle holds no memory for requests.
const SILENCE: Duration = Duration::from_secs(1);

/// Why a connection ended before the client closed it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("nothing came for {} s", .0.as_secs())]
    Idle(Duration),
    #[error("a request had not arrived {} s after its first byte", .0.as_secs())]
    Slow(Duration),
    #[error("the client had not taken its answer after {} s", .0.as_secs())]
    Stuck(Duration),
    #[error("the broker is stopping")]
    Stopping,
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
    let patience = cluster.config.client_patience;
    let mut buffer = BytesMut::new();
    let mut stopped = stopping.clone();
    loop {
        let frame = tokio::select! {
            frame = read_frame(&mut stream, &mut buffer, cluster) => frame?,
            _ = stopped.wait_for(|stop| *stop) => return Ok(()),
        };
        let Some((frame, room)) = frame else {
            return Ok(());
        };
        let reply = serve_frame(frame, cluster, node, reached_by, peer, &stopping).await?;
        drop(room);
        match reply {
            Reply::Frame(answer) => write(&mut stream, answer, patience).await?,
            Reply::Records(answer, room) => {
                write(&mut stream, answer, patience).await?;
                drop(room);
            }
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
async fn write(
    stream: &mut TcpStream,
    mut answer: BytesMut,
    patience: Duration,
) -> Result<(), ConnectionError> {
    let all = async {
        while answer.has_remaining() {
            stream.write_buf(&mut answer).await?;
        }
        Ok(())
    };
    timeout(patience, all)
        .await
        .map_err(|_| ConnectionError::Stuck(patience))?
}

/// Reads one frame's content, and takes room for it if it is long; `None` when the client has closed
/// between frames.
async fn read_frame(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    cluster: &Cluster,
) -> Result<Option<(Bytes, Option<Room>)>, ConnectionError> {
    // The length and the API number, which decides how long the frame may be.
    const FRONT: usize = LENGTH_BYTES + 2;
    let max_idle = cluster.config.connections_max_idle;
    let patience = cluster.config.client_patience;
    let slow = |_| ConnectionError::Slow(patience);
    if buffer.is_empty() {
        if buffer.capacity() > 0 && timeout(SILENCE.min(max_idle), stream.readable()).await.is_err() {
            *buffer = BytesMut::new();
        }
        if read_some(stream, buffer, INITIAL_BUFFER, max_idle).await? == 0 {
            return Ok(None);
        }
    }
    let mut deadline = Instant::now() + patience;
    timeout_at(deadline, fill(stream, buffer, FRONT, max_idle))
        .await
        .map_err(slow)??;
    let api_key = i16::from_be_bytes([buffer[LENGTH_BYTES], buffer[LENGTH_BYTES + 1]]);
    let length = frame::frame_length(buffer, frame::request_limit(api_key))?.unwrap_or(0);
    let whole = LENGTH_BYTES + length;
    let mut room = None;
    if whole > SMALL_FRAME {
        let asked = Instant::now();
        let given = cluster.requests.take(length).await;
        room = Some(given.ok_or(ConnectionError::Stopping)?);
        // The client is not to blame for this wait.
        deadline += asked.elapsed();
    }
    timeout_at(deadline, fill(stream, buffer, whole, max_idle))
        .await
        .map_err(slow)??;
    let mut frame = buffer.split_to(whole).freeze();
    if room.is_some() {
        // The rest shares its memory with the frame, and must not keep it when the frame is gone.
        *buffer = BytesMut::from(&buffer[..]);
    }
    Ok(Some((frame.split_off(LENGTH_BYTES), room)))
}

/// Reads until the buffer has this many bytes, and not much more than that.
async fn fill(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    length: usize,
    max_idle: Duration,
) -> Result<(), ConnectionError> {
    while buffer.len() < length {
        let room = (length - buffer.len()).max(INITIAL_BUFFER);
        if read_some(stream, buffer, room, max_idle).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
    Ok(())
}

/// Reads what is there, at most `room` bytes, which are reserved when something has come.
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
        match stream.try_read_buf(&mut (&mut *buffer).limit(room)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return Ok(read?),
        }
    }
}
