//! Who is at the other end of a connection, as far as it said.

/// What a client said of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Broker that the listener stands for.
    pub(crate) node: Option<i32>,
    /// From the request header.
    pub(crate) client_id: Option<String>,
    /// User of SASL.
    pub(crate) principal: Option<String>,
    /// Name and version of the client library.
    pub(crate) software: Option<(String, String)>,
}
