//! A small blocking client for readiness probes and tests.
//!
//! One request at a time, no retries, no reconnects, no metadata: whoever needs those uses a real
//! client. Invariant: after an error the connection is not used again by its owner, because an answer
//! may still be on its way.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::protocol::Request;

use crate::error::WireError;
use crate::frame::{self, LENGTH_BYTES, MAX_RESPONSE_FRAME};

/// The name given to the broker in every request.
const CLIENT_ID: &str = "highwater";

/// What a connection is made of: TCP, or TLS over it.
pub trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

/// A connection to one broker.
#[derive(Debug)]
pub struct Connection<S = TcpStream> {
    stream: S,
    address: SocketAddr,
    next_correlation_id: i32,
    client_id: String,
}

impl Connection {
    /// Connects; `timeout` bounds the connect and every single read and write.
    ///
    /// # Errors
    /// [`WireError::Connect`].
    pub fn open(address: SocketAddr, timeout: Duration) -> Result<Self, WireError> {
        let connect = |source| WireError::Connect { address, source };
        let stream = TcpStream::connect_timeout(&address, timeout).map_err(connect)?;
        stream.set_nodelay(true).map_err(connect)?;
        stream.set_read_timeout(Some(timeout)).map_err(connect)?;
        stream.set_write_timeout(Some(timeout)).map_err(connect)?;
        Ok(Self::over(stream, address))
    }
}

impl<S: Stream> Connection<S> {
    /// Over a stream that is open; its timeouts are its owner's affair.
    pub fn over(stream: S, address: SocketAddr) -> Self {
        Self {
            stream,
            address,
            next_correlation_id: 1,
            client_id: CLIENT_ID.to_owned(),
        }
    }

    /// The same connection under another client id.
    #[must_use]
    pub fn with_client_id(mut self, client_id: &str) -> Self {
        client_id.clone_into(&mut self.client_id);
        self
    }

    /// Sends one request and waits for its answer.
    ///
    /// # Errors
    /// [`WireError`]: encoding, the socket (also its timeout), an answer that does not fit.
    pub fn call<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response, WireError> {
        let correlation_id = self.send(request, version)?;
        self.receive::<R>(version, correlation_id)
    }

    /// Sends one request without waiting (pipelining, `acks=0`); gives its correlation id.
    ///
    /// # Errors
    /// [`WireError::Encode`], [`WireError::Io`].
    pub fn send<R: Request>(&mut self, request: &R, version: i16) -> Result<i32, WireError> {
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id = self.next_correlation_id.wrapping_add(1);
        let frame = frame::encode_request(request, version, correlation_id, &self.client_id)?;
        self.send_raw(&frame)?;
        Ok(correlation_id)
    }

    /// Sends bytes as they are, for tests of bad input.
    ///
    /// # Errors
    /// [`WireError::Io`].
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        self.stream
            .write_all(bytes)
            .map_err(|source| self.io("write to", source))
    }

    /// Waits for the answer to a request that was sent before.
    ///
    /// # Errors
    /// [`WireError::Io`], [`WireError::FrameLength`], [`WireError::Correlation`], [`WireError::Decode`].
    pub fn receive<R: Request>(
        &mut self,
        version: i16,
        correlation_id: i32,
    ) -> Result<R::Response, WireError> {
        let frame = self.receive_raw()?;
        frame::decode_response::<R>(frame, version, correlation_id)
    }

    /// Waits for one frame and gives its content, header included.
    ///
    /// # Errors
    /// [`WireError::Io`], [`WireError::FrameLength`].
    pub fn receive_raw(&mut self) -> Result<Bytes, WireError> {
        let mut prefix = [0; LENGTH_BYTES];
        self.read_exact(&mut prefix)?;
        let length = frame::frame_length(&prefix, MAX_RESPONSE_FRAME)?.unwrap_or(0);
        let mut content = vec![0; length];
        self.read_exact(&mut content)?;
        Ok(Bytes::from(content))
    }

    fn read_exact(&mut self, into: &mut [u8]) -> Result<(), WireError> {
        self.stream
            .read_exact(into)
            .map_err(|source| self.io("read from", source))
    }

    fn io(&self, action: &'static str, source: std::io::Error) -> WireError {
        WireError::Io {
            action,
            address: self.address,
            source,
        }
    }
}
