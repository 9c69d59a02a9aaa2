//! The two ends of a connection as the pumps see them, whatever they are made of.

use std::io;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Where bytes come from.
pub(crate) type Reader = Box<dyn AsyncRead + Send + Sync + Unpin>;
/// Where bytes go.
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Sync + Unpin>;

/// One end: its halves, and the socket below for what only a socket can do.
pub(crate) struct End {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) socket: Socket,
}

/// A second handle of a socket.
pub(crate) struct Socket(std::net::TcpStream);

impl End {
    /// An end without TLS.
    pub(crate) fn plain(stream: TcpStream) -> io::Result<Self> {
        let socket = Socket::of(&stream)?;
        let (reader, writer) = stream.into_split();
        Ok(Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            socket,
        })
    }
}

impl Socket {
    pub(crate) fn of(stream: &TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let handle = SockRef::from(stream).try_clone()?;
        Ok(Self(handle.into()))
    }

    /// From now on closing it resets the connection.
    pub(crate) fn reset_on_close(&self) {
        // A socket that refuses is closed in the ordinary way.
        let _ = SockRef::from(&self.0).set_linger(Some(std::time::Duration::ZERO));
    }

    /// Ends both directions at once.
    pub(crate) fn close(&self) {
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}
