//! The listeners that a proxy begins with.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use highwater_model::history::{HistoryBody, NodeAddress, Trouble};
use highwater_wire::addresses::Endpoint;

use crate::error::ProxyError;
use crate::shared::Shared;
use crate::tls::{PassListener, Tls};

/// Sockets that are bound, and not yet served.
pub(crate) struct Listening<'a> {
    first: SocketAddr,
    sockets: Sockets<'a>,
}

enum Sockets<'a> {
    /// Where clients start; brokers get theirs as they become known.
    Bootstrap(TcpListener),
    /// One for each broker, as TLS passes.
    Passing(Vec<(TcpListener, &'a PassListener)>),
}

impl<'a> Listening<'a> {
    pub(crate) fn bind(tls: &'a Tls, bootstrap: SocketAddr) -> Result<Self, ProxyError> {
        let bind = |address: SocketAddr| {
            let bound = TcpListener::bind(address);
            let local = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
            local.map_err(|source| refused(address, source))
        };
        match tls {
            Tls::Ends { .. } => {
                let (first, listener) = bind(bootstrap)?;
                Ok(Self {
                    first,
                    sockets: Sockets::Bootstrap(listener),
                })
            }
            Tls::Passes { listeners } => {
                let mut first = None;
                let mut sockets = Vec::new();
                for one in listeners {
                    let (local, listener) = bind(one.listen)?;
                    first.get_or_insert(local);
                    sockets.push((listener, one));
                }
                Ok(Self {
                    first: first.unwrap_or(bootstrap),
                    sockets: Sockets::Passing(sockets),
                })
            }
        }
    }

    /// Where clients start.
    pub(crate) fn first(&self) -> SocketAddr {
        self.first
    }

    /// Begins to serve.
    pub(crate) fn open(
        self,
        shared: &Arc<Shared>,
        upstream: &[NodeAddress],
        endpoints: &[Endpoint],
    ) -> Result<(), ProxyError> {
        let failed = |source| refused(self.first, source);
        match self.sockets {
            Sockets::Bootstrap(listener) => {
                for upstream in upstream {
                    shared.recorder.event(HistoryBody::Broker {
                        node: None,
                        upstream: upstream.clone(),
                        listener: shared.book.shown(self.first),
                    });
                }
                for endpoint in endpoints {
                    shared.book.listener_for(shared, endpoint).map_err(failed)?;
                }
                shared.listen(listener, None, upstream.to_vec()).map_err(failed)
            }
            Sockets::Passing(sockets) => {
                shared.recorder.trouble(Trouble::Bypass {
                    evidence: "TLS passes as bytes: brokers give away addresses that the proxy can't replace"
                        .to_owned(),
                });
                for (listener, one) in sockets {
                    shared
                        .book
                        .adopt(shared, listener, one.node, &one.upstream)
                        .map_err(failed)?;
                }
                Ok(())
            }
        }
    }
}

fn refused(address: SocketAddr, source: io::Error) -> ProxyError {
    ProxyError::Listen {
        address: address.to_string(),
        source,
    }
}
