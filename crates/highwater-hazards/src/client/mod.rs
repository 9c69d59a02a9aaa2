//! A raw client: it speaks the version that it is told to, retries only what is said, and shows every error.
//!
//! Client libraries hide what the lessons are about: which version they speak, what they retry, what they take an error
//! for. Invariant: after an error the connection is not used again; the next request opens another.
//!
//! It speaks to one broker only, and does not keep metadata.

mod admin;
mod group;
mod idempotent;
mod log;
mod offsets;
mod transactional;

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use highwater_wire::{Connection, WireError};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{GroupId, TopicName, TransactionalId};
use kafka_protocol::protocol::{Request, StrBytes};

pub(crate) use self::group::Member;
pub(crate) use self::idempotent::sequenced;
pub(crate) use self::log::LogRecord;
pub(crate) use self::transactional::{Protocol, Transactional};
use crate::error::HazardError;

/// For an answer, unless the lesson is about one that does not come.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// For a coordinator that is loading or busy.
const SETTLING_LIMIT: Duration = Duration::from_secs(30);
const BACKOFF: Duration = Duration::from_millis(20);

/// A client of one broker, or of a proxy.
pub(crate) struct Client {
    address: SocketAddr,
    id: String,
    patience: Duration,
    connection: Option<Connection>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, id: &str) -> Self {
        Self {
            address,
            id: id.to_owned(),
            patience: ANSWER_LIMIT,
            connection: None,
        }
    }

    /// The same with another request timeout.
    pub(crate) fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self.connection = None;
        self
    }

    /// One request and its answer. Without an answer the connection is closed.
    pub(crate) fn call<R: Request>(
        &mut self,
        what: &'static str,
        request: &R,
        version: i16,
    ) -> Result<R::Response, HazardError> {
        let wire = |source| HazardError::Wire { what, source };
        let mut connection = self.connected().map_err(wire)?;
        let answer = connection.call(request, version).map_err(wire)?;
        self.connection = Some(connection);
        Ok(answer)
    }

    /// Several requests at once, and their answers.
    pub(crate) fn pipeline<R: Request>(
        &mut self,
        what: &'static str,
        requests: &[R],
        version: i16,
    ) -> Result<Vec<R::Response>, HazardError> {
        let wire = |source| HazardError::Wire { what, source };
        let mut connection = self.connected().map_err(wire)?;
        let mut sent = Vec::with_capacity(requests.len());
        for request in requests {
            sent.push(connection.send(request, version).map_err(wire)?);
        }
        let mut answers = Vec::with_capacity(requests.len());
        for correlation_id in sent {
            answers.push(connection.receive::<R>(version, correlation_id).map_err(wire)?);
        }
        self.connection = Some(connection);
        Ok(answers)
    }

    /// Asks again while a coordinator is not there yet or a transaction has not ended yet, as every client does.
    pub(crate) fn settled<R: Request>(
        &mut self,
        what: &'static str,
        request: &R,
        version: i16,
        code: impl Fn(&R::Response) -> i16,
    ) -> Result<R::Response, HazardError> {
        let end = Instant::now() + SETTLING_LIMIT;
        loop {
            let answer = self.call(what, request, version)?;
            if !is_passing(code(&answer)) || Instant::now() > end {
                return Ok(answer);
            }
            thread::sleep(BACKOFF);
        }
    }

    fn connected(&mut self) -> Result<Connection, WireError> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => Ok(Connection::open(self.address, self.patience)?.with_client_id(&self.id)),
        }
    }
}

/// Whether an error goes away by itself.
fn is_passing(code: i16) -> bool {
    matches!(
        ResponseError::try_from_code(code),
        Some(
            ResponseError::CoordinatorLoadInProgress
                | ResponseError::CoordinatorNotAvailable
                | ResponseError::NotCoordinator
                | ResponseError::ConcurrentTransactions
        )
    )
}

/// Whether there was no answer.
pub(crate) fn unanswered<T>(answer: &Result<T, HazardError>) -> bool {
    matches!(answer, Err(HazardError::Wire { .. }))
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

fn group_id(name: &str) -> GroupId {
    GroupId(text(name))
}

fn transactional_id(name: &str) -> TransactionalId {
    TransactionalId(text(name))
}

/// The only element of an answer that has one.
fn only<T>(what: &'static str, all: Vec<T>) -> Result<T, HazardError> {
    all.into_iter().next().ok_or(HazardError::Empty { what })
}
