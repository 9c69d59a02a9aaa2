//! The two ends of a connection as the pumps see them, whatever they are made of.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

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
#[derive(Debug)]
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

impl End {
    /// An end with TLS.
    pub(crate) fn tls(stream: TlsStream<TcpStream>) -> io::Result<Self> {
        let socket = Socket::of(stream.get_ref().0)?;
        let (reader, writer) = tokio::io::split(stream);
        Ok(Self {
            reader: Box::new(Lenient(reader)),
            writer: Box::new(writer),
            socket,
        })
    }
}

/// Takes the end of TCP for the end of TLS, as Kafka's clients and brokers do: frames have a length, so nobody can
/// cut anything off without being noticed.
struct Lenient<R>(R);

impl<R: AsyncRead + Unpin> AsyncRead for Lenient<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.0).poll_read(context, into)) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            other => Poll::Ready(other),
        }
    }
}

impl Socket {
    pub(crate) fn of(stream: &TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let handle = SockRef::from(stream).try_clone()?;
        Ok(Self(handle.into()))
    }

    /// Resets the connection now. Lingering for no time is not enough: a half that is dropped says first, in the
    /// ordinary way, that nothing follows.
    pub(crate) fn reset(&self) {
        // A socket that refuses has no connection any more.
        let _ = rustix::net::connect_unspec(&self.0);
    }

    /// Ends both directions at once.
    pub(crate) fn close(&self) {
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}
